"""The console's reader and publisher of log records against a real server."""

import asyncio
import time

import pytest

from protocol import log_logins
from protocol.log_records import LogRecord
from protocol.stomp_client import Dropped, Target
from provisioning.logs.rules.messages import Position
from provisioning.logs.services.records import _published
from provisioning.logs.worker.subscription import Following

from .control_double import SECRET

pytestmark = pytest.mark.scenario


def target(server, login, secret=SECRET):
    return Target("MS_Primary", "127.0.0.1", server.port, login, log_logins.passcode(secret, login))


def publish(server, *numbers):
    async def all_of_them():
        for number in numbers:
            record = LogRecord(number="00-04504", level="standard", application="a:b", text=f"Über {number}\nand more",
                               attributes={"peer": "MS:B\\C"})
            await _published("MS_Primary", [target(server, log_logins.CONSOLE)], record, 10)

    asyncio.run(all_of_them())


def followed(server, count, position=None):
    """The first ``count`` rows behind ``position``."""
    rows = []

    async def keep(some, to, unreadable):
        rows.extend(some)

    async def until_there():
        task = asyncio.create_task(Following(target(server, log_logins.READER), position or Position(), keep).run())
        try:
            async with asyncio.timeout(20):
                while len(rows) < count and not task.done():
                    await asyncio.sleep(0.01)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(until_there())
    return rows


def test_what_is_published_is_read_as_it_was_said_and_from_there_on_no_more(server):
    publish(server, 1, 2)
    rows = followed(server, 2)
    assert [row.text for row in rows] == ["Über 1\nand more", "Über 2\nand more"]
    assert (rows[0].application, rows[0].attributes, rows[0].number) == ("a:b", '{"peer": "MS:B\\\\C"}', "00-04504")
    assert abs(rows[0].at - time.time() * 1000) < 60_000
    publish(server, 3)
    again = followed(server, 1, Position(rows[-1].epoch, rows[-1].seq))
    assert [row.text for row in again] == ["Über 3\nand more"]


def test_it_goes_on_after_the_server_was_killed(server):
    publish(server, 1)
    [row] = followed(server, 1)
    server.kill()
    server.restart()
    publish(server, 2)
    assert [each.text for each in followed(server, 1, Position(row.epoch, row.seq))] == ["Über 2\nand more"]


def test_who_does_not_know_the_secret_of_the_server_reads_nothing(server):
    async def run():
        await Following(target(server, log_logins.READER, "another"), Position(), None).run()

    with pytest.raises(Dropped, match="another secret"):
        asyncio.run(run())

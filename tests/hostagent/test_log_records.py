"""What the agent logs becomes log records: what informs is of level Trace, the rest Standard."""

import asyncio
import logging

import pytest

from hostagent import log_records
from hostagent.config import load
from hostagent.log_records import LogRecords
from protocol import log_logins
from protocol.log_queue import FILE
from tests.provisioning.logs.double import ServerDouble

from .doubles import until, write_config

log = logging.getLogger("hostagent.tests")


@pytest.fixture
def config(tmp_path):
    (tmp_path / "state").mkdir(exist_ok=True)
    return load(write_config(tmp_path), {})


def to(server, host="alpha"):
    login = log_logins.agent(host)
    return {"name": "MS_P", "login": login, "members": [
        {"name": server.name, "addresses": ["127.0.0.1"], "port": server.port, "secured": False, "passcode": "x"}]}


async def running(config, work):
    records = LogRecords(config)
    task = asyncio.create_task(records.run())
    logging.getLogger().setLevel(logging.INFO)
    try:
        await asyncio.sleep(0)
        await work(records)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_lines_are_records_of_the_agent_with_their_levels(config):
    with ServerDouble("MS_P") as server:
        async def work(records):
            log.info("before anybody said where")
            await asyncio.sleep(0)
            records.direct(to(server))
            log.info("A server was started.")
            await asyncio.to_thread(log.warning, "The disk is full.")
            await until(lambda: len(server.sent) >= 2)
        await running(config, work)
    found = [(headers["destination"], headers["application"], headers["host"], headers["event"], body.decode())
             for headers, body in server.sent.values()]
    assert config.host != "alpha", "a host that was renamed in the console since it joined"
    assert found == [("/log/trace", "LCA", "alpha", "42-20137", "A server was started."),
                     ("/log/standard", "LCA", "alpha", "42-20137", "The disk is full.")]


async def test_what_is_said_of_publishing_is_not_published(config, tmp_path):
    with ServerDouble("MS_P") as server:
        server.refuses = "This server is the backup now."

        async def work(records):
            records.direct(to(server))
            log.info("one")
            await until(lambda: records._publisher._waits)
            log.info("two")
            await until(lambda: len((config.state_dir / FILE).read_text().splitlines()) == 2)
        await running(config, work)
    assert log_records.__name__ not in (config.state_dir / FILE).read_text()

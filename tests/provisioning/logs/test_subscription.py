"""One connection to a member: everything comes once, is acknowledged once it is kept, and goes on where it was."""

import asyncio

import pytest

from protocol.stomp_client import Dropped
from provisioning.logs.rules.messages import Position
from provisioning.logs.worker import subscription
from provisioning.logs.worker.subscription import AnotherLog, Following

from .double import ServerDouble, Stored


@pytest.fixture
def server():
    with ServerDouble() as double:
        yield double


class Kept:
    """What was kept of a log; ``run`` follows until as many are kept."""

    def __init__(self, position=None):
        position = position or Position()
        self.rows, self.groups, self.unreadable, self.position = [], [], 0, position

    async def keep(self, rows, to, unreadable):
        self.rows += rows
        self.groups.append(len(rows))
        self.unreadable += unreadable
        self.position = to

    @property
    def seqs(self):
        return [row.seq for row in self.rows]

    async def run(self, server, count):
        following = Following(server.target(), self.position, self.keep)
        task = asyncio.create_task(following.run())
        try:
            async with asyncio.timeout(10):
                while len(self.rows) < count and not task.done():
                    await asyncio.sleep(0.005)
                await asyncio.sleep(0.05)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if task.done() and not task.cancelled() and task.exception():
            raise task.exception()
        return following


async def test_everything_that_is_stored_comes_in_its_order_and_is_acknowledged(server):
    server.log = [Stored(seq) for seq in range(1, 2501)]
    kept = Kept()
    followed = await kept.run(server, 2500)
    assert followed.is_in
    assert kept.seqs == list(range(1, 2501))
    assert (server.asked_from, server.logins, server.acked[-1]) == ([1], ["pairwise.log.reader"], 2500)


async def test_a_window_of_one_is_enough(server):
    server.window, server.log = 1, [Stored(seq) for seq in range(1, 6)]
    kept = Kept(Position(1, 1))
    await kept.run(server, 4)
    assert (kept.seqs, server.acked) == ([2, 3, 4, 5], [1, 2, 3, 4, 5])


async def test_it_goes_on_behind_the_last_record_that_was_kept(server):
    server.log = [Stored(seq) for seq in (2, 4, 6, 9)]
    kept = Kept()
    await kept.run(server, 4)
    server.log += [Stored(11)]
    await kept.run(server, 5)
    assert (kept.seqs, server.asked_from) == ([2, 4, 6, 9, 11], [1, 9])


async def test_a_log_in_which_the_last_record_is_another_one_is_told(server):
    server.log = [Stored(1), Stored(2, epoch=2), Stored(3, epoch=2)]
    with pytest.raises(AnotherLog):
        await Kept(Position(1, 2)).run(server, 1)


async def test_a_log_that_was_made_anew_is_read_from_its_beginning(server):
    server.log = [Stored(1, epoch=5)]
    kept = Kept(Position(4, 900))
    await kept.run(server, 1)
    assert (kept.seqs, kept.position) == ([1], Position(5, 1))


async def test_what_was_removed_before_it_was_read_is_counted(server):
    server.log, server.first_seq = [Stored(seq) for seq in range(60, 63)], 60
    kept = Kept(Position(1, 49))
    followed = await kept.run(server, 3)
    assert (kept.seqs, followed.removed) == ([60, 61, 62], 10)


async def test_what_is_no_log_record_is_counted_and_the_next_one_comes(server):
    server.log = [Stored(1, body=b"x" * 300_000), Stored(2, destination="/log/foo"), Stored(3, headers={}), Stored(4)]
    kept = Kept()
    await kept.run(server, 4)
    assert (kept.seqs, kept.unreadable) == ([1, 2, 3, 4], 3)
    assert "is no log record" in kept.rows[0].text
    assert kept.rows[3].text == "Said 4"


async def test_headers_that_had_to_be_escaped_are_as_they_were(server):
    server.log = [Stored(1, headers={"event": "00-04504", "application": "a:b\\c\nd"})]
    kept = Kept()
    await kept.run(server, 1)
    assert kept.rows[0].application == "a:b\\c\nd"


async def test_many_wait_in_a_bounded_room_while_the_database_is_slow(server, monkeypatch):
    monkeypatch.setattr(subscription, "AT_ONCE", 10)
    monkeypatch.setattr(subscription, "WAITING_MOST", 30)
    server.log = [Stored(seq) for seq in range(1, 501)]
    kept, seen = Kept(), []
    keep = kept.keep

    async def slowly(rows, to, unreadable):
        await asyncio.sleep(0.002)
        await keep(rows, to, unreadable)
        seen.append(len(rows))

    kept.keep = slowly
    await kept.run(server, 500)
    assert kept.seqs == list(range(1, 501))
    assert max(seen) == 10


async def test_a_member_that_does_not_let_the_reader_in_says_why(server):
    server.refuses = "This server is the backup now."
    with pytest.raises(Dropped, match="the backup now"):
        await Kept().run(server, 1)


async def test_a_member_that_falls_silent_is_left(server, monkeypatch):
    monkeypatch.setattr(subscription, "SILENT_S", 0.2)
    monkeypatch.setattr(subscription, "LOOK_S", 0.05)
    with pytest.raises(Dropped, match="silent"):
        await Kept().run(server, 1)


async def test_what_is_not_kept_is_not_acknowledged(server):
    server.log = [Stored(1)]
    kept = Kept()

    async def fails(rows, to, unreadable):
        raise RuntimeError("no room")

    kept.keep = fails
    with pytest.raises(RuntimeError):
        await kept.run(server, 1)
    assert server.acked == []

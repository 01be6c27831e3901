"""The order of one connection: what takes time holds up what came behind it, and only that."""

import asyncio
from unittest import mock

import pytest

from messageserver.connection import Connection
from messageserver.frames import Refusal


def send(body: str) -> bytes:
    return f"SEND\ndestination:/topic/a\ncontent-length:{len(body)}\n\n{body}\0".encode()


SUBSCRIBE = b"SUBSCRIBE\nid:s\ndestination:/topic/a\nreceipt:sub\n\n\0"


@pytest.mark.scenario
def test_a_subscription_begins_behind_what_the_connection_has_sent_before_and_before_what_it_sends_after(server):
    for _ in range(20):
        with server.client() as client:
            client.raw(send("before") * 3 + SUBSCRIBE + send("after") + b"BEGIN\ntransaction:t\n\n\0" + send("later"))
            assert client.expect("RECEIPT").headers["receipt-id"] == "sub"
            assert [message.body for message in client.messages(2)] == [b"after", b"later"]


@pytest.mark.scenario
def test_what_came_behind_waiting_work_is_answered_though_the_client_has_shut_its_side(server):
    with server.client() as client:
        client.raw(send("before") + SUBSCRIBE + b"ABORT\ntransaction:none\nreceipt:end\n\n\0")
        client.socket.shutdown(1)
        assert client.expect("RECEIPT").headers["receipt-id"] == "sub"
        assert client.expect("ERROR").headers["receipt-id"] == "end"
        assert client.next() is None
    with server.client() as client:
        client.raw(send("before") + SUBSCRIBE)
        client.socket.shutdown(1)
        assert client.expect("RECEIPT").headers["receipt-id"] == "sub"
        assert client.next() is None


@pytest.mark.scenario
def test_a_malformed_frame_behind_waiting_work_ends_the_connection_after_it(server):
    with server.client() as client:
        client.raw(send("before") + SUBSCRIBE + b"nonsense\nno colon\n\n\0")
        assert client.expect("RECEIPT").headers["receipt-id"] == "sub"
        assert "name:value" in client.expect("ERROR").headers["message"]
        assert client.next() is None


class Transport(asyncio.Transport):
    """Keeps what is written; ``reads`` is whether the client is read from."""

    def __init__(self):
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.written, self.reads, self.ended = b"", True, False

    def write(self, data):
        self.written += data

    def pause_reading(self):
        self.reads = False

    def resume_reading(self):
        self.reads = True

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def get_write_buffer_size(self):
        return 0

    def is_closing(self):
        return False

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.ended = True


class Slow(Connection):
    """Each BEGIN is work until ``go_on`` is set, and ends with the error ``ends_with``. ``taken``: the commands."""

    def __init__(self, ends_with=None):
        super().__init__(mock.MagicMock())
        self.broker.intake.busy = False
        self.broker.settings.limits.max_backlog_bytes = 1000
        self.connected, self.taken, self.go_on, self.ends_with = True, [], asyncio.Event(), ends_with
        self.connection_made(Transport())

    def take(self, frame):
        self.taken.append(frame.command)
        if frame.command == "BEGIN":
            self._later(self._begin(), frame)

    async def _begin(self):
        await self.go_on.wait()
        if self.ends_with is not None:
            raise self.ends_with
        self.queue(b"begun ")


FRAMES = b"ABORT\n\n\0BEGIN\nreceipt:r\n\n\0COMMIT\n\n\0"


async def until_done() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def worked(error=None, between=None) -> Slow:
    """A connection whose BEGIN is done by now, after ``between`` was done to it."""
    connection = Slow(error)
    connection.data_received(FRAMES)
    connection.data_received(b"ACK\n\n\0")
    await until_done()
    assert (connection.taken, connection._transport.reads) == (["ABORT", "BEGIN"], False)
    assert connection.owes
    if between is not None:
        between(connection)
    connection.go_on.set()
    await until_done()
    return connection


def test_frames_behind_work_are_taken_in_order_once_it_is_done():
    connection = asyncio.run(worked())
    assert connection.taken == ["ABORT", "BEGIN", "COMMIT", "ACK"]
    assert (connection._transport.written, connection._transport.reads, connection.owes) == (b"begun ", True, False)


@pytest.mark.parametrize(("error", "words"), [(Refusal("No room."), b"No room."), (OSError("disk"), b"internal error")])
def test_work_that_fails_is_an_error_and_nothing_behind_it_is_taken(error, words):
    connection = asyncio.run(worked(error))
    assert connection.taken == ["ABORT", "BEGIN"]
    assert words in connection._transport.written
    assert connection._transport.ended
    assert (b"receipt-id:r" in connection._transport.written) == isinstance(error, Refusal)


def test_work_ends_with_its_connection():
    connection = asyncio.run(worked(between=lambda each: each.connection_lost(None)))
    assert (connection.taken, connection._transport.written) == (["ABORT", "BEGIN"], b"")


def test_work_is_done_before_a_server_that_is_being_stopped_ends_the_connection():
    connection = asyncio.run(worked(between=lambda each: each.end_once_settled(each.close)))
    assert (connection.taken, connection._transport.written) == (["ABORT", "BEGIN"], b"begun ")
    assert connection._transport.ended

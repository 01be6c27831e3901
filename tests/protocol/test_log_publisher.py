"""Publishing of log records: to whoever of a pair takes them, and never for ever to one that does not."""

import asyncio
import contextlib

import pytest

from protocol import log_publisher
from protocol.log_publisher import Publisher, log_to
from protocol.log_queue import LogQueue
from protocol.log_records import LogRecord
from protocol.stomp_client import frame
from protocol.tls import TlsError
from tests.hostagent.doubles import until

SAID = LogRecord("00-05061", "standard", "MS", "x" * 4000)


def said(*ports, secured=False):
    """As control says it."""
    return {"name": "MS_Log", "login": "pairwise.log.server.MS", "members": [
        {"name": f"MS_{port}", "addresses": ["127.0.0.1"], "port": port, "secured": secured, "passcode": "x"}
        for port in ports]}


@contextlib.asynccontextmanager
async def member(answer):
    """The port of a member that lets everybody in, and then does ``answer(reader, writer)``."""
    ends = asyncio.Event()

    async def serve(reader, writer):
        with contextlib.suppress(OSError, EOFError):
            await frame(reader)
            writer.write(b"CONNECTED\nversion:1.2\n\n\0")
            await answer(reader, writer)
            await ends.wait()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        ends.set()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)


async def frozen(reader, writer):
    """Reads nothing any more."""


async def takes(reader, writer):
    while True:
        _, headers, _ = await frame(reader)
        if "receipt" in headers:
            writer.write(f"RECEIPT\nreceipt-id:{headers['receipt']}\n\n\0".encode())


async def storms(reader, writer):
    """Says whatever there is, and no end of it."""
    writer.write(b"MESSAGE\ncontent-length:9999999999\n\n" + b"x" * 100_000)


@contextlib.asynccontextmanager
async def publishing(tmp_path, to, context=None, count=2000, others=()):
    heard = []
    queue = LogQueue(tmp_path / "queue", 2048)
    publisher = Publisher(queue, lambda record: record, heard.append, context)
    publisher.direct(to)
    for _ in range(count):
        publisher.put(SAID)
    task = asyncio.create_task(publisher.run())
    try:
        for other in others:
            await until(lambda: heard)
            heard.clear()
            publisher.direct(other)
        yield queue, heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("first", [frozen, storms])
async def test_a_member_that_takes_nothing_keeps_no_record_from_the_other(tmp_path, monkeypatch, first):
    monkeypatch.setattr(log_publisher, "ANSWER_S", 0.3)
    # More than the buffers of a connection hold.
    monkeypatch.setattr(log_publisher, "AT_ONCE", 2000)
    async with (member(first) as sick, member(takes) as well,
                publishing(tmp_path, log_to(said(sick, well))) as (queue, _)):
        await until(lambda: not queue)


async def test_files_for_tls_count_as_they_are_at_each_attempt(tmp_path):
    asked = []

    def context():
        asked.append(1)
        raise TlsError("ca.pem: it is not there")

    async with member(takes) as port, publishing(tmp_path, log_to(said(port, secured=True)), context, 1) as (_, heard):
        await until(lambda: len(asked) > 2)
    assert heard == [f"MS_Log takes no log records, so they wait: MS_{port} at 127.0.0.1:{port}: it cannot be verified "
                     "by ca.pem: it is not there."]


async def test_of_another_pair_that_takes_nothing_it_is_told_as_well(tmp_path):
    nobody, another = log_to(said(1)), log_to(said(2))
    async with (member(takes) as port,
                publishing(tmp_path, nobody, count=1, others=(another, log_to(said(port)))) as (_, heard)):
        await until(lambda: heard)
        assert heard == [f"MS_{port} takes log records."]


def test_the_same_pair_said_again_is_the_same():
    assert log_to(said(7001, secured=True)) == log_to(said(7001, secured=True)) != log_to(said(7001))


@pytest.mark.parametrize("wrong", [{}, {"members": []}, {"name": "x", "login": "y", "members": ["z"]},
                                   said("x"), said(7001) | {"members": None}])
def test_what_says_no_pair_is_nowhere(wrong):
    assert log_to(wrong) is None

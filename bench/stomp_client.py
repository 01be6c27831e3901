"""A fast STOMP sender: how many messages a second does a broker acknowledge, and how long does one wait?

    echo PASSCODE | python -m bench.stomp_client HOST:PORT -login L [-n 200000] [-conns 4] [-window 250] [-size 300]

Each connection keeps ``window`` sends without a receipt; a receipt that comes back lets the next send go.
"""

import argparse
import asyncio
import contextlib
import getpass
import json
import sys
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Load:
    """What to send: ``messages`` over ``connections`` with ``window`` unacknowledged each, ``size`` bytes a body.
    ``heads``: further headers of the messages in turn, each line with its end."""

    host: str
    port: int
    login: str
    passcode: str
    messages: int = 200_000
    connections: int = 4
    window: int = 250
    size: int = 300
    destination: str = "/topic/bench"
    heads: tuple[str, ...] = ("",)


@dataclass(frozen=True)
class Result:
    """Acknowledged messages, seconds from the first send to the last receipt, latencies in seconds (sorted)."""

    acknowledged: int
    seconds: float
    latencies: list[float]

    @property
    def per_second(self) -> float:
        return self.acknowledged / self.seconds

    def percentile(self, part: float) -> float:
        """Latency in milliseconds that ``part`` (0 to 1) of the messages kept."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * part))] * 1e3


class Sender(asyncio.Protocol):
    """One connection; ``finished`` gets the latencies in seconds, or the error."""

    def __init__(self, load: Load, messages: int, finished: asyncio.Future):
        self._load, self._left, self._missing = load, messages, messages
        self._finished = finished
        self._rest = b""
        self._sent_at: list[float] = []
        self._latencies: list[float] = []
        start = f"SEND\ndestination:{load.destination}\ncontent-length:{load.size}\n"
        self._heads = [f"{start}{head}receipt:".encode() + b"%d\n\n" for head in load.heads]
        self._tail = b"x" * load.size + b"\0"

    def connection_made(self, transport) -> None:
        self._transport = transport
        load = self._load
        transport.write(f"CONNECT\naccept-version:1.2\nhost:/\nlogin:{load.login}\npasscode:{load.passcode}\n"
                        "heart-beat:0,0\n\n\0".encode())

    def _send(self, count: int) -> None:
        count = min(count, self._left)
        if count:
            first = len(self._sent_at)
            heads, kinds, tail = self._heads, len(self._heads), self._tail
            self._left -= count
            self._sent_at += [time.perf_counter()] * count
            self._transport.write(b"".join([
                part for number in range(first, first + count) for part in (heads[number % kinds] % number, tail)]))

    def data_received(self, data: bytes) -> None:
        *frames, self._rest = (self._rest + data).split(b"\0")
        now, sent_at, latencies, receipts = time.perf_counter(), self._sent_at, self._latencies, 0
        for frame in frames:
            frame = frame.lstrip()
            if frame.startswith(b"RECEIPT"):
                at = frame.index(b"receipt-id:") + 11
                latencies.append(now - sent_at[int(frame[at:].split(b"\n", 1)[0])])
                receipts += 1
            elif frame.startswith(b"CONNECTED"):
                self._send(self._load.window)
            else:
                self._fail(f"the broker answered {frame[:300]!r}")
                return
        self._missing -= receipts
        if self._missing == 0:
            self._transport.close()
            if not self._finished.done():
                self._finished.set_result(latencies)
        else:
            self._send(receipts)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"the connection was closed with {self._missing} messages unacknowledged ({error})")

    def _fail(self, text: str) -> None:
        if not self._finished.done():
            self._finished.set_exception(ConnectionError(text))


async def run(load: Load) -> Result:
    """Send the load. Raises ConnectionError when the broker refuses or goes away."""
    loop = asyncio.get_running_loop()
    share = load.messages // load.connections
    futures = [loop.create_future() for _ in range(load.connections)]
    start = time.perf_counter()
    for future in futures:
        await loop.create_connection(lambda future=future: Sender(load, share, future), load.host, load.port)
    latencies = [latency for part in await asyncio.gather(*futures) for latency in part]
    return Result(len(latencies), time.perf_counter() - start, sorted(latencies))


def measure(load: Load, within_s: float | None = None) -> Result:
    """``run`` in an event loop of its own. Raises TimeoutError after ``within_s``."""
    return in_loop(_within(load, within_s))


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work`` in an event loop of its own, uvloop when present."""
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


async def _within(load: Load, within_s: float | None) -> Result:
    async with asyncio.timeout(within_s):
        return await run(load)


def summary(load: Load, result: Result) -> dict:
    """The figures as one JSON object."""
    return {"messages": result.acknowledged, "connections": load.connections, "window": load.window, "size": load.size,
            "acked_per_s": round(result.per_second), "p50_ms": round(result.percentile(0.5), 2),
            "p99_ms": round(result.percentile(0.99), 2), "max_ms": round(result.percentile(1), 2)}


def add_load_arguments(parser: argparse.ArgumentParser, *, window: bool = True) -> None:
    """The arguments that shape a load; without ``-window`` when not ``window``."""
    parser.add_argument("-n", type=int, default=200_000, help="messages in all")
    parser.add_argument("-conns", type=int, default=4, help="connections")
    if window:
        parser.add_argument("-window", type=int, default=250, help="unacknowledged messages of one connection")
    parser.add_argument("-size", type=int, default=300, help="bytes of one body")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.stomp_client", description=__doc__.splitlines()[0])
    parser.add_argument("address", help="HOST:PORT")
    parser.add_argument("-login", default="bench")
    parser.add_argument("-destination", default="/topic/bench")
    add_load_arguments(parser)
    given = parser.parse_args()
    # Everybody on a machine can read its command lines.
    passcode = getpass.getpass("Passcode: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    host, _, port = given.address.rpartition(":")
    load = Load(host, int(port), given.login, passcode, given.n, given.conns, given.window, given.size,
                given.destination)
    print(json.dumps(summary(load, measure(load))))


if __name__ == "__main__":
    main()

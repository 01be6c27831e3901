"""What clients do with a broker, case by case, and where each broker takes it: one figure a case."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tests.doubles.stomp import Client

from ._local_pair import LOGIN, PASSCODE, LocalPair
from ._receivers import Source, consume, fan_out
from .rabbitmq import Cluster
from .stomp_client import Load, Result, in_loop, measure

MIB = 1024 * 1024
SUBSCRIBERS = 100
PERSISTENT = ("persistent:true\n",)
"""Without it a classic queue keeps messages in memory only; a quorum queue stores all."""


@dataclass(frozen=True)
class Place:
    """Where a broker takes the messages of one case, and where a subscriber gets them."""

    port: int
    login: str
    passcode: str
    destination: str
    heads: tuple[str, ...] = ("",)
    headers: str = ""

    @property
    def source(self) -> Source:
        return Source("127.0.0.1", self.port, self.login, self.passcode, self.destination, self.headers)

    def load(self, case: "Case") -> Load:
        return Load("127.0.0.1", self.port, self.login, self.passcode, case.messages, case.connections, case.window,
                    case.size, self.destination, self.heads)


@dataclass(frozen=True)
class Case:
    """``share``: RabbitMQ gets one message for so many of the pair, so that all take about the same time. ``aim``:
    how many times better than it. ``less`` figures are better when they are small."""

    name: str
    unit: str
    figure: Callable[["Case", Place], float]
    messages: int
    aim: float
    connections: int = 1
    window: int = 500
    size: int = 300
    share: int = 1
    less: bool = False
    drained: bool = False
    brokers: tuple[str, ...] = ("quorum", "classic")

    def times_better(self, ours: float, theirs: float) -> float:
        return theirs / ours if self.less else ours / theirs

    def shared(self) -> "Case":
        return replace(self, messages=self.messages // self.share)


def _sent(case: Case, place: Place) -> Result:
    return measure(place.load(case))


def per_second(case: Case, place: Place) -> float:
    return _sent(case, place).per_second


def mib_per_second(case: Case, place: Place) -> float:
    return _sent(case, place).per_second * case.size / MIB


def median_ms(case: Case, place: Place) -> float:
    return _sent(case, place).percentile(0.5)


def consumed(case: Case, place: Place) -> float:
    """Messages that are there already, read by one subscriber."""
    sent = _sent(case, place)
    return in_loop(consume(place.source, sent.acknowledged))


def fanned_out(case: Case, place: Place) -> float:
    return in_loop(fan_out(place.source, place.load(case), SUBSCRIBERS))


CASES = (
    Case("small", "acknowledged/s", per_second, 100_000, 6.0, connections=4, share=4),
    Case("one_at_a_time", "ms p50", median_ms, 500, 1.0, window=1, less=True),
    Case("big", "MiB/s", mib_per_second, 200, 1.0, window=4, size=MIB),
    Case("consume", "messages/s", consumed, 60_000, 10.0, share=4, drained=True),
    Case("fan_out", "deliveries/s", fanned_out, 2000, 10.0, window=100, share=10, brokers=("classic",)),
)


# --- brokers ---------------------------------------------------------------------------------------------


class OurPair:
    """A pair in sync: what it acknowledges is on both disks."""

    def __init__(self, pair: LocalPair):
        self._pair = pair

    @contextlib.contextmanager
    def place(self, case: Case, number: int) -> Iterator[Place]:
        port = self._pair.ports[self._pair.wait_whole()]
        with Client(port) as client:
            first = int(client.connected.headers["last-seq"]) + 1
        # A subscriber of messages that are sent meanwhile does not ask for older ones.
        headers = f"from-seq:{first}\n" if case.drained else ""
        yield Place(port, LOGIN, PASSCODE, f"/topic/{case.name}-{number}", headers=headers)
        self._pair.assert_equal()


class Quorum:
    """A quorum queue with a member on each of three nodes; the client talks to the leader's."""

    def __init__(self, cluster: Cluster):
        self._cluster = cluster

    @contextlib.contextmanager
    def place(self, case: Case, number: int) -> Iterator[Place]:
        left = 0 if case.drained else case.messages
        with self._cluster.queue(f"{case.name}-{number}", left) as (port, destination):
            yield Place(port, "guest", "guest", destination)


class Classic:
    """A classic queue on one node; of a topic one for each subscriber."""

    def __init__(self, cluster: Cluster):
        self._node = cluster.nodes[0]

    @contextlib.contextmanager
    def place(self, case: Case, number: int) -> Iterator[Place]:
        name = f"classic-{case.name}-{number}"
        topic = case.figure is fanned_out
        yield Place(self._node.stomp, "guest", "guest", f"/{'topic' if topic else 'queue'}/{name}", PERSISTENT)
        if not topic:
            self._node.command("delete_queue", name)

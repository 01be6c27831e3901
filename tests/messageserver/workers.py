"""Clients whose promises can be checked while a pair fails over: a producer, and whoever consumes what it sends.

Every message has a number as its body. ``Workers.check`` says what was broken: an acknowledged message that did not
come, one out of order, one that came again after its ACK was answered, one that came again without saying so.
"""

import contextlib
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from messageserver.stomp import Frame
from tests.doubles.stomp import Client
from tests.waiting import wait_for

TOPIC, QUEUE = "/topic/workers", "/queue/workers"
WINDOW = 20
ANSWER_S = 8.0
"""A member that says nothing for so long is left for the other one."""
Step = Callable[[Client, float], None]


class Lost(Exception):
    """The connection is no good any more."""


class Worker:
    """A client in a thread of its own, that connects again and again to any of ``addresses`` until ``ends``."""

    def __init__(self, addresses: Sequence[tuple[str, int]], seed: int, wrong: list[str], ends: threading.Event):
        self.addresses, self.draw, self.wrong, self.ends = itertools.cycle(addresses), random.Random(seed), wrong, ends
        self._receipts = itertools.count(1)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self.ends.is_set():
            host, port = next(self.addresses)
            with contextlib.suppress(OSError, AssertionError, Lost), Client(port, host=host, wait_s=ANSWER_S) as client:
                self.work(client)
            self.ends.wait(0.02)

    def work(self, client: Client) -> None:
        """Until the connection is lost."""
        raise Lost

    def frames(self, client: Client) -> Iterator[Frame]:
        heard = time.monotonic()
        while not self.ends.is_set():
            try:
                frame = client.next(0.2)
            except TimeoutError:
                # A machine that has lost its power says nothing more.
                if time.monotonic() - heard > ANSWER_S:
                    raise Lost from None
                continue
            yield self.taken(frame)
            heard = time.monotonic()

    def taken(self, frame: Frame | None) -> Frame:
        if frame is None or frame.command == "ERROR":
            raise Lost
        return frame

    def receipt(self) -> str:
        return f"r{next(self._receipts)}"


class Producer(Worker):
    """Sends the same numbers to the topic and to the queue. ``acknowledged``: those that were answered."""

    def __init__(self, *of_worker: object, most: int, pause_s: float):
        super().__init__(*of_worker)  # type: ignore[arg-type]
        self.acknowledged: dict[str, set[int]] = {TOPIC: set(), QUEUE: set()}
        self.pending: dict[tuple[str, int], None] = {}
        self._next, self.most, self._pause_s = 1, most, pause_s

    def work(self, client: Client) -> None:
        open_here: dict[str, tuple[str, int]] = {}
        for each in list(self.pending):
            self._send(client, each, open_here)
        while not self.ends.is_set():
            while len(open_here) < WINDOW and self._next <= self.most:
                for destination in (TOPIC, QUEUE):
                    self.pending[destination, self._next] = None
                    self._send(client, (destination, self._next), open_here)
                self._next += 1
            if not open_here:
                self.ends.wait(0.02)
                continue
            frame = self.taken(client.next())
            destination, number = open_here.pop(frame.headers["receipt-id"])
            self.pending.pop((destination, number), None)
            self.acknowledged[destination].add(number)
            time.sleep(self._pause_s)

    def _send(self, client: Client, each: tuple[str, int], open_here: dict[str, tuple[str, int]]) -> None:
        receipt = self.receipt()
        open_here[receipt] = each
        client.publish(each[0], b"%d" % each[1], receipt=receipt, dedup_id=f"{each[1]}")


class Subscriber(Worker):
    """Follows the topic by itself."""

    def __init__(self, *of_worker: object):
        super().__init__(*of_worker)  # type: ignore[arg-type]
        self.got: list[int] = []
        self._next = 1

    def work(self, client: Client) -> None:
        client.subscribe(TOPIC, from_seq=str(self._next))
        for frame in self.frames(client):
            seq = int(frame.headers["seq"])
            if seq < self._next:
                self.wrong.append(f"a subscriber got {seq} behind {self._next - 1}")
            self._next = seq + 1
            self.got.append(int(frame.body))


class Consumer(Worker):
    """Acknowledges what it gets, in any order, some of it without a receipt. ``got`` are the numbers and when
    they first came, ``answered`` those whose ACK was answered and when; of a queue its consumers share both."""

    def __init__(self, *of_worker: object, got: dict[int, float], answered: dict[int, float]):
        super().__init__(*of_worker)  # type: ignore[arg-type]
        self.got, self.answered = got, answered

    def subscribe(self, client: Client) -> None:
        client.subscribe(QUEUE, ack="client-individual", max_unacknowledged="30")

    def work(self, client: Client) -> None:
        opened = time.monotonic()
        held: list[tuple[int, str]] = []
        asked: dict[str, int] = {}
        here: set[int] = set()
        self.subscribe(client)
        for frame in self.frames(client):
            if frame.command == "RECEIPT":
                self.answered.setdefault(asked.pop(frame.headers["receipt-id"]), time.monotonic())
                continue
            number = int(frame.body)
            self.look(number, frame, opened, here)
            here.add(number)
            self.got.setdefault(number, time.monotonic())
            held.append((number, frame.headers["ack"]))
            if len(held) > self.draw.randrange(15):
                self._deal_with(client, held, asked)

    def look(self, number: int, frame: Frame, opened: float, here: set[int]) -> None:
        """Whether it may come."""
        if self.answered.get(number, opened) < opened:
            self.wrong.append(f"{number} of the queue came again although its ACK was answered")
        again = number in here or self.got.get(number, opened) < opened
        if again and frame.headers.get("redelivered") != "true":
            self.wrong.append(f"{number} of the queue came again and does not say so")

    def _deal_with(self, client: Client, held: list[tuple[int, str]], asked: dict[str, int]) -> None:
        self.draw.shuffle(held)
        while held:
            number, ident = held.pop()
            if self.draw.random() < 0.02:
                self.refuse(client, ident)
                continue
            headers = {"id": ident}
            if self.draw.random() < 0.5:
                headers["receipt"] = self.receipt()
                asked[headers["receipt"]] = number
            client.send("ACK", headers)
        if self.draw.random() < 0.005:
            raise Lost

    def refuse(self, client: Client, ident: str) -> None:
        client.send("NACK", {"id": ident})


class Positioned(Consumer):
    """The same with a named position on the topic."""

    def __init__(self, *of_worker: object, name: str):
        super().__init__(*of_worker, got={}, answered={})
        self._name = name

    def subscribe(self, client: Client) -> None:
        self._last = 0
        client.subscribe(TOPIC, ack="client-individual", durable_name=self._name, from_seq="1",
                         max_unacknowledged="100")

    def look(self, number: int, frame: Frame, opened: float, here: set[int]) -> None:
        seq = int(frame.headers["seq"])
        if number in here or seq <= self._last:
            self.wrong.append(f"the position {self._name} got {seq} behind {self._last}")
        self._last = seq
        if self.answered.get(number, opened) < opened:
            self.wrong.append(f"{number} came again to the position {self._name} although its ACK was answered")

    def refuse(self, client: Client, ident: str) -> None:
        client.send("ACK", {"id": ident})


class Workers:
    """All of them at work, from ``with`` to the end of the block; ``check`` waits until everything has arrived. The
    producer waits for ``pause_s`` after each answer."""

    def __init__(self, addresses: Sequence[tuple[str, int]], *, seed: int = 1, most: int = 10**9,
                 pause_s: float = 0.001):
        self.wrong: list[str] = []
        self._ends, seeds = threading.Event(), itertools.count(seed)
        # Who begins at the backup finds the other member at once.
        of_worker = [(addresses, next(seeds), self.wrong, self._ends) for _ in range(7)]
        self.got: dict[int, float] = {}
        self.settled: dict[int, float] = {}
        self.producer = Producer(*of_worker[0], most=most, pause_s=pause_s)
        self.subscriber = Subscriber(*of_worker[1])
        self.positions = [Positioned(*of_worker[number], name=f"position {number}") for number in (2, 3)]
        self.consumers = [Consumer(*each, got=self.got, answered=self.settled) for each in of_worker[4:]]
        self._all: list[Worker] = [self.producer, self.subscriber, *self.positions, *self.consumers]

    def __enter__(self) -> "Workers":
        for each in self._all:
            each.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self._ends.set()
        for each in self._all:
            each.thread.join(ANSWER_S * 2)

    def go_on(self, count: int = 50, within_s: float = 30) -> None:
        """Wait until so many more messages of the topic are acknowledged, and of each kind some have come."""
        goals: list[tuple[Callable[[], int], int]] = []
        for measure in (lambda: len(self.producer.acknowledged[TOPIC]), lambda: len(self.settled),
                        *[(lambda each=each: len(each.answered)) for each in self.positions]):
            goals.append((measure, measure() + (count if not goals else 1)))
        wait_for(lambda: all(measure() >= goal for measure, goal in goals), within_s,
                 f"work that goes on: {[(measure(), goal) for measure, goal in goals]}")

    def missing(self) -> list[str]:
        """What was acknowledged and has not come."""
        topic, queue = (set(self.producer.acknowledged[name]) for name in (TOPIC, QUEUE))
        found = [("the subscriber", topic - set(self.subscriber.got)), ("the queue", queue - self.got.keys())]
        found += [(each._name, topic - each.got.keys()) for each in self.positions]
        return [f"{who} lacks {sorted(lacks)[:10]} ({len(lacks)})" for who, lacks in found if lacks]

    def check(self, within_s: float = 30) -> int:
        """How many messages were acknowledged; raises AssertionError when a promise was broken."""
        self.producer.most = 0
        with contextlib.suppress(AssertionError):
            wait_for(lambda: not (self.producer.pending or self.missing()), within_s, "all that was acknowledged")
        self.end()
        assert self.missing() + self.wrong[:10] == []
        assert len(self.subscriber.got) == len(set(self.subscriber.got)), "the subscriber got something twice"
        return len(self.producer.acknowledged[TOPIC])

"""What clients were promised, and whether it was kept: numbered messages, their receipts, and the reading back.

A ``Ledger`` is a handful of publishers that send to both members of a pair, as one server has the messages and the
other one will. Each publisher keeps a ``Book``: which numbers were acknowledged, at which ``seq``. ``check`` reads
everything back from whoever serves and compares it with the books.
"""

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.scenarios.harness import wait_for

Address = tuple[str, int]
_numbers = itertools.count(1)


class Book:
    """What one publisher sent and was told. Numbers begin at 1; ``pending`` were sent and not acknowledged,
    ``newest`` is the highest that was."""

    def __init__(self, ledger: str, publisher: int):
        self.ledger, self.publisher = ledger, publisher
        self.destination = f"/topic/{ledger}.{publisher}"
        self.sent = 0
        self.pending: OrderedDict[int, None] = OrderedDict()
        self.seqs: dict[int, int] = {}
        self.newest = 0

    def next(self) -> int:
        self.sent += 1
        self.pending[self.sent] = None
        return self.sent

    def dedup_id(self, number: int) -> str:
        return f"{self.ledger}-{self.publisher}-{number}"

    def acknowledged(self, number: int, seq: int) -> None:
        """A receipt came. A second one for the same number must name the same place."""
        before = self.seqs.setdefault(number, seq)
        assert before == seq, f"message {number} of {self.destination} was acknowledged at {before} and at {seq}"
        self.pending.pop(number, None)
        self.newest = max(self.newest, number)


class Acknowledgements:
    """When receipts came, of all publishers together (seconds, ``time.monotonic``)."""

    RESOLUTION_S = 0.001

    def __init__(self):
        self.count = 0
        self._times: list[float] = []

    def add(self, now: float) -> None:
        self.count += 1
        if not self._times or now - self._times[-1] >= self.RESOLUTION_S:
            self._times.append(now)

    @property
    def last(self) -> float:
        return self._times[-1] if self._times else 0.0

    def outage(self, since: float) -> float:
        """The longest time without an acknowledgement that ended after ``since``, in seconds.

        From the last acknowledgement before a fault to the first one after it, when ``since`` is the fault.
        """
        longest = 0.0
        for later, earlier in zip(reversed(self._times), reversed(self._times[:-1]), strict=False):
            if later < since:
                break
            longest = max(longest, later - earlier)
        return longest

    def forget(self, before: float) -> None:
        """Keep only what ``outage`` needs for faults after ``before``."""
        kept = next((at for at, when in enumerate(self._times) if when >= before), len(self._times))
        del self._times[:max(0, kept - 1)]


@dataclass(frozen=True)
class Read:
    """One message as it was read back."""

    seq: int
    destination: str
    number: int


def complaints(books: Iterable[Book], messages: Iterable[Read], *, strict_seq: bool = True) -> list[str]:
    """What is wrong with what was read: acknowledged and missing, twice, out of order, at another place."""
    found: list[str] = []
    by_destination = {book.destination: book for book in books}
    last, seen = dict.fromkeys(by_destination, 0), {name: set() for name in by_destination}
    last_seq = 0
    for message in messages:
        name, number = message.destination, message.number
        book = by_destination[name]
        if message.seq <= last_seq:
            found.append(f"seq {message.seq} came after seq {last_seq}")
        if number in seen[name]:
            found.append(f"{name}: message {number} is there twice, again at seq {message.seq}")
        elif number < last[name]:
            found.append(f"{name}: message {number} came after {last[name]}, at seq {message.seq}")
        if strict_seq and book.seqs.get(number, message.seq) != message.seq:
            found.append(f"{name}: message {number} was acknowledged at seq {book.seqs[number]} and is at "
                         f"{message.seq}")
        seen[name].add(number)
        last_seq, last[name] = message.seq, max(last[name], number)
    for name, book in by_destination.items():
        missing = sorted(set(book.seqs) - seen[name])
        if missing:
            found.append(f"{name}: {len(missing)} acknowledged messages are missing, from {missing[0]} (seq "
                         f"{book.seqs[missing[0]]}) to {missing[-1]} (seq {book.seqs[missing[-1]]})")
    return found


class Ledger:
    """Publishers under way in a thread of their own, from ``with`` to ``check`` or the end of the block.

    ``rate`` is what all publishers together send in a second; ``silence_s`` after which a publisher whose messages are
    not acknowledged tries the other member; ``batch`` > 1 sends so many messages in one transaction; ``heard``
    waits for the first receipt.
    """

    def __init__(self, addresses: Sequence[Address], login: str = "bench", passcode: str = "benchpass", *,
                 publishers: int = 2, window: int = 32, rate: float = 400, size: int = 100, silence_s: float = 1.0,
                 batch: int = 1, heard: bool = True, name: str = ""):
        self.addresses, self.login, self.passcode = list(addresses), login, passcode
        self.name = name or f"ledger{next(_numbers)}"
        self.window, self.rate, self.size = window, rate / publishers, size
        self.silence_s, self.batch, self._heard = silence_s, batch, heard
        self.books = [Book(self.name, number) for number in range(1, publishers + 1)]
        self.acks = Acknowledgements()
        self.errors: list[str] = []
        self.failure: BaseException | None = None
        self.enough = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        from tests.scenarios.publisher import publish

        try:
            publish(self)
        except BaseException as error:
            self.failure = error

    def __enter__(self) -> "Ledger":
        self._thread.start()
        if self._heard:
            self.wait_acknowledged(1)
        return self

    def __exit__(self, *_) -> None:
        self.abort()

    def abort(self) -> None:
        """End the publishers whatever is pending."""
        for book in self.books:
            book.pending.clear()
        self.enough = True
        self._thread.join(10)

    # --- the scenario's questions ---------------------------------------------------------------------------------

    @property
    def acknowledged(self) -> int:
        return self.acks.count

    def wait_acknowledged(self, more: int = 20, timeout: float = 15) -> None:
        """Until ``more`` receipts than now have come."""
        goal = self.acks.count + more
        wait_for(lambda: self.failure or self.acks.count >= goal, timeout,
                 f"{more} more acknowledgements (errors: {self.errors[-3:]})", every=0.01)
        self.raise_failure()

    def fault(self, *actions: Callable[[], object]) -> "Fault":
        """Do ``actions``; what it gives can tell the outage that they caused."""
        since = now()
        for action in actions:
            action()
        return Fault(self, since, [book.sent for book in self.books])

    def wait_silence(self, quiet_s: float = 1.5, timeout: float = 15) -> None:
        """Until nothing has been acknowledged for ``quiet_s``."""
        wait_for(lambda: self.failure or now() - self.acks.last > quiet_s, timeout, "the end of acknowledgements")
        self.raise_failure()

    def stays_silent(self, seconds: float) -> None:
        """AssertionError when something is acknowledged within ``seconds``."""
        before, until = self.acks.count, now() + seconds
        while now() < until:
            self.raise_failure()
            assert self.acks.count == before, f"{self.acks.count - before} messages were acknowledged"
            time.sleep(0.02)

    def raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure

    def drain(self, timeout: float = 20) -> None:
        """Send no more; until everything that was sent is acknowledged."""
        self.enough = True
        wait_for(lambda: self.failure or not any(book.pending for book in self.books), timeout,
                 f"receipts for everything (errors: {self.errors[-3:]})", every=0.01)
        self.raise_failure()
        self._thread.join(10)

    def check(self, timeout: float = 60) -> int:
        """Drain, read everything back, compare; how many messages there were. AssertionError when one is wrong."""
        from tests.scenarios.readback import read_back

        self.drain()
        messages = read_back(self.addresses, self.login, self.passcode, self.name, timeout=timeout)
        wrong = complaints(self.books, messages)
        assert not wrong, "\n".join(wrong[:20])
        assert len(messages) == sum(book.sent for book in self.books)
        return len(messages)


@dataclass(frozen=True)
class Fault:
    """Something that was done at ``since``, when each publisher had sent ``sent`` messages."""

    ledger: Ledger
    since: float
    sent: list[int]

    def outage(self, timeout: float = 30) -> float:
        """From the last acknowledgement before to the first one after it, in seconds, once messages that were sent
        after it are acknowledged."""
        ledger = self.ledger

        def over() -> bool:
            return all(book.newest > sent for book, sent in zip(ledger.books, self.sent, strict=True))

        wait_for(lambda: ledger.failure or over(), timeout,
                 f"an acknowledgement after the fault (errors: {ledger.errors[-3:]})", every=0.02)
        ledger.raise_failure()
        return ledger.acks.outage(self.since)


def now() -> float:
    """The clock of acknowledgements."""
    return time.monotonic()

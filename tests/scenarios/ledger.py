"""Clients under load whose promises can be checked: numbered messages, their receipts, and the reading back.

A ``Ledger`` is a handful of publishers that send to both members of a pair, as one server has the messages and the
other one will. ``check`` reads everything back from whoever serves and compares it with what was acknowledged.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .books import Acknowledgements, Address, Audit, Book, Read, complaints
from .harness import Pairwise, wait_for
from .publisher import publish
from .readback import read_back

_numbers = itertools.count(1)


class Ledger:
    """Publishers under way in a thread of their own, from ``with`` to ``check`` or the end of the block.

    ``rate`` is what all publishers together send in a second; ``silence_s`` after which a publisher whose messages are
    not acknowledged tries the other member; ``batch`` > 1 sends so many messages in one transaction; ``heard``
    waits for the first receipt.
    """

    head = ""
    """Further header lines of each message."""

    def __init__(self, addresses: Sequence[Address], login: str = "bench", passcode: str = "benchpass", *,
                 publishers: int = 2, window: int = 32, rate: float = 400, size: int = 100, silence_s: float = 1.0,
                 batch: int = 1, heard: bool = True, name: str = ""):
        self.addresses, self.login, self.passcode = list(addresses), login, passcode
        self.name = name or f"ledger{next(_numbers)}"
        self.window, self.rate, self.size = window, rate / publishers, size
        self.silence_s, self.batch, self._heard = silence_s, batch, heard
        self.books = [Book(self.name, number) for number in range(1, publishers + 1)]
        self._audit = Audit(self.books)
        self.acks = Acknowledgements()
        self.errors: list[str] = []
        self.failure: BaseException | None = None
        self.enough = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
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

    def stays_up(self, seconds: float) -> None:
        """AssertionError when nothing is acknowledged for a second within ``seconds``."""
        until = now() + seconds
        while now() < until:
            self.wait_acknowledged(1, timeout=1)

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

    def _read_back(self, from_seq: int, timeout: float) -> list[Read]:
        return read_back(self.addresses, self.login, self.passcode, self.name, from_seq=from_seq, timeout=timeout)

    def audit(self, timeout: float = 60) -> int:
        """Under way: read back what came since the last audit, compare; how many messages there are. AssertionError
        when a promise was broken."""
        acknowledged = {book.destination: set(book.seqs) for book in self.books}
        self._audit.read(self._read_back(self._audit.last_seq + 1, timeout))
        self._audit.find_missing(acknowledged)
        assert not self._audit.wrong, "\n".join(self._audit.wrong[:20])
        return self._audit.count

    def check(self, timeout: float = 60) -> int:
        """Drain, read everything back, compare; how many messages there were. AssertionError when one is wrong."""
        self.drain()
        messages = self._read_back(1, timeout)
        wrong = complaints(self.books, messages)
        assert not wrong, "\n".join(wrong[:20])
        assert len(messages) == sum(book.sent for book in self.books)
        return len(messages)


class LogLedger(Ledger):
    """A program that logs: its records carry its ``name`` as their application. They are read from the centralized log
    of the console, and not by ``check``."""

    def __init__(self, addresses: Sequence[Address], *, rate: float):
        super().__init__(addresses, publishers=1, rate=rate, size=1)
        self.head = f"event:00-04504\napplication:{self.name}\n"
        for book in self.books:
            book.destination = "/log/standard"

    def check_log(self, run: Pairwise, timeout: float = 30) -> int:
        """Drain, and read the console's log until everything is there; how many records. AssertionError when one is
        missing or there twice."""
        self.drain()
        [book] = self.books

        def found() -> list[int]:
            done = run.manage("logs", "--application", self.name, "--limit", "10000", "--json")
            return [int(json.loads(line)["text"]) for line in done.stdout.splitlines()]

        wait_for(lambda: set(found()) >= set(book.seqs), timeout, f"all {book.sent} records in the log", every=0.5)
        numbers = found()
        assert sorted(numbers) == list(range(1, book.sent + 1))
        return len(numbers)


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

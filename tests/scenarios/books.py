"""What one client was promised: which numbers were acknowledged, where, when; and what of it is broken. Pure."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

Address = tuple[str, int]


class Book:
    """What one publisher sent and was told. Numbers begin at 1; ``pending`` were sent and not acknowledged,
    ``newest`` is the highest that was."""

    def __init__(self, ledger: str, publisher: int):
        self.ledger, self.publisher = ledger, publisher
        self.destination = f"/topic/{ledger}.{publisher}"
        self.sent = 0
        self.pending: OrderedDict[int, None] = OrderedDict()
        self.seqs: dict[int, int | None] = {}
        self.newest = 0

    def next(self) -> int:
        self.sent += 1
        self.pending[self.sent] = None
        return self.sent

    def dedup_id(self, number: int) -> str:
        return f"{self.ledger}-{self.publisher}-{number}"

    def acknowledged(self, number: int, seq: int | None) -> None:
        """A receipt came; None is that of a transaction, which names no place. A second one for the same number must
        name the same place."""
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


class Audit:
    """Compares what is read back, piece by piece from the first ``seq`` on, with the books. ``wrong`` are sentences."""

    def __init__(self, books: Iterable[Book]):
        self.wrong: list[str] = []
        self.last_seq = 0
        self._books = {book.destination: book for book in books}
        self._last = dict.fromkeys(self._books, 0)
        self._seen: dict[str, set[int]] = {name: set() for name in self._books}

    @property
    def count(self) -> int:
        return sum(map(len, self._seen.values()))

    def read(self, messages: Iterable[Read]) -> None:
        """What comes next must be in order, nothing twice, each at the place that its receipt named."""
        for message in messages:
            name, number, seq = message.destination, message.number, message.seq
            promised = self._books[name].seqs.get(number, seq)
            if seq <= self.last_seq:
                self.wrong.append(f"seq {seq} came after seq {self.last_seq}")
            if number in self._seen[name]:
                self.wrong.append(f"{name}: message {number} is there twice, again at seq {seq}")
            elif number < self._last[name]:
                self.wrong.append(f"{name}: message {number} came after {self._last[name]}, at seq {seq}")
            if promised not in (None, seq):
                self.wrong.append(f"{name}: message {number} was acknowledged at seq {promised} and is at {seq}")
            self._seen[name].add(number)
            self.last_seq, self._last[name] = seq, max(number, self._last[name])

    def find_missing(self, acknowledged: dict[str, set[int]]) -> None:
        """All that was acknowledged before the last ``read`` began must have come."""
        for name, numbers in acknowledged.items():
            if missing := sorted(numbers - self._seen[name]):
                seqs = self._books[name].seqs
                self.wrong.append(f"{name}: {len(missing)} acknowledged messages are missing, from {missing[0]} (seq "
                                  f"{seqs[missing[0]]}) to {missing[-1]} (seq {seqs[missing[-1]]})")


def complaints(books: Iterable[Book], messages: Iterable[Read]) -> list[str]:
    """What is wrong with what was read: acknowledged and missing, twice, out of order, at another place."""
    books = list(books)
    audit = Audit(books)
    audit.read(messages)
    audit.find_missing({book.destination: set(book.seqs) for book in books})
    return audit.wrong

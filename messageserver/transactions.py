"""The open transactions of one connection: what COMMIT carries out, and how much of it there may be."""

from dataclasses import dataclass, field

from .acknowledgements import Acknowledgement
from .frames import Refusal
from .records import Draft

MAX_TRANSACTIONS = 16
STEP_OVERHEAD = 256
"""Bytes that one frame of an open transaction counts beside its body."""


@dataclass
class Transaction:
    """What COMMIT carries out; ``size`` is in bytes."""

    drafts: list[Draft] = field(default_factory=list)
    acknowledgements: list[Acknowledgement] = field(default_factory=list)
    size: int = 0


class Transactions:
    """By their names. All methods raise Refusal."""

    def __init__(self) -> None:
        self._open: dict[str, Transaction] = {}
        self._size = 0

    def begin(self, name: str) -> None:
        if name in self._open:
            raise Refusal(f"The transaction {name[:80]!r} has begun already.")
        if len(self._open) >= MAX_TRANSACTIONS:
            raise Refusal(f"The connection has {MAX_TRANSACTIONS} transactions already: COMMIT or ABORT one of "
                          "them first.")
        self._open[name] = Transaction()

    def with_room(self, name: str, size: int, most: int) -> Transaction:
        """The open transaction ``name``, to which a step of ``size`` bytes is added. All that are open may have
        ``most`` bytes together."""
        transaction = self._named(name)
        size += STEP_OVERHEAD
        if self._size + size > most:
            raise Refusal("The open transactions of this connection are too large (option limits/max-backlog-bytes).")
        transaction.size += size
        self._size += size
        return transaction

    def end(self, name: str) -> Transaction:
        """It is not open any more."""
        transaction = self._named(name)
        del self._open[name]
        self._size -= transaction.size
        return transaction

    def clear(self) -> None:
        self._open.clear()
        self._size = 0

    def _named(self, name: str) -> Transaction:
        if name not in self._open:
            raise Refusal(f"The transaction {name[:80]!r} has not begun.")
        return self._open[name]


def check_counts(transaction: Transaction) -> None:
    """What it acknowledges takes effect together with the messages that it sends, or not at all. Raises Refusal when it
    no longer can: the server keeps something for a subscription that has ended, and others may have the message."""
    for each in transaction.acknowledgements:
        if each.subscription.keeps and each.subscription.closed:
            raise Refusal(f"The transaction acknowledges message {each.seq} of a subscription that has ended since: "
                          "nothing of it counts. Commit before UNSUBSCRIBE.")

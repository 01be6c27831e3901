"""What clients sent and no disk has yet, in the order in which it came, and how much of it one commit takes."""

from collections import deque
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from .records import DraftRow
from .roster import Guest
from .subscription import Subscription

DRAFT_OVERHEAD = 128
"""Bytes that one draft takes beside its headers and body."""
LEAST_DRAFTS = 250
"""So many are worth a commit of their own."""


class Acknowledged(NamedTuple):
    """``seqs`` of ``subscription``, taken off it, take effect with a commit: ``settle`` as it is planned, and ``undo``
    when it fails."""

    subscription: Subscription
    seqs: list[int]

    def settle(self) -> None:
        self.subscription.settled(self.seqs)

    def undo(self) -> None:
        self.subscription.unsettled(self.seqs)


class Submitted(NamedTuple):
    """What one step of a session asked to be stored: in one commit, or not at all. ``drafts`` are fields of Draft,
    ``receipts`` what is wanted for each of them, or None; ``size`` is in bytes, ``at`` in seconds of the loop.
    ``acks`` are what it acknowledged along with them.
    """

    session: Guest
    drafts: Sequence[DraftRow]
    receipts: Sequence[bytes | None]
    size: int
    at: float
    acks: Sequence[Acknowledged] = ()


class Submissions:
    """``drafts`` and ``bytes`` are how much waits."""

    def __init__(self) -> None:
        self._submitted: deque[Submitted] = deque()
        self.drafts = self.bytes = 0

    def __bool__(self) -> bool:
        return bool(self._submitted)

    def add(self, session: Guest, drafts: Sequence[DraftRow], receipts: Sequence[bytes | None], at: float,
            acks: Sequence[Acknowledged] = ()) -> None:
        """Put ``drafts``, which came ``at`` that time, behind all others."""
        size = DRAFT_OVERHEAD * len(drafts) + sum([len(draft[1]) + len(draft[2]) for draft in drafts])
        self._submitted.append(Submitted(session, drafts, receipts, size, at, acks))
        self.drafts += len(drafts)
        self.bytes += size

    def take_group(self) -> list[Submitted]:
        """Take out what the next commit is to store: half of what waits. While the standby writes one half, this disk
        writes the other; as one group they would only ever wait for each other."""
        return self._take(max(LEAST_DRAFTS, self.drafts // 2))

    def take_all(self) -> list[Submitted]:
        return self._take(self.drafts)

    def _take(self, enough: int) -> list[Submitted]:
        taken, count = [], 0
        while self._submitted and count < enough:
            taken.append(self._submitted.popleft())
            count += len(taken[-1].drafts)
        self.drafts -= count
        self.bytes -= sum([each.size for each in taken])
        return taken


def drafts_of(submitted: list[Submitted]) -> list[DraftRow]:
    return list(chain.from_iterable([each.drafts for each in submitted]))

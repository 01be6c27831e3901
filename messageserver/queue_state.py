"""Which messages of a queue are handed out, to whom, and which of them come back. Pure.

Everything up to ``seq`` was taken: it is settled, or *held*. What is held was noted in the log before anybody got it;
it lies *ready* while no consumer has it. What a consumer may have seen comes back as redelivered.
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Sequence

from .ledger import Ledger
from .marks import Mark, Since

NOBODY = 0


class QueueState:
    """Of one queue; begins as ``mark`` says: whatever was open then may have been seen. Consumers are numbers > 0."""

    def __init__(self, mark: Mark):
        self.seq = mark.seq
        self._holders: dict[int, int] = dict.fromkeys(mark.open, NOBODY)
        self._ledger = Ledger(self._holders)
        self._seen: dict[int, int] = dict.fromkeys(mark.open, NOBODY)
        self.ready: list[int] = list(mark.open)

    @property
    def held(self) -> Collection[int]:
        """The messages that are taken and not settled."""
        return self._holders.keys()

    def say(self) -> Mark | Since:
        """What the next mark says, but for what is taken with it."""
        return self._ledger.say(Mark(self.seq))

    def stored(self, said: Mark | Since) -> None:
        """``said`` is on this disk."""
        self._ledger.stored(said)

    def take(self, seqs: Iterable[int], upto: int) -> None:
        """``seqs`` are all the messages behind ``seq`` up to ``upto``; the mark is to be written before they are
        ``prepare``d."""
        for seq in seqs:
            self._holders[seq] = NOBODY
            self._ledger.taken(seq)
        self.seq = max(self.seq, upto)

    def prepare(self, seqs: Iterable[int]) -> None:
        """The mark that tells of these is written: consumers may have them."""
        for seq in seqs:
            if self._holders.get(seq) == NOBODY:
                self._ready(seq)

    def _ready(self, seq: int) -> None:
        at = bisect_left(self.ready, seq)
        if at == len(self.ready) or self.ready[at] != seq:
            insort(self.ready, seq)

    def hand(self, consumer: int) -> tuple[int, bool]:
        """``consumer`` gets the first message that is ready: (its seq, whether somebody may have seen it before)."""
        seq = self.ready.pop(0)
        redelivered = seq in self._seen
        self._holders[seq] = self._seen[seq] = consumer
        return seq, redelivered

    def last_holder(self, seq: int) -> int:
        """Who had ``seq`` before; NOBODY when that is not known."""
        return self._seen.get(seq, NOBODY)

    def settle(self, seqs: Iterable[int]) -> None:
        """These are dealt with: they never come again."""
        for seq in seqs:
            if self._holders.pop(seq, None) is not None:
                self._ledger.settled(seq)
                self._seen.pop(seq, None)
                at = bisect_left(self.ready, seq)
                if at < len(self.ready) and self.ready[at] == seq:
                    del self.ready[at]

    def reopen(self, seqs: Iterable[int]) -> None:
        """That these were settled did not come to be stored: they come again."""
        for seq in seqs:
            self._holders[seq] = NOBODY
            self._ledger.taken(seq)
            self._seen.setdefault(seq, NOBODY)
            self._ready(seq)

    def give_back(self, consumer: int, seqs: Iterable[int]) -> None:
        """``consumer`` does not deal with these: others get them, in their order."""
        for seq in seqs:
            if self._holders.get(seq) == consumer:
                self._holders[seq] = NOBODY
                self._ready(seq)


def chosen(rooms: Sequence[bool], turn: int, avoid: int = -1) -> int:
    """Whose turn it is: the first consumer from ``turn`` on that has room, ``avoid`` only when no other has; -1 for
    none."""
    order = [(turn + step) % len(rooms) for step in range(len(rooms))] if rooms else []
    able = [place for place in order if rooms[place]]
    return next((place for place in able if place != avoid), able[0] if able else -1)

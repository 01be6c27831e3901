"""How the next mark of one name says what is open: whole, or as what differs from the last whole one. Pure.

A whole mark grows with what is open, so it is written only once those since the last one have come to be as large
together: of 10,000 open messages an acknowledgement costs some hundred bytes, not 20 KB. Each of those since tells
everything that differs, so that none needs any other but the last whole one, and one that is lost harms nothing.
"""

from collections.abc import Container, Iterable, Sized
from dataclasses import replace
from typing import Protocol

from .marks import Mark, Since


class Open(Iterable[int], Container[int], Sized, Protocol):
    """The seqs that are open."""


class Ledger:
    """``held``: what is open at any time; whoever changes it tells. One commit goes on after the other: what ``say``
    said is stored, or never will be, before ``say`` is asked again."""

    def __init__(self, held: Open):
        self._held = held
        self._base: Mark | None = None
        self._taken: dict[int, None] = {}
        self._settled: dict[int, None] = {}
        self._spent = 0

    def taken(self, seq: int) -> None:
        """``seq`` is open: it lies behind all that were, or is so again."""
        if self._base is None:
            return
        if seq > self._base.seq:
            self._taken[seq] = None
        else:
            self._settled.pop(seq, None)

    def settled(self, seq: int) -> None:
        """``seq`` was open, and is no more."""
        if self._base is None:
            return
        if seq > self._base.seq:
            self._taken.pop(seq, None)
        else:
            self._settled[seq] = None

    def say(self, mark: Mark) -> Mark | Since:
        """What the next mark says: ``mark``, which knows nothing of what is open, with that."""
        size = len(self._taken) + len(self._settled)
        self._spent += size
        if self._base is None or self._spent > len(self._held):
            # What is written next goes on from this one, and from none before: until it is stored, there is none.
            self._base = None
            return replace(mark, open=tuple(sorted([seq for seq in self._held if seq <= mark.seq])))
        return Since(mark.seq, tuple(sorted([seq for seq in self._taken if seq <= mark.seq])),
                     tuple(sorted(self._settled)))

    def stored(self, said: Mark | Since) -> None:
        """``said`` is on this disk."""
        if isinstance(said, Mark):
            self._base, self._spent = said, 0
            self._taken = dict.fromkeys(seq for seq in self._held if seq > said.seq)
            self._settled = dict.fromkeys(seq for seq in said.open if seq not in self._held)

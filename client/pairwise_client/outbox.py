"""Messages that are published and not yet answered, in the order of their publishing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from .errors import Refused
from .line import Line
from .messages import Receipt

MOST, MOST_BYTES = 10_000, 32 << 20
"""Messages, and their bytes, that may wait for their receipts at a time."""


@dataclass
class Unit:
    """What is sent again as a whole until its receipt comes: a message, or a transaction (``dedup_id`` is "")."""

    number: int
    data: bytes
    dedup_id: str
    answer: asyncio.Future[Receipt]
    line: Line | None = None
    """Where it may only be sent, for a transaction that acknowledges what came there."""


class Outbox:
    """A receipt's name is the number of its unit; parts of a transaction have the same number, a dot and theirs."""

    def __init__(self) -> None:
        self._units: dict[int, Unit] = {}
        self._bytes, self._issued = 0, 0
        self._roomy: asyncio.Future[None] | None = None

    def number(self) -> int:
        self._issued += 1
        return self._issued

    async def room(self) -> None:
        """Wait until another message may be added."""
        while len(self._units) >= MOST or self._bytes >= MOST_BYTES:
            if self._roomy is None or self._roomy.done():
                self._roomy = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._roomy)

    def add(self, number: int, data: bytes, dedup_id: str, line: Line | None = None) -> Unit:
        unit = Unit(number, data, dedup_id, asyncio.get_running_loop().create_future(), line)
        unit.answer.add_done_callback(_heard)
        self._units[number] = unit
        self._bytes += len(data)
        return unit

    def drop(self, number: int) -> Unit | None:
        """It is answered, or nobody waits for it any more."""
        unit = self._units.pop(number, None)
        if unit is not None:
            self._bytes -= len(unit.data)
            if self._roomy is not None and not self._roomy.done():
                self._roomy.set_result(None)
        return unit

    def stored(self, receipt: str, seq: int) -> None:
        unit = self.drop(int(receipt)) if receipt.isdigit() else None
        if unit is not None and not unit.answer.done():
            unit.answer.set_result(Receipt(seq, unit.dedup_id))

    def refused(self, receipt: str, sentence: str) -> None:
        number = receipt.partition(".")[0]
        if number.isdigit():
            self._fail(int(number), Refused(sentence))

    def lost(self, line: Line, error: Exception) -> None:
        """Those that could only be sent on ``line`` fail with ``error``."""
        for number in [unit.number for unit in self._units.values() if unit.line is line]:
            self._fail(number, error)

    def send_again(self, line: Line) -> None:
        for unit in self._units.values():
            line.write(unit.data)

    def close(self, error: Exception) -> None:
        for number in list(self._units):
            self._fail(number, error)

    def _fail(self, number: int, error: Exception) -> None:
        unit = self.drop(number)
        if unit is not None and not unit.answer.done():
            unit.answer.set_exception(error)


def _heard(answer: asyncio.Future[Receipt]) -> None:
    """Whoever waited may have gone after an earlier failure."""
    if not answer.cancelled():
        answer.exception()

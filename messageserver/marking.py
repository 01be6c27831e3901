"""What of positions and queues is written with the next commit, and who waits for it.

Whoever has moved says so with ``touch``. All that moved since the last commit goes into the next one, one mark each.
Where somebody waits for it that is at once, else LAZY_S later: acknowledgements nobody asked a receipt for are cheap.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from .ledger import Ledger
from .marks import Mark, Since, as_draft
from .records import DraftRow, Row
from .roster import Guest

LAZY_S = 0.05


class Part(Protocol):
    """What one commit says of ``key``. ``drafts`` is asked in the store's thread, with the new records of the commit:
    none when there is nothing to say. ``stored`` is called once it is on this disk, ``released`` once the commit may
    be acknowledged."""

    key: str

    def drafts(self, rows: Sequence[Row]) -> list[DraftRow]: ...
    def stored(self) -> None: ...
    def released(self) -> None: ...


class Source(Protocol):
    """Something that has a mark. ``part`` is how it stands now; ``moved``: that has to be written in any case."""

    key: str

    def part(self, *, moved: bool) -> Part: ...


class Standing:
    """A Part that is known beforehand. ``ledger``: whose it is; ``said`` is None when the name is gone."""

    def __init__(self, key: str, said: Mark | Since | None, ledger: Ledger | None = None):
        self.key, self._said, self._ledger = key, said, ledger

    def drafts(self, rows: Sequence[Row]) -> list[DraftRow]:
        return [as_draft(self.key, self._said)]

    def stored(self) -> None:
        if self._ledger is not None and self._said is not None:
            self._ledger.stored(self._said)

    def released(self) -> None:
        """Nothing follows from it."""


class Plan:
    """The marks of one commit. ``drafts`` is what the store calls; then ``stored``, and ``answer``: once, with whether
    the commit may be acknowledged."""

    def __init__(self, parts: list[Part], waiting: list[Callable[[bool], None]]):
        self._parts, self._waiting = parts, waiting

    def drafts(self, rows: Sequence[Row]) -> list[DraftRow]:
        return [draft for part in self._parts for draft in part.drafts(rows)]

    def stored(self) -> None:
        for part in self._parts:
            part.stored()

    def answer(self, allowed: bool) -> None:
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer(allowed)

    def release(self) -> None:
        for part in self._parts:
            part.released()


class Marking:
    """``wake`` lets the broker commit. ``due`` is True while something is to be written without delay."""

    def __init__(self, wake: Callable[[], None]):
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._moved: dict[str, Source] = {}
        self._waiting: list[Callable[[bool], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._under_way: dict[str, int] = {}
        self._planned: dict[str, Source] = {}
        self._failures = 0
        self._stored = asyncio.Event()
        self.due = False

    def __bool__(self) -> bool:
        """True while anything is to be written."""
        return bool(self._moved or self._waiting)

    def touch(self, source: Source) -> None:
        """``source`` has moved: its mark is written before long."""
        self._moved[source.key] = source
        if self._timer is None and not self.due:
            self._timer = self._loop.call_later(LAZY_S, self.hurry)

    def hurry(self) -> None:
        """What has moved is written without delay."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self:
            self.due = True
            self._wake()

    def wait(self, answer: Callable[[bool], None]) -> None:
        """Call ``answer`` once what has moved up to now may be acknowledged (True), or is not written (False)."""
        self._waiting.append(answer)
        self.hurry()

    def settle(self, session: Guest, gone: str) -> None:
        """``session`` waits for all that it has acknowledged, as for something that it submitted."""

        def answer(allowed: bool) -> None:
            if not allowed:
                session.fail(gone)
            session.settle(1)

        session.submitted += 1
        session.awaited += 1
        self.wait(answer)

    async def written(self, source: Source) -> bool:
        """Write the mark of ``source``; True once it may be acted upon, False when it was not written."""
        outcome: asyncio.Future[bool] = self._loop.create_future()
        self.touch(source)
        self.wait(lambda allowed: None if outcome.done() else outcome.set_result(allowed))
        return await outcome

    async def quiet(self, key: str) -> bool:
        """Wait until nothing that was said of ``key`` is on its way to the store; False when it cannot be stored."""
        failures = self._failures
        while key in self._moved or key in self._under_way:
            if self._failures > failures:
                return False
            self.hurry()
            self._stored.clear()
            await self._stored.wait()
        return True

    # --- the broker's side -------------------------------------------------------------------------------

    def plan(self, others: Iterable[Source]) -> Plan | None:
        """What the next commit says, of ``others`` in any case; None for nothing."""
        sources = dict(self._moved) if self.due else {}
        sources |= {source.key: source for source in others}
        if not sources and not self._waiting:
            return None
        parts = [source.part(moved=key in self._moved) for key, source in sources.items()]
        for key in sources:
            self._moved.pop(key, None)
            self._under_way[key] = self._under_way.get(key, 0) + 1
        waiting, self._waiting, self.due = self._waiting, [], False
        if self._timer is not None and not self._moved:
            self._timer.cancel()
            self._timer = None
        self._planned = sources
        return Plan(parts, waiting)

    def done(self, stored: bool) -> None:
        """The commit of the last plan was written, or failed: then all of it is to be written again, one day."""
        for key, source in self._planned.items():
            self._under_way[key] -= 1
            if not self._under_way[key]:
                del self._under_way[key]
            if not stored:
                self._moved.setdefault(key, source)
        self._planned = {}
        self._failures += not stored
        self._stored.set()

    def reset(self) -> None:
        """This server does not serve any more: what is not written yet was promised to nobody."""
        waiting, self._waiting = self._waiting, []
        self._moved.clear()
        self.due = False
        self._stored.set()
        for answer in waiting:
            answer(False)

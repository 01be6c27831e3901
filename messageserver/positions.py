"""Named positions: how far a subscription with a durable-name has come, kept by the pair itself."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from .frames import Refusal
from .ledger import Ledger
from .marking import Marking, Standing
from .marks import POSITION, Mark
from .rights import Rights
from .roster import Guest
from .selector import Selector
from .subscription import Subscription

NAMES = ("durable-name", "activemq.subscriptionName", "durable-subscription-name")
MAX_NAME = 255
MAX_SAID = 1000
"""Most bytes of name, destination and selector together, as JSON in ASCII: all positions have to fit into one frame of
the sync link."""


def durable_name(headers: Mapping[str, str]) -> str | None:
    """The name under which a SUBSCRIBE or UNSUBSCRIBE wants the position kept, in the words of several brokers; None
    for none. Raises Refusal."""
    name = next((headers[each] for each in NAMES if each in headers), None)
    if name is None and headers.get("durable") == "true" and headers.get("auto-delete") == "false":
        name = headers.get("x-queue-name") or headers.get("id")
    if name is None:
        if headers.get("durable", "false") != "false":
            raise Refusal("The header durable:true needs auto-delete:false beside it, or the header durable-name: "
                          "under some name the position has to be kept.")
        return None
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise Refusal(f"The header durable-name must have 1 to {MAX_NAME} characters that can be seen.")
    return name


class Position:
    """One named position while a connection uses it."""

    def __init__(self, name: str, mark: Mark, session: Guest):
        self.name, self.key, self.session = name, f"{POSITION}{name}", session
        self._mark = mark
        self._unsettled: dict[int, None] = dict.fromkeys(mark.open)
        self._ledger = Ledger(self._unsettled)

    @property
    def seq(self) -> int:
        return self._mark.seq

    @property
    def mark(self) -> Mark:
        return replace(self._mark, open=tuple(sorted([seq for seq in self._unsettled if seq <= self._mark.seq])))

    def part(self, *, moved: bool) -> Standing:
        return Standing(self.key, self._ledger.say(replace(self._mark, open=())), self._ledger)

    def unsettle(self, seqs: Iterable[int]) -> None:
        """These were delivered and are not dealt with, or are to be delivered again."""
        for seq in seqs:
            self._unsettled[seq] = None
            self._ledger.taken(seq)

    def settle(self, seqs: Iterable[int]) -> None:
        """These are dealt with."""
        for seq in seqs:
            if seq in self._unsettled:
                del self._unsettled[seq]
                self._ledger.settled(seq)
            if seq > self._mark.seq:
                self._mark = replace(self._mark, seq=seq)


class NamedSubscription(Subscription):
    """A subscription whose position is kept. In the mode auto a message is dealt with once it is on its way."""

    keeps = True

    def __init__(self, position: Position, marking: Marking, session: Guest, ident: str, number: int, pattern: str,
                 ack: str, limit: int, selector: Selector | None):
        super().__init__(session, ident, number, pattern, ack, position.seq + 1, limit, None, selector)
        self.position, self._marking = position, marking
        self.again = list(position.mark.open)

    def deliver(self, seq: int, tail: bytes) -> None:
        super().deliver(seq, tail)
        if self.ack == "auto":
            self.settled([seq])
        else:
            self.position.unsettle([seq])

    def settled(self, seqs: Iterable[int]) -> None:
        self.position.settle(seqs)
        self._marking.touch(self.position)

    def unsettled(self, seqs: Iterable[int]) -> None:
        self.position.unsettle(seqs)
        self._marking.touch(self.position)

    def lost(self, seqs: Iterable[int]) -> None:
        """Retention has removed these before they were delivered again."""
        self.settled(seqs)


class Positions:
    """All named positions of a server. ``read`` and ``read_all`` look for marks; ``limit`` is option
    limits/max-positions."""

    def __init__(self, read: Callable[[str], Awaitable[Mark | None]],
                 read_all: Callable[[str], Awaitable[dict[str, Mark]]], marking: Marking, limit: Callable[[], int]):
        self._read, self._read_all, self._marking, self._limit = read, read_all, marking, limit
        self._used: dict[str, Position | None] = {}
        self._sole = asyncio.Lock()

    async def open(self, name: str, wanted: Mark, session: Guest, rights: Rights,
                   begin: Callable[[], Awaitable[int]]) -> Position:
        """The position ``name`` for ``session``, which has these ``rights``; a new one begins at the seq that ``begin``
        finds, and is on disk. Raises Refusal, StoreError."""
        if name in self._used:
            raise Refusal(f"Another connection uses the position {name[:80]!r} already. One subscription at a time can "
                          "have it; a connection that was lost gives it back once the server notices, which "
                          "heart-beats make quick.")
        self._used[name] = None
        try:
            mark = await self._mark(f"{POSITION}{name}")
            if mark is None:
                return await self._create(name, wanted, session, begin)
            check_same(name, mark, wanted, rights)
            position = self._used[name] = Position(name, mark, session)
            return position
        except BaseException:
            self._used.pop(name, None)
            raise

    async def _create(self, name: str, wanted: Mark, session: Guest, begin: Callable[[], Awaitable[int]]) -> Position:
        check_size(name, wanted)
        async with self._sole:
            if len(await self._read_all(POSITION)) >= self._limit():
                raise Refusal(f"The server keeps {self._limit()} named positions already (option "
                              "limits/max-positions). Delete one that nobody needs.")
            position = Position(name, replace(wanted, seq=await begin() - 1), session)
            self._used[name] = position
            if not await self._marking.written(position):
                raise Refusal(f"The position {name[:80]!r} could not be stored. Try again later.")
        return position

    async def _mark(self, key: str) -> Mark | None:
        """How the position stands on disk. Raises Refusal, StoreError."""
        if not await self._marking.quiet(key):
            raise Refusal("Positions cannot be stored at present. Try again later.")
        return await self._read(key)

    def release(self, position: Position) -> None:
        """Its connection does not use it any more; where it stands is written at once."""
        if self._used.get(position.name) is position:
            del self._used[position.name]
            self._marking.hurry()

    async def delete(self, name: str, rights: Rights) -> None:
        """Nobody needs it any more. Raises Refusal, StoreError."""
        await self._change(name, rights, lambda mark: None)

    async def reset(self, name: str, rights: Rights, seq: int) -> None:
        """It goes on behind record ``seq``, as if all up to there were dealt with and nothing behind it. Raises
        Refusal, StoreError."""
        await self._change(name, rights, lambda mark: replace(mark, seq=seq, open=()))

    async def _change(self, name: str, rights: Rights, change: Callable[[Mark], Mark | None]) -> None:
        if name in self._used:
            raise Refusal(f"A connection uses the position {name[:80]!r}. End its subscription first.")
        self._used[name] = None
        try:
            mark = await self._mark(f"{POSITION}{name}")
            if mark is None:
                raise Refusal(f"There is no position {name[:80]!r}.")
            if not rights.may_read(mark.destination):
                raise Refusal(f"The position {name[:80]!r} is for something that this login may not read.")
            changed = change(mark)
            if not await self._marking.written(Changed(f"{POSITION}{name}", changed)):
                raise Refusal(f"The change of the position {name[:80]!r} could not be stored. Try again later.")
        finally:
            self._used.pop(name, None)

    async def all(self) -> list[dict[str, Any]]:
        """Every position: its name, destination, selector, seq, how many messages below it are open, and the login that
        uses it at present, or "". Raises StoreError."""
        found = {name.removeprefix(POSITION): mark for name, mark in (await self._read_all(POSITION)).items()}
        found |= {name: position.mark for name, position in self._used.items() if position is not None}
        return [{"name": name, "destination": mark.destination, "selector": mark.selector, "seq": mark.seq,
                 "open": len(mark.open), "used_by": self._user(name)} for name, mark in sorted(found.items())]

    def _user(self, name: str) -> str:
        position = self._used.get(name)
        return position.session.login if position is not None else ""

    def reset_all(self) -> None:
        """The log is another one now: whoever has a position begins anew."""
        for position in [each for each in self._used.values() if each is not None]:
            position.session.fail("The server's role has changed. Connect again.")
        self._used.clear()


class Changed:
    """The source of a mark that is known beforehand."""

    def __init__(self, key: str, said: Mark | None):
        self.key, self._said = key, said

    def part(self, *, moved: bool) -> Standing:
        return Standing(self.key, self._said)


def check_same(name: str, mark: Mark, wanted: Mark, rights: Rights) -> None:
    """Raises Refusal unless the position is for what is wanted now; it tells nobody of destinations that these
    ``rights`` do not let him read."""
    if not rights.may_read(mark.destination):
        raise Refusal(f"The position {name[:80]!r} is for something that this login may not read. Use another "
                      "durable-name.")
    if (mark.destination, mark.selector) != (wanted.destination, wanted.selector):
        which = f"{mark.destination} with the selector {mark.selector}" if mark.selector else mark.destination
        raise Refusal(f"The position {name[:80]!r} is for {which}. Use another durable-name, or delete the position "
                      "first: UNSUBSCRIBE with this durable-name.")


def check_size(name: str, wanted: Mark) -> None:
    """Raises Refusal."""
    if sum(len(json.dumps(text)) for text in (name, wanted.destination, wanted.selector)) > MAX_SAID:
        raise Refusal(f"Name, destination and selector of a position are larger than {MAX_SAID} bytes together, where "
                      "what is not ASCII counts several.")

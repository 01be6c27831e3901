"""Follows one pair: reads the log records of whoever of its members serves, for as long as it is wanted."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

from protocol.pauses import pauses
from protocol.stomp_client import UNREADABLE, Dropped, Target
from protocol.tasks import until_one_ends
from provisioning.logbook.models import Followed
from provisioning.logs.rules.messages import Position, Row

from . import kept
from .source import Source
from .subscription import AnotherLog, Following

log = logging.getLogger(__name__)
STAYED_S = 10.0
"""Who served for longer is looked for anew without a long pause; one that lets us in and drops us at once is not."""
Keep = Callable[[Followed, Sequence[Row], Position, int], Awaitable[None]]


class SourceChanged(Exception):
    """The members of the pair are found elsewhere."""


class LogTrouble(Exception):
    """The database of log records does not do what it was asked. The text is a sentence."""


@dataclass
class State:
    """What pages say of it: the pair that is read (name), the member that serves, "" for none, and what is wrong, as a
    sentence; ``removed`` counts messages that the pair removed before they were read."""

    pair: str = ""
    member: str = ""
    trouble: str = ""
    removed: int = 0


class Follower:
    """``of_log`` carries out work in the database of log records, and raises LogTrouble; ``keep`` writes rows there;
    ``names`` are those of supervised applications, as ``seen``."""

    def __init__(self, source: Source, of_log: Callable[..., Awaitable[Any]], keep: Keep,
                 names: Callable[[], Set[str]]):
        self.state = State(source.name)
        self._source, self._changed = source, asyncio.Event()
        self._of_log, self._keep, self._names = of_log, keep, names

    def found(self, source: Source) -> None:
        """Where its members are now."""
        if source.mark != self._source.mark:
            self._source = source
            self.state.pair = source.name
            self._changed.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        waits = pauses()
        while True:
            began, pair = time.monotonic(), self._source
            self._changed.clear()
            for target in pair.targets:
                if self._source is pair:
                    await self._use(pair, target)
            if time.monotonic() - began > STAYED_S:
                waits = pauses()
            await asyncio.sleep(next(waits))

    async def _use(self, pair: Source, target: Target) -> None:
        """Read there for as long as it serves us."""
        try:
            row = await self._of_log(kept.followed, application_id=pair.application_id, identity=pair.identity,
                                     name=pair.name)
            following = Following(target, Position(row.epoch, row.seq), partial(self._keep, row), self._names)
            await until_one_ends(following.run(), self._until_changed(), self._note(following, target))
        except AnotherLog:
            log.warning("%s has another log than the one that was read before; all of it is read.", target.name)
            await self._begin_again(row)
        except SourceChanged:
            pass
        except kept.Moved:
            self.state.trouble = "Another reader of the console reads the same pair."
        except LogTrouble as error:
            self.state.trouble = str(error)
        except Dropped as error:
            self._not_served(target, str(error) or "it closed the connection")
        except UNREADABLE as error:
            self._not_served(target, f"the connection broke ({type(error).__name__})")
        finally:
            self.state.member = ""

    def _not_served(self, target: Target, why: str) -> None:
        self.state.trouble = f"{target.name} at {target.host}:{target.port} does not serve the reader: {why}."

    async def _note(self, following: Following, target: Target) -> None:
        while not following.is_in:
            await asyncio.sleep(0.05)
        self.state.member, self.state.trouble, self.state.removed = target.name, "", following.removed
        if following.removed:
            log.warning("%s removed %d messages before they were read.", target.name, following.removed)
        await asyncio.Event().wait()

    async def _until_changed(self) -> None:
        await self._changed.wait()
        raise SourceChanged

    async def _begin_again(self, row: Followed) -> None:
        try:
            await self._of_log(kept.begin_again, row)
        except (kept.Moved, LogTrouble) as error:
            log.warning("The position was not set back: %r", error)

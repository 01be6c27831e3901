"""The reader of log records: follows each pair that takes some, for as long as its process runs."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError

from protocol import log_logins
from protocol.beats import next_beat
from protocol.events import Own
from protocol.patience import PatientClock
from protocol.tasks import until_one_ends
from provisioning.core import signals
from provisioning.core.database_thread import DatabaseThread
from provisioning.core.database_trouble import AWAY, Trouble
from provisioning.core.database_version import trouble_with
from provisioning.core.events import last_of, of_console
from provisioning.logbook import models
from provisioning.logs.rules.behind import Behind
from provisioning.logs.rules.messages import Position, Row, believed
from provisioning.logs.rules.storms import Key, Spoken, bounded, remembered
from provisioning.logs.selectors.names import Names
from provisioning.logs.selectors.pairs import default_pair
from provisioning.logs.selectors.reader import LOG_READER, TOPIC
from provisioning.models import ComponentHeartbeat

from . import kept
from .follower import Follower, LogTrouble, State
from .forwarder import Forwarder
from .source import Source, sources

log = logging.getLogger(__name__)
LOOK_S, BEAT_S, TELL_S = 2.0, 2.0, 1.0
"""How often it is looked which pairs there are, a sign of life is shown, and pages are told of new records."""
TRIM_S = 60.0
Result = TypeVar("Result")


@dataclass(frozen=True)
class Followed:
    """A pair that is read, and the task that does it."""

    follower: Follower
    task: asyncio.Task[None]


class Reader:
    def __init__(self) -> None:
        self._followed: dict[tuple[int, str], Followed] = {}
        self._trouble = ""
        self._chosen: int | None = None
        self._all_names, self._names = Names(), frozenset[str]()
        self._news = asyncio.Event()
        # By the key of ``logbook.models.Followed``: what is left out is counted in a place of that pair.
        self._spoken: dict[int, dict[Key, Spoken]] = {}
        # Each thread has connections of its own. Records are written by one, so in their order, and removed by the same
        # one: who trims never keeps the one waiting who writes for more than one part, and takes turns with it.
        self._writer = DatabaseThread("log writer")
        self._looker = DatabaseThread("log looker")
        self._publisher = DatabaseThread("log publisher")

    async def run(self) -> None:
        """Until one of its parts ends, which none does without an error."""
        try:
            await until_one_ends(self._follow_all(), self._beat(), self._tell(), self._trim(),
                                 Forwarder(self._publisher.do).run())
        finally:
            for thread in (self._writer, self._looker, self._publisher):
                await thread.end()

    # --- following

    async def _follow_all(self) -> None:
        """Each pair that somebody publishes to."""
        try:
            while True:
                await self._look()
                for follower in self._followed.values():
                    if follower.task.done():
                        follower.task.result()
                await next_beat(LOOK_S)
        finally:
            await self._leave(list(self._followed))

    async def _look(self) -> None:
        """Which pairs there are. While the Configuration Database is away, those that were."""
        try:
            (found, self._trouble), self._names, self._chosen = await self._looker.do(self._found)
        except DatabaseError as error:
            self._trouble = (await self._looker.do(trouble_with, error) or Trouble(AWAY)).explained
            return
        there = {each.key: each for each in found}
        await self._leave([key for key in self._followed if key not in there])
        for key, source in there.items():
            if key in self._followed:
                self._followed[key].follower.found(source)
            else:
                follower = Follower(source, self._of_log, self._keep, lambda: self._names)
                self._followed[key] = Followed(follower, asyncio.create_task(follower.run()))

    def _found(self) -> tuple[tuple[list[Source], str], frozenset[str], int | None]:
        return sources(log_logins.READER), self._all_names.now(), default_pair()

    async def _leave(self, keys: Iterable[tuple[int, str]]) -> None:
        tasks = [self._followed.pop(key).task for key in keys]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def state(self) -> State:
        """Of the pair that nobody serves or, where all are served, of all of them."""
        found = [each.follower.state for each in self._followed.values()]
        away = next((each for each in found if not each.member), None)
        if away is not None:
            return replace(away, trouble=away.trouble or self._trouble)
        return State(", ".join(each.pair for each in found), ", ".join(each.member for each in found), self._trouble,
                     sum(each.removed for each in found))

    async def _keep(self, row: models.Followed, rows: Sequence[Row], to: Position, unreadable: int) -> None:
        spoken = self._spoken.setdefault(row.pk, {})
        found = bounded(spoken, believed(rows, is_chosen=row.application_id == self._chosen),
                        settings.PAIRWISE_LOG_RATE)
        if await self._of_log(kept.keep, row, found.kept, to, counts=found.counts, unreadable=unreadable):
            self._news.set()
        remembered(spoken, found.spoken)

    # --- beside it

    async def _beat(self) -> None:
        behind: Behind | None = None
        while True:
            try:
                if behind is None:
                    behind = Behind(await self._looker.do(last_of, (Own.READER_BEHIND, Own.READER_CAUGHT_UP)))
                state = self.state
                await self._looker.do(_beat, asdict(state))
                if found := behind.look(state.pair, state.member, state.trouble, time.monotonic()):
                    await self._looker.do(_tell, *found)
                    behind.told = found[0]
            except DatabaseError:
                log.info("The sign of life was not written: the Configuration Database does not take it.")
            await next_beat(BEAT_S)

    async def _tell(self) -> None:
        """Pages that show records: at once, and then once a second at most, however many come."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self._looker.do(signals.announce, TOPIC)
            await asyncio.sleep(TELL_S)

    async def _trim(self) -> None:
        clock = PatientClock()
        at_once = kept.TRIM_FIRST
        while True:
            pause_s = TRIM_S
            try:
                oldest = clock.now(time.time(), time.monotonic()) - settings.PAIRWISE_LOG_DAYS * 24 * 3600
                removed = await self._writer.do(
                    kept.trim, received_before=int(oldest * 1000), most=settings.PAIRWISE_LOG_RECORDS, at_once=at_once)
                at_once, pause_s = (kept.TRIM_AT_ONCE, 0.0) if removed else (kept.TRIM_FIRST, TRIM_S)
            except DatabaseError as error:
                log.warning("Old records were not removed: %s", error)
            await asyncio.sleep(pause_s)

    async def _of_log(self, work: Callable[..., Result], *args: Any, **options: Any) -> Result:
        """``work`` in the thread that writes records. Raises LogTrouble."""
        try:
            return await self._writer.do(work, *args, **options)
        except DatabaseError as error:
            log.warning("Records were not written: %s", error)
            raise LogTrouble("The log database takes no records; the reader's log says why.") from error


def _tell(number: Own, text: str) -> None:
    of_console(number, text).save()


def _beat(facts: dict[str, Any]) -> None:
    ComponentHeartbeat.show(LOG_READER, **facts)

"""The reader of log records: follows whoever of the chosen pair serves, for as long as its process runs."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, connections
from django.utils import timezone

from protocol import log_logins
from protocol.events import Own
from protocol.patience import PatientClock
from protocol.pauses import pauses
from protocol.tasks import until_one_ends
from provisioning.core import signals
from provisioning.core.events import last_of, of_console
from provisioning.core.stomp import UNREADABLE, Dropped, Target
from provisioning.errors import PairwiseError
from provisioning.logbook.models import Followed
from provisioning.logs.rules.behind import Behind
from provisioning.logs.rules.messages import Position, Row
from provisioning.logs.rules.storms import Key, Spoken, bounded, remembered
from provisioning.logs.selectors.reader import LOG_READER, TOPIC
from provisioning.models import ComponentHeartbeat

from . import kept
from .forwarder import Forwarder
from .source import Source, source
from .subscription import AnotherLog, Following

log = logging.getLogger(__name__)
LOOK_S, BEAT_S, TELL_S = 2.0, 2.0, 1.0
"""How often it is looked which pair is chosen, a sign of life is shown, and pages are told of new records."""
STAYED_S = 10.0
"""Who served for longer is looked for anew without a long pause; one that lets us in and drops us at once is not."""
TRIM_S = 60.0
Result = TypeVar("Result")


class SourceChanged(Exception):
    """Another pair was chosen, or its members are found elsewhere."""


class LogTrouble(Exception):
    """The database of log records does not do what it was asked. The text is a sentence."""


@dataclass
class State:
    """What pages say of the reader: the pair that it reads (name), the member that serves it, "" for none, and what is
    wrong, as a sentence; ``removed`` counts messages that the pair removed before they were read."""

    pair: str = ""
    member: str = ""
    trouble: str = ""
    removed: int = 0


class Reader:
    def __init__(self) -> None:
        self.state = State()
        self._source: Source | None = None
        self._news = 0
        # By the key of ``Followed``: what is left out is counted in a place of that pair.
        self._spoken: dict[int, dict[Key, Spoken]] = {}
        # Each thread has connections of its own. Records are written by one, so in their order, and removed by the same
        # one: who trims never keeps the one waiting who writes for more than one part, and takes turns with it.
        self._writer = ThreadPoolExecutor(1, "log writer")
        self._looker = ThreadPoolExecutor(1, "log looker")
        self._publisher = ThreadPoolExecutor(1, "log publisher")

    async def run(self) -> None:
        """Until one of its parts ends, which none does without an error."""
        try:
            await until_one_ends(self._follow_all(), self._beat(), self._tell(), self._trim(),
                                 Forwarder(partial(self._in, self._publisher)).run())
        finally:
            for pool in (self._writer, self._looker, self._publisher):
                await asyncio.to_thread(pool.shutdown)

    # --- following

    async def _follow_all(self) -> None:
        waits = pauses()
        while True:
            await self._look()
            if self._source is None:
                self.state.member = ""
                await asyncio.sleep(LOOK_S)
                continue
            began, pair = time.monotonic(), self._source
            for target in pair.targets:
                if self._source is not None and self._source.mark == pair.mark:
                    await self._use(pair, target)
            if time.monotonic() - began > STAYED_S:
                waits = pauses()
            await asyncio.sleep(next(waits))

    async def _look(self) -> None:
        """Which pair is chosen. While the Configuration Database is away, the one that was."""
        try:
            self._source = await self._in(self._looker, source, log_logins.READER)
        except (PairwiseError, DatabaseError) as error:
            refused = isinstance(error, PairwiseError)
            self._source = None if refused else self._source
            self.state.trouble = str(error) if refused else "The Configuration Database does not answer."
            return
        self.state.pair = self._source.name if self._source else ""
        if self._source is None:
            self.state.trouble = ""

    async def _use(self, pair: Source, target: Target) -> None:
        """Read there for as long as it serves us."""
        try:
            row = await self._of_log(kept.followed, application_id=pair.application_id, identity=pair.identity,
                                     name=pair.name)
            following = Following(target, Position(row.epoch, row.seq), partial(self._keep, row))
            await until_one_ends(following.run(), self._until_changed(pair), self._note(following, target))
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

    async def _until_changed(self, pair: Source) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._look()
            if self._source is None or self._source.mark != pair.mark:
                raise SourceChanged

    async def _begin_again(self, row: Followed) -> None:
        try:
            await self._of_log(kept.begin_again, row)
        except (kept.Moved, LogTrouble) as error:
            log.warning("The position was not set back: %r", error)

    async def _keep(self, row: Followed, rows: Sequence[Row], to: Position, unreadable: int) -> None:
        spoken = self._spoken.setdefault(row.pk, {})
        found = bounded(spoken, rows, settings.PAIRWISE_LOG_RATE)
        self._news += await self._of_log(kept.keep, row, found.kept, to, counts=found.counts, unreadable=unreadable)
        remembered(spoken, found.spoken)

    # --- beside it

    async def _beat(self) -> None:
        behind: Behind | None = None
        while True:
            try:
                if behind is None:
                    behind = Behind(await self._in(self._looker, last_of, (Own.READER_BEHIND, Own.READER_CAUGHT_UP)))
                await self._in(self._looker, _beat, asdict(self.state))
                if found := behind.look(self.state.pair, self.state.member, self.state.trouble, time.monotonic()):
                    await self._in(self._looker, _tell, *found)
                    behind.told = found[0]
            except DatabaseError:
                log.info("The sign of life was not written: the Configuration Database does not take it.")
            await asyncio.sleep(BEAT_S)

    async def _tell(self) -> None:
        """Pages that show records; once a second at most, however many come."""
        told = 0
        while True:
            await asyncio.sleep(TELL_S)
            if self._news != told:
                told = self._news
                await self._in(self._looker, signals.announce, TOPIC)

    async def _trim(self) -> None:
        clock = PatientClock()
        at_once = kept.TRIM_FIRST
        while True:
            pause_s = TRIM_S
            try:
                oldest = clock.now(time.time(), time.monotonic()) - settings.PAIRWISE_LOG_DAYS * 24 * 3600
                removed = await self._in(self._writer, partial(
                    kept.trim, received_before=int(oldest * 1000), most=settings.PAIRWISE_LOG_RECORDS, at_once=at_once))
                at_once, pause_s = (kept.TRIM_AT_ONCE, 0.0) if removed else (kept.TRIM_FIRST, TRIM_S)
            except DatabaseError as error:
                log.warning("Old records were not removed: %s", error)
            await asyncio.sleep(pause_s)

    async def _of_log(self, work: Callable[..., Result], *args: Any, **options: Any) -> Result:
        """``work`` in the thread that writes records. Raises LogTrouble."""
        try:
            return await self._in(self._writer, partial(work, *args, **options))
        except DatabaseError as error:
            log.warning("Records were not written: %s", error)
            raise LogTrouble("The log database takes no records; the reader's log says why.") from error

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[..., Result], *args: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(pool, partial(_done, work, *args))


def _done(work: Callable[..., Result], *args: Any) -> Result:
    try:
        return work(*args)
    except DatabaseError:
        # The next one begins with connections that work.
        for connection in connections.all(initialized_only=True):
            connection.close()
        raise


def _tell(number: Own, text: str) -> None:
    of_console(number, text).save()


def _beat(facts: dict[str, Any]) -> None:
    ComponentHeartbeat.objects.update_or_create(name=LOG_READER, defaults={"at": timezone.now(), "facts": facts})

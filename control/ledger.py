"""The durable record of every pair (docs/pair.md, One decider, one record): read once, kept, written in groups.

Each write is conditional on the version that it replaces, also within a group. What was written is on disk before the
writer hears of it. Nothing here touches the Configuration Database.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from provisioning.record.models import ALIAS, Leadership, PairRecord

from . import generations, lineage
from .database import Database, DatabaseAway, as_sentence
from .facts import Decided
from .lease import LEADER, holding

GROUP_MAX = 500
"""Changes that are written in one transaction; a longer one would keep the first of them waiting."""
GONE_KEPT_DAYS = 30
"""A record outlives its application by so long: an older Configuration Database that was put back may bring the
application back."""


@dataclass(frozen=True, kw_only=True)
class Row(Decided):
    """One row of PairRecord, as it is on disk."""

    application_id: int
    identity: str = ""
    generation: int = 0
    gone_at: datetime | None = None


@dataclass(frozen=True)
class Change:
    """``row`` replaces the one with ``expected_version`` (0: also none). ``other`` is what the other member's own row
    learns, so that a link made or undone later cannot lead back to an older epoch."""

    row: Row
    expected_version: int
    other: Row | None = None


KEY = "application_id"
_COLUMNS = tuple(f.name for f in fields(Row))
_TABLE = PairRecord._meta.db_table
_UPSERT = (
    f"INSERT INTO {_TABLE} ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))}) "
    f"ON CONFLICT ({KEY}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS if name != KEY)} "
    f"WHERE {_TABLE}.version = %s")
_TELL_OTHER = _UPSERT.replace(f"WHERE {_TABLE}.version = %s", f"WHERE {_TABLE}.version <= excluded.version")


# --- in the database thread ----------------------------------------------------------------------------------


def load(application_ids: list[int] | None = None) -> dict[int, Row]:
    """Every row, or those of some applications, by application."""
    rows = PairRecord.objects.values(*_COLUMNS)
    if application_ids is not None:
        rows = rows.filter(application_id__in=application_ids)
    return {row["application_id"]: Row(**row) for row in rows}


def write(changes: list[Change], *, term: int) -> tuple[int, list[bool]]:
    """Write ``changes`` in order, as one transaction; (the position afterwards, which of them were written).

    Raises Deposed, and then nothing was.
    """
    with holding(term), connections[ALIAS].cursor() as cursor:
        written = [_put(cursor, change) for change in changes]
        leadership = Leadership.objects.filter(name=LEADER)
        position = leadership.values_list("position", flat=True).get() + 1
        leadership.update(position=position)
    return position, written


def _put(cursor: CursorWrapper, change: Change) -> bool:
    cursor.execute(_UPSERT, [*_values(change.row), change.expected_version])
    done = bool(cursor.rowcount == 1)
    if done and change.other is not None:
        cursor.execute(_TELL_OTHER, _values(change.other))
    return done


def _values(row: Row) -> list[Any]:
    adapt = connections[ALIAS].ops.adapt_datetimefield_value
    return [adapt(value) if isinstance(value := getattr(row, name), datetime) else value for name in _COLUMNS]


def mark_gone(application_ids: list[int], *, gone: bool, term: int) -> None:
    """These applications do not exist any more, or do again."""
    with holding(term):
        PairRecord.objects.filter(application_id__in=application_ids).update(gone_at=timezone.now() if gone else None)


def prune(now: float, *, term: int) -> None:
    """Drop the records of applications that have been gone for long at ``now``, the Unix time of a PatientClock."""
    before = datetime.fromtimestamp(now, UTC) - timedelta(days=GONE_KEPT_DAYS)
    with holding(term):
        PairRecord.objects.filter(gone_at__lt=before).delete()


# --- in the event loop ---------------------------------------------------------------------------------------


class Ledger:
    """The rows in memory, and the history of the database that they are in; ``position`` is how far it has come.
    ``known`` tells why its database takes no write, as far as others who write there know."""

    def __init__(self, database: Database, known: Callable[[], str] = lambda: ""):
        self._database, self._known = database, known
        self._rows: dict[int, Row] = {}
        self._history, self.position = generations.History(()), 0
        self._waiting: list[tuple[Change, asyncio.Future[bool]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._hearing = asyncio.Lock()
        self._failed = ""

    @property
    def trouble(self) -> str:
        """Why the record cannot be written, as a sentence; "" while it can."""
        return self._failed or self._known()

    async def load(self) -> None:
        """Begin the generation of this control and read everything. Raises DatabaseAway."""
        self._history, self.position = await self._database.write(lineage.begin)
        self._rows = await self._database.run(load)

    # --- what is on disk ------------------------------------------------------------------------------

    def row(self, application_id: int) -> Row:
        return self._rows.get(application_id) or Row(application_id=application_id)

    async def reread(self, application_id: int) -> None:
        """Somebody else may have written this row, or the history. Raises DatabaseAway."""
        found = await self._database.run(load, [application_id])
        self._rows.pop(application_id, None)
        self._rows |= found
        self._history, self.position = await self._database.run(lineage.load)

    async def exist(self, application_ids: Iterable[int]) -> None:
        """Of all applications only these exist. Raises DatabaseAway."""
        known = set(application_ids)
        for gone in (True, False):
            ids = [row.application_id for row in self._rows.values()
                   if (row.gone_at is None) == gone and (row.application_id in known) != gone]
            if ids:
                await self._database.write(mark_gone, ids, gone=gone)
                self._rows |= await self._database.run(load, ids)

    # --- its history ----------------------------------------------------------------------------------

    @property
    def generation(self) -> int:
        """Number of the present generation: what is written now belongs to it."""
        return self._history.present.number

    @property
    def trusted_from(self) -> int:
        """Records last written in an earlier generation count only while their members vouch for them."""
        return self._history.trusted_from

    @property
    def token(self) -> str:
        """What servers and agents keep of the history as it is now."""
        present = self._history.present
        return generations.token(generations.Seen(present.number, present.mark, self.position))

    def doubted(self) -> list[int]:
        """Applications whose records may be outdated: they were last written before an older copy was put back."""
        if not self.trusted_from:
            return []  # nothing was ever put back, and each agent that connects asks
        return [application_id for application_id in self._rows if self.is_doubted(application_id)]

    def is_doubted(self, application_id: int) -> bool:
        """Whether it is one of ``doubted``."""
        row = self.row(application_id)
        return bool(row.version) and row.gone_at is None and row.generation < self.trusted_from

    async def hear(self, token: str) -> bool:
        """A peer remembers ``token``. True when that proves, for the first time, that an older copy was put back: then
        a new generation has begun. Raises DatabaseAway."""
        seen = generations.read_token(token)
        if seen is None:
            return False
        async with self._hearing:
            if not self._history.contradicts(seen, self.position):
                return False
            self._history, self.position = await self._database.write(lineage.begin, seen)
            return True

    # --- writing --------------------------------------------------------------------------------------

    async def write(self, change: Change) -> bool:
        """Put ``change`` on disk together with what else waits; False when the stored version was another one.

        Raises DatabaseAway."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_groups(), name="ledger")
        return await done

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    async def _write_groups(self) -> None:
        """While one group is written the next one gathers."""
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
                await self._write_group(group)
        finally:
            self._writer = None

    async def _write_group(self, group: list[tuple[Change, asyncio.Future[bool]]]) -> None:
        try:
            self.position, written = await self._database.write(write, [change for change, _ in group])
            self._failed = ""
        except BaseException as error:
            if isinstance(error, DatabaseAway):
                self._failed = as_sentence(error)
            for _, done in group:
                if not done.done():
                    done.set_exception(error) if isinstance(error, Exception) else done.cancel()
            if not isinstance(error, Exception):
                raise
            return
        for (change, done), was_written in zip(group, written, strict=True):
            if was_written:
                self._keep(change)
            if not done.done():
                done.set_result(was_written)

    def _keep(self, change: Change) -> None:
        self._rows[change.row.application_id] = change.row
        other = change.other
        if other is not None and self.row(other.application_id).version <= other.version:
            self._rows[other.application_id] = other

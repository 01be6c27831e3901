"""The lease in control's database: read it, take it, and write only while holding it.

Plain functions, run in a database thread.
"""

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, LiteralString

from django.db import OperationalError, connections, transaction
from django.utils import timezone

from provisioning.core.prepared import Prepared
from provisioning.record.models import ADDRESS, ALIAS, ControlBeat, Leadership

from .database import Deposed
from .leadership import Lease
from .upsert import Upsert

if TYPE_CHECKING:
    import psycopg

LEADER, STANDBY = "control", "control-standby"
"""Names of their heartbeats."""
LOCK_CLASS = 0x50616972
"""Of the advisory locks on PostgreSQL, so that they are nobody else's; the second number is the term."""
_BOUNDS = ("SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '3s'; "
           "SET LOCAL idle_in_transaction_session_timeout = '3s'")
"""On PostgreSQL: on disk when it says so; and a control that freezes in the middle of a write does not keep the row."""


_LEASE = Prepared(lambda: Leadership.objects.filter(name=LEADER).values_list("term", "holder", "address", "beat"))
_BEAT = f"UPDATE {Leadership._meta.db_table} SET beat = beat + 1, address = %s WHERE name = %s AND term = %s"
_BEATS = Upsert(ControlBeat, ["name", "at", "facts"], "name")


def read() -> Lease:
    """The lease as it is now, made when it is missing."""
    found = _LEASE.rows()
    if not found:
        Leadership.objects.get_or_create(name=LEADER)
        found = _LEASE.rows()
    return Lease(*found[0])


def take(seen: Lease, *, holder: str, address: str) -> int:
    """Begin the next term; its number, or 0 when the lease is not as it was ``seen`` any more."""
    with transaction.atomic(ALIAS, durable=True):
        _bound()
        taken = Leadership.objects.filter(name=LEADER, term=seen.term, holder=seen.holder, beat=seen.beat).update(
            term=seen.term + 1, holder=holder, address=address, beat=0, since=timezone.now())
    return seen.term + 1 if taken else 0


@contextlib.contextmanager
def holding(term: int | None) -> Iterator[None]:
    """A transaction in which nobody else can take the lease. Raises Deposed when ``term`` is over."""
    with transaction.atomic(ALIAS, durable=True):
        _bound()
        rows = Leadership.objects.select_for_update(no_key=True).filter(name=LEADER)
        now = rows.values_list("term", flat=True).first()
        if term is None or now != term:
            raise Deposed(_of_another(now))
        yield


def _of_another(term: int | None) -> str:
    return f"this control does not lead any more: term {term} has begun"


def beat(*, term: int, address: str, facts: dict[str, Any]) -> None:
    """A sign of life of the leader. Raises Deposed."""
    with transaction.atomic(ALIAS, durable=True):
        _bound()
        # One statement that finds the term and holds the row.
        with connections[ALIAS].cursor() as cursor:
            is_held = cursor.execute(_BEAT, [address, LEADER, term]).rowcount
        if not is_held:
            raise Deposed(_of_another(read().term))
        _heartbeat(LEADER, {**facts, ADDRESS: address})


def stand_by(facts: dict[str, Any]) -> None:
    """A sign of life of a control that does not lead."""
    _heartbeat(STANDBY, facts)


def leave(*, term: int) -> None:
    """End ``term`` so that another control takes over at once. Raises Deposed."""
    with holding(term):
        Leadership.objects.filter(name=LEADER).update(holder="", beat=0)


def _heartbeat(name: str, facts: dict[str, Any]) -> None:
    _BEATS.write([ControlBeat(name=name, at=timezone.now(), facts=facts)])


def _bound() -> None:
    if connections[ALIAS].vendor == "postgresql":
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(_BOUNDS)


def _driver() -> ModuleType:
    """psycopg where the database is PostgreSQL; elsewhere a start of control does not wait for it to be imported."""
    driver: ModuleType = connections[ALIAS].Database  # type: ignore[attr-defined]  # of every backend, but not its base
    return driver


class SessionLock:
    """On PostgreSQL every leader holds the advisory lock of its term, in a session of its own. The database frees it in
    the moment in which that session ends; so whoever can have it knows that the leader is gone, or has lost the
    database. Being wrong is no danger: see leadership.py. Elsewhere ``get`` knows nothing."""

    def __init__(self) -> None:
        self._session: psycopg.Connection | None = None

    def get(self, term: int) -> bool | None:
        """True when this control holds the lock of ``term`` now, False when another session does; None where the
        database has none. Raises OperationalError."""
        if connections[ALIAS].vendor != "postgresql":
            return None
        try:
            session = self._connected()
            held = _says(session, (
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid() "
                "AND classid::bigint = %s AND objid::bigint = %s"), (LOCK_CLASS, _number(term)))
            return held or _says(session, "SELECT pg_try_advisory_lock(%s, %s)", (LOCK_CLASS, _number(term)))
        except _driver().Error as error:
            self.close()
            raise OperationalError(str(error)) from error

    def free(self) -> None:
        """Give all locks back."""
        if self._session is not None:
            with contextlib.suppress(_driver().Error):
                self._session.execute("SELECT pg_advisory_unlock_all()")

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(_driver().Error):
                session.close()

    def _connected(self) -> "psycopg.Connection":
        if self._session is None or self._session.closed:
            # Not Django's: a pool would keep the session, and with it the lock, after we gave it back.
            parameters = {name: value for name, value in connections[ALIAS].get_connection_params().items() if name in (
                "host", "port", "user", "password", "dbname", "service", "passfile", "connect_timeout",
                "tcp_user_timeout") or name.startswith(("ssl", "keepalives"))}
            self._session = _driver().connect(**parameters, autocommit=True)
        return self._session


def _says(session: "psycopg.Connection", question: LiteralString, about: tuple[int, int]) -> bool:
    """Whether the one value that is answered is true, or more than 0."""
    row = session.execute(question, about).fetchone()
    return row is not None and bool(row[0])


def _number(term: int) -> int:
    return term % 2**31

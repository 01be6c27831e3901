"""The threads in which control touches its databases: one for its own record, one for the Configuration Database.

Between the death of an active server and the grant to the other one stands the first alone (ADR 15).
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
    connections,
)

from protocol.pauses import doubling
from provisioning.core.database_trouble import AWAY, Trouble
from provisioning.core.database_version import trouble_with
from provisioning.core.kept_connections import piece_of_work
from provisioning.record.models import ALIAS

log = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 1.0
OWN_FAULTS = (IntegrityError, DataError, ProgrammingError, NotSupportedError)
"""Errors of what was asked: asking once more makes it no better, but where the database is of another version."""
RECORD, CONFIGURATION = "control's database", "the Configuration Database"
Result = TypeVar("Result")


class DatabaseAway(ConnectionError):
    """A database did not do within the time that the caller could wait what it was asked. The text says why."""


def as_sentence(error: DatabaseAway) -> str:
    """Its text for people: errors begin small and have no full stop."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


class Deposed(DatabaseAway):
    """This control does not lead any more: nothing that it wanted to write was written."""


class Database:
    """Runs functions one after the other in their own thread; a database that is busy or away is tried again.

    ``name`` is how sentences call it. ``term`` is the one in which this control leads, None while it only reads."""

    def __init__(self, name: str, term: int | None = None):
        self.name, self.term = name, term
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, function: Callable[..., Result], *args: Any, patience_s: float = 10.0, **kwargs: Any) -> Result:
        """``function(*args, **kwargs)``. Raises DatabaseAway after ``patience_s`` seconds, and what it raises."""
        give_up_at = time.monotonic() + patience_s
        loop = asyncio.get_running_loop()
        waits = doubling(FIRST_WAIT_S, LONGEST_WAIT_S)
        while True:
            wait_s = next(waits)
            try:
                return await loop.run_in_executor(self._thread, lambda: _done(function, *args, **kwargs))
            except (DatabaseError, InterfaceError) as error:
                trouble = await loop.run_in_executor(self._thread, self._trouble, error)
                if trouble is None:
                    raise
                said = trouble.of(self.name)
                if time.monotonic() + wait_s > give_up_at:
                    raise DatabaseAway(f"{said}: {error}") from error
                log.warning("%s (%s), trying again in %g s", said, error, wait_s)
            await asyncio.sleep(wait_s)

    def _trouble(self, error: BaseException) -> Trouble | None:
        """What is wrong with the database, in its thread; None where the fault is that of who asked."""
        using = ALIAS if self.name == RECORD and settings.RECORD_IS_APART else DEFAULT_DB_ALIAS
        found = trouble_with(error, using) or (None if isinstance(error, OWN_FAULTS) else Trouble(AWAY))
        if found is not None:
            # Whoever asks next begins with a connection that works.
            connections.close_all()
        return found

    async def write(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """As ``run``, of a function that writes what only the leader may. Raises Deposed too."""
        return await self.run(function, *args, term=self.term, **kwargs)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, connections.close_all)
        self._thread.shutdown()


def _done(function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
    with piece_of_work():
        return function(*args, **kwargs)

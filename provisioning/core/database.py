"""Whether the Configuration Database takes a write, and how long anybody waits for it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from .database_trouble import AWAY, Trouble
from .database_version import trouble_with
from .health import DOWN, OK, Component, unwritten

WRITE_S = 0.7
"""So long a write may wait for the database."""
PROVEN_S, TRIED_S = 2.0, 1.0
"""A proven write counts for so long, a failed one is not tried again for so long: asking often costs nothing."""


class WriteProof:
    """Whether the Configuration Database takes a write, proven by one, whoever asks for it; times are those of
    ``clock``."""

    def __init__(self, write: Callable[[], None], clock: Callable[[], float] = time.monotonic):
        self._write, self._clock = write, clock
        self._looking = threading.Lock()
        self._proven_at: float | None = None
        self._tried_at: float | None = None
        self._failing_since: float | None = None
        self._writing_since: float | None = None
        self.trouble: Trouble | None = None

    def look(self) -> None:
        """Write, unless the last proof or failure still counts, or another thread does it now."""
        if self._looking.acquire(blocking=False):
            try:
                self._look(self._clock())
            finally:
                self._looking.release()

    def _look(self, now: float) -> None:
        if self._is_recent(self._proven_at, PROVEN_S, now) or self._is_recent(self._tried_at, TRIED_S, now):
            return
        self._writing_since = now
        try:
            self._write()
        except Exception as error:
            self.trouble = trouble_with(error) or Trouble(AWAY)
            self._failing_since = now if self._failing_since is None else self._failing_since
            self._tried_at = self._clock()
        else:
            self.trouble = self._failing_since = self._tried_at = None
            self._proven_at = self._clock()
        finally:
            self._writing_since = None

    @property
    def component(self) -> Component:
        """How the database is by the last look, or by one that has not come back."""
        now = self._clock()
        age_s = None if self._proven_at is None else now - self._proven_at
        # Another thread may be in the middle of a look.
        trouble, failing_since, writing_since = self.trouble, self._failing_since, self._writing_since
        if trouble is not None and failing_since is not None:
            return Component(DOWN, age_s, unwritten(trouble, now - failing_since))
        if writing_since is not None:
            return Component(DOWN, age_s, "The Configuration Database has not confirmed a write for "
                                          f"{now - writing_since:.1f} s.")
        return Component(OK, age_s)

    @staticmethod
    def _is_recent(at: float | None, for_s: float, now: float) -> bool:
        return at is not None and now - at < for_s


@contextmanager
def waiting_at_most(seconds: float) -> Iterator[None]:
    """SQLite's transactions wait so long for others in here."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {before}")


def _begin() -> None:
    """What every write begins with, and no write: for pages that are only read."""
    with waiting_at_most(WRITE_S), transaction.atomic():
        pass


beginning = WriteProof(_begin)


def database_trouble() -> str:
    """Why nobody can write to the Configuration Database now, as a sentence, as far as that shows without a write; ""
    while it does not. Waits WRITE_S at most."""
    beginning.look()
    return beginning.component.reason

"""Cancelling a running job: SIGUSR1 to its pool child raises JobCancelled in its work, except where shielded."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from .errors import JobCancelled


class Cancellation:
    """Context manager around a job's work, in the main thread of the pool child.

    The signal raises once; later ones do nothing, so that the clean-up of a cancelled job is left in peace.
    """

    def __init__(self) -> None:
        self.requested = False
        self._shields = 1
        self._raised = False
        self._before: Callable[[int, FrameType | None], Any] | int | None = None

    def __enter__(self) -> "Cancellation":
        self._before = signal.signal(signal.SIGUSR1, self._signalled)
        return self

    def __exit__(self, *_: object) -> None:
        # Celery may send the signal twice; the second must not hit the pool child between two jobs.
        self._shields += 1
        signal.signal(signal.SIGUSR1, signal.SIG_IGN if self.requested else self._before)

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Within it a request raises JobCancelled, at once if one already waits."""
        self._shields -= 1
        try:
            self._raise_if_due()
            yield
        finally:
            self._shields += 1

    @contextlib.contextmanager
    def shield(self) -> Iterator[None]:
        """Within it a request waits; it raises when the shield ends without an error."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        self._raise_if_due()

    def _signalled(self, *_: object) -> None:
        self.requested = True
        self._raise_if_due()

    def _raise_if_due(self) -> None:
        if self.requested and not self._raised and self._shields == 0:
            self._raised = True
            raise JobCancelled

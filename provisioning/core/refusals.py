"""What was refused of a host, or of somebody who claims to be one, as events that its page shows.

Bounded, so that whoever keeps trying fills no table: one event per host and kind every ``EVERY_S``, which says how many
were left out before it.
"""

import threading
import time

from django.utils import timezone

from protocol.said import legible
from provisioning.models import Event, Host
from provisioning.states import EventLevel, EventSource

from . import changes

EVERY_S = 60.0
KINDS_MAX = 2000
TEXT_MAX = 1000


class Bound:
    """Lets one of each kind through every ``EVERY_S``."""

    def __init__(self):
        self._lock = threading.Lock()
        self._kinds: dict[tuple, tuple[float, int]] = {}

    def take(self, kind: tuple, now: float | None = None) -> int | None:
        """How many of ``kind`` were left out since the last one; None when this one is to be left out too."""
        now = time.monotonic() if now is None else now
        with self._lock:
            next_at, left_out = self._kinds.get(kind, (0.0, 0))
            if now < next_at:
                self._kinds[kind] = next_at, left_out + 1
                return None
            if len(self._kinds) >= KINDS_MAX:
                self._kinds.clear()
            self._kinds[kind] = now + EVERY_S, 0
            return left_out


bound = Bound()


def record(*, host: Host | None, kind: str, text: str, level: EventLevel = EventLevel.ALARM,
           of_stranger: bool = False) -> bool:
    """Add an event to the host's timeline, or to the console's for None; False when it was left out. ``of_stranger``:
    of somebody who has not shown that he is ``host``, or who he is."""
    left_out = bound.take((host.pk if host else None, kind))
    if left_out is None:
        return False
    more = f" ({left_out} more since the last such event.)" if left_out else ""
    add(host=host, text=legible(text, TEXT_MAX) + more, level=level, of_stranger=of_stranger)
    return True


def add(*, host: Host | None, text: str, level: EventLevel = EventLevel.ALARM, of_stranger: bool = False) -> None:
    """The event, for callers with a bound of their own."""
    source = EventSource.STRANGER if of_stranger else EventSource.REFUSED
    Event.objects.create(at=timezone.now(), level=level, host=host, source=source, text=text)
    if host is not None:
        changes.tell(f"host:{host.pk}")

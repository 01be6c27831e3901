"""How old what control says is, and whether it still counts. Pure."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from provisioning.states import ApplicationStatus

from . import ages
from .text import duration, so_far


def age_s(at: datetime | None, now: datetime) -> float | None:
    """Seconds from ``at`` to ``now``, by one clock. None for what nobody knows: never, or ``at`` has yet to come, as
    that clock was put back meanwhile, or it is not one clock."""
    passed = None if at is None else (now - at).total_seconds()
    return None if passed is None or passed < -ages.CONTROL.total_seconds() else max(0.0, passed)


class Clock:
    """Control's clock as one process reads it: by its own monotonic time, from what it has seen of signs of life. So it
    changes no age when somebody sets a clock, there or here."""

    _at: datetime | None
    _looked_s: float
    _set: tuple[datetime, float] | None

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """As if nothing had been seen yet."""
        self._at, self._looked_s, self._set = None, 0.0, None

    def read(self, at: datetime | None, now: datetime, real_s: float) -> datetime:
        """What control's clock shows now. ``at``: its last sign of life, ``now``: what the clock of this machine shows,
        ``real_s``: monotonic seconds."""
        with self._lock:
            looked_s, self._looked_s = self._looked_s, real_s
            if at != self._at:
                if self._set is None or Control(at, now).answers:
                    self._set = now, real_s
                elif at is not None and real_s - looked_s <= ages.CONTROL.total_seconds():
                    # It was not there a moment ago: it is of now, whatever time it names.
                    self._set = at, real_s
                self._at = at
            if self._set is None:
                return now
            shown, then_s = self._set
            return shown + timedelta(seconds=real_s - then_s)


@dataclass(frozen=True)
class Control:
    """Control's last sign of life ``at`` (None: it never gave one), as it was looked at ``now``, by control's clock.
    ``unwritten_since``: what it has heard from then on is not in the Configuration Database, None when all of it is.
    ``address``: where it answers, "" where it did not say."""

    at: datetime | None
    now: datetime
    unwritten_since: datetime | None = None
    address: str = ""

    @cached_property
    def age_s(self) -> float | None:
        """Seconds since then; None when that is not known."""
        return age_s(self.at, self.now)

    @property
    def is_ahead(self) -> bool:
        """True when the last sign of life is of a time that has yet to come: of when it is nobody knows."""
        return self.at is not None and self.age_s is None

    @property
    def answers(self) -> bool:
        """True while what it wrote last counts as true now."""
        return self.age_s is not None and self.age_s <= ages.CONTROL.total_seconds()

    @property
    def as_of(self) -> datetime | None:
        """Of when its word is."""
        return min(filter(None, (self.at, self.unwritten_since)), default=None)

    @cached_property
    def as_of_s(self) -> float | None:
        """How old its word is, in seconds; None when that is not known."""
        return age_s(self.as_of, self.now)

    @property
    def is_behind(self) -> bool:
        """True while what it hears has not been written down for longer than a busy moment."""
        return (age_s(self.unwritten_since, self.now) or 0.0) > ages.CONTROL.total_seconds()

    @property
    def silence(self) -> str:
        """How long nothing has been heard of it or through it, as a sentence; "" while its word is of now."""
        if self.answers and self.is_behind:
            return ("The Configuration Database takes no write: what is shown of servers and hosts is of "
                    f"{so_far(self.as_of_s)} ago. Pairs fail over all the same.")
        if self.answers:
            return ""
        if self.at is None:
            return "Control has never been heard of."
        if self.is_ahead:
            return (f"Control does not answer: by the clock of this machine its last sign of life is "
                    f"{duration(self.at - self.now)} ahead. Compare the clocks of both machines.")
        return f"Control does not answer: it was last heard of {so_far(self.age_s)} ago."


@dataclass(frozen=True, kw_only=True)
class Word:
    """What is known of a status that control tells, to be shown and judged; ``status`` is "" where there is none to
    tell. ``as_of``: when that was so, None when
    control never said anything. ``last_status`` and ``last_mode`` are its last word where that does not count any more,
    "" where it does; ``reason`` says so then."""

    status: str
    mode: str = ""
    reason: str = ""
    last_status: str = ""
    last_mode: str = ""
    as_of: datetime | None = None
    age_s: float | None = None

    @property
    def known(self) -> bool:
        return self.status not in ("", ApplicationStatus.UNKNOWN)


def word(control: Control, *, status: str, mode: str = "", reason: str = "") -> Word:
    """What control said last of an object (``status``, ``mode``, ``reason``), as far as it is known now: nothing is
    while control does not answer."""
    if control.answers:
        return Word(status=status, mode=mode, reason=reason, as_of=control.as_of, age_s=control.as_of_s)
    ago = "" if control.age_s is None else f", {so_far(control.age_s)} ago"
    role = f" ({mode})" if mode else ""
    return Word(status=str(ApplicationStatus.UNKNOWN), last_status=str(status), last_mode=str(mode),
                as_of=control.as_of, age_s=control.as_of_s,
                reason=f"Last known: {status}{role}{ago}; control does not answer.")

"""How old what control says is, and whether it still counts. Pure."""

from dataclasses import dataclass
from datetime import datetime

from provisioning.states import ApplicationStatus

from .text import duration

SILENT_AFTER_S = 5.0
"""Control shows a sign of life every second; that it is started anew, which takes two or three, is no silence."""


@dataclass(frozen=True)
class Control:
    """Control's last sign of life ``at`` (None: it never gave one), as it was looked at ``now``. ``unwritten_since``:
    what it has heard from then on is not in the Configuration Database, None when all of it is."""

    at: datetime | None
    now: datetime
    unwritten_since: datetime | None = None

    @property
    def age_s(self) -> float | None:
        """Seconds since then; None for never."""
        return None if self.at is None else _between(self.at, self.now)

    @property
    def answers(self) -> bool:
        """True while what it wrote last counts as true now."""
        return self.age_s is not None and self.age_s <= SILENT_AFTER_S

    @property
    def as_of(self) -> datetime | None:
        """Of when its word is."""
        return min(filter(None, (self.at, self.unwritten_since)), default=None)

    @property
    def as_of_s(self) -> float | None:
        """How old its word is, in seconds; None when it never gave one."""
        return None if self.as_of is None else _between(self.as_of, self.now)

    @property
    def is_behind(self) -> bool:
        """True while what it hears has not been written down for longer than a busy moment."""
        return self.unwritten_since is not None and _between(self.unwritten_since, self.now) > SILENT_AFTER_S

    @property
    def silence(self) -> str:
        """How long nothing has been heard of it or through it, as a sentence; "" while its word is of now."""
        if self.answers and self.is_behind:
            return ("The Configuration Database takes no write: what is shown of servers and hosts is of "
                    f"{duration(self.as_of_s)} ago. Pairs fail over all the same.")
        if self.answers:
            return ""
        return "Control has never been heard of." if self.at is None else \
            f"Control does not answer: it was last heard of {duration(self.age_s)} ago."


def _between(earlier: datetime, later: datetime) -> float:
    return max(0.0, (later - earlier).total_seconds())


@dataclass(frozen=True, kw_only=True)
class Word:
    """What is known of a status that control tells, to be shown and judged. ``as_of``: when that was so, None when
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
        return self.status != ApplicationStatus.UNKNOWN


def word(control: Control, *, status: str, mode: str = "", reason: str = "") -> Word:
    """What control said last of an object (``status``, ``mode``, ``reason``), as far as it is known now: nothing is
    while control does not answer."""
    age = {"as_of": control.as_of, "age_s": control.as_of_s}
    if control.answers:
        return Word(status=status, mode=mode, reason=reason, **age)
    ago = "" if control.age_s is None else f", {duration(control.age_s)} ago"
    role = f" ({mode})" if mode else ""
    return Word(status=str(ApplicationStatus.UNKNOWN), last_status=str(status), last_mode=str(mode), **age,
                reason=f"Last known: {status}{role}{ago}; control does not answer.")

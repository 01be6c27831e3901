"""Which events of a pair follow from what somebody asked for: a stop, a restart, a switchover, a drill. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from protocol.events import Own
from provisioning.states import ApplicationStatus, JobKind

FLAPPING = 10327
FOLLOWS = frozenset({int(Own.ROLE_CHANGED), int(Own.OUT_OF_SYNC), FLAPPING, int(Own.AUDIT_WORSE)})
"""Numbers of events that a stop or a switchover causes. That a process ended unexpectedly, none does."""
STOPPING = (JobKind.STOP, JobKind.RESTART)
"""Jobs in which a server ends as asked."""
STARTED, PLANNED_STOP = 5093, 5091
"""Told of a server that serves or stands by, and of a process that ended as asked, whoever asked: also without a job,
as when its agent is stopped."""
IS_STOPPING = f"→ {ApplicationStatus.STOP_PENDING} ("
"""What is in the change of status, an event without a number, of a server that ends (``control.narration``)."""
BY_SOMEBODY = ("asked for a switchover", "accepted that messages may be lost")
"""What is in the reason of a role change that somebody asked for (``control.transitions``)."""
SETTLES = timedelta(seconds=10)
"""What follows is told within that: a switchover takes no longer (``control.requests``)."""
AUDITED = timedelta(seconds=60)
"""An audit takes note of it within that."""


@dataclass(frozen=True)
class Asked:
    """What somebody asked for: of the server ``member`` that it ends, "" for a switchover. ``until`` None: it goes
    on. ``again``: when the server was Started after it had ended so, None where it was not."""

    member: str
    since: datetime
    until: datetime | None
    again: datetime | None = None

    def covers(self, at: datetime, settles: timedelta = SETTLES) -> bool:
        return self.since - SETTLES <= at and (self.until is None or at <= self.until + settles)


def settles(number: int) -> timedelta:
    """Within which time after its end what was asked for causes an event of this number."""
    return AUDITED if number == Own.AUDIT_WORSE else SETTLES


def is_planned(number: int, text: str, at: datetime, asked: Iterable[Asked]) -> bool:
    """Whether an event of a pair follows from something of ``asked``, which is about its members."""
    return number in FOLLOWS and any(
        each.covers(at, settles(number)) and not _contradicts(number, text, at, each) for each in asked)


def started_again(ends: Iterable[tuple[int, datetime]], since: datetime) -> datetime | None:
    """When a server was Started after it had ended as was asked ``since`` then. ``ends`` (STARTED or PLANNED_STOP,
    when) are told of it, in order."""
    has_ended = False
    for number, at in ends:
        if number == PLANNED_STOP:
            has_ended = has_ended or at >= since
        elif has_ended:
            return at
    return None


def _contradicts(number: int, text: str, at: datetime, asked: Asked) -> bool:
    """A server that was to end and became the active one took over from the other, which nobody had stopped; one that
    was Started again, and was lost then, was lost by itself; and what a switchover causes says so
    (``control.narration.decision_events``)."""
    if number != Own.ROLE_CHANGED:
        return False
    if asked.member:
        is_back = asked.again is not None and asked.again < at
        return is_back or text.startswith(f"{asked.member} is the active server")
    return not any(words in text for words in BY_SOMEBODY)

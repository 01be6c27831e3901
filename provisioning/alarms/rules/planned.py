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
PLANNED_STOP = 5091
"""Told of a process that ended as asked, whoever asked: also without a job, as when its agent is stopped."""
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
    on."""

    member: str
    since: datetime
    until: datetime | None

    def covers(self, at: datetime, settles: timedelta = SETTLES) -> bool:
        return self.since - SETTLES <= at and (self.until is None or at <= self.until + settles)


def settles(number: int) -> timedelta:
    """Within which time after its end what was asked for causes an event of this number."""
    return AUDITED if number == Own.AUDIT_WORSE else SETTLES


def is_planned(number: int, text: str, at: datetime, asked: Iterable[Asked]) -> bool:
    """Whether an event of a pair follows from something of ``asked``, which is about its members."""
    return number in FOLLOWS and any(
        each.covers(at, settles(number)) and not _contradicts(number, text, each) for each in asked)


def _contradicts(number: int, text: str, asked: Asked) -> bool:
    """A server that was to end and became the active one took over from the other, which nobody had stopped; and what
    a switchover causes says so (``control.narration.decision_events``)."""
    if number != Own.ROLE_CHANGED:
        return False
    if asked.member:
        return text.startswith(f"{asked.member} is the active server")
    return not any(words in text for words in BY_SOMEBODY)

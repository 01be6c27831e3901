"""Which alarms are masked by a maintenance, and which follow from an alarm about a host. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from protocol.events import Own
from provisioning.alarms.facts import HOST_DISCONNECTED
from provisioning.core.events import OF_PAIR
from provisioning.states import AlarmCategory

ABOUT_PAIRS = frozenset({*OF_PAIR, Own.PAUSED_LONG, Own.AUDIT_WORSE, Own.DRILL_FAILED})
"""Numbers of events that are about both members, and told of the primary."""
TOGETHER = timedelta(minutes=1)
"""What happens to a host and to what is on it is told within that, in any order."""


@dataclass(frozen=True)
class Window:
    """A maintenance, with the names that it is about."""

    applications: frozenset[str]
    hosts: frozenset[str]
    begins_at: datetime
    ends_at: datetime

    def covers(self, at: datetime) -> bool:
        return self.begins_at <= at < self.ends_at


@dataclass(frozen=True)
class Concerned:
    """An alarm that is stored. ``members``: the names of the application that it is about and of its host, also of
    the other member where it is about a pair; ("", host) for one about a host."""

    key: int
    number: int
    category: str
    raised_at: datetime
    members: tuple[tuple[str, str], ...]

    @property
    def lost_host(self) -> str:
        """The host that is gone, "" where it is about something else."""
        application, host = self.members[0]
        return host if self.number == HOST_DISCONNECTED and not application else ""


def is_masked(alarm: Concerned, windows: Collection[Window], at: datetime) -> bool:
    """A maintenance of one member is no excuse for what is critical to a pair: that the other one serves is what it
    counts on."""
    hit = [any(window.covers(at) and (application in window.applications or host in window.hosts)
               for window in windows) for application, host in alarm.members]
    return all(hit) if alarm.category == AlarmCategory.CRITICAL else any(hit)


def causes(alarms: Iterable[Concerned]) -> dict[int, int]:
    """{alarm about an application: the alarm about its host that was raised at about the same time}."""
    alarms = list(alarms)
    lost = {alarm.lost_host: alarm for alarm in alarms if alarm.lost_host}
    found: dict[int, int] = {}
    for alarm in alarms:
        for application, host in alarm.members:
            cause = lost.get(host) if application else None
            if cause is not None and abs(cause.raised_at - alarm.raised_at) <= TOGETHER:
                found.setdefault(alarm.key, cause.key)
    return found

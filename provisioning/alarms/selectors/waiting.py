"""Alarms that nobody has acknowledged, as every page shows them."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, Max, Q, QuerySet, Value, When, Window

from provisioning.alarms.rules.next_step import NOTHING, WAYS, Concerned, NextStep, Server, next_step
from provisioning.core.text import closed
from provisioning.models import Alarm, Application, Host
from provisioning.states import ENDED, AlarmCategory

from .alarms import GRAVEST_FIRST, TOPIC

LOUD = (AlarmCategory.CRITICAL, AlarmCategory.MAJOR)
"""Categories that the title and the icon of a page show too."""
_OPEN = Q(acknowledged_at=None)
_COUNTS = {"active": Count("id"), "count": Count("id", filter=_OPEN), "newest": Max("id", filter=_OPEN),
           "loud": Count("id", filter=_OPEN & Q(category__in=LOUD))}
_MEMBER = ("id", "name", "runtime__status")


@dataclass(frozen=True)
class Waiting:
    """How many alarms are ``active``, how many of these wait for somebody to acknowledge them, and how many of those
    are ``loud``. ``newest`` is the key of the one of them that was raised last, 0 for none; ``first`` the gravest and
    newest, with what it is about where that says what to do."""

    active: int = 0
    count: int = 0
    loud: int = 0
    newest: int = 0
    first: Alarm | None = None
    about: Concerned = NOTHING

    @property
    def step(self) -> NextStep | None:
        """What is done next about the first one."""
        return next_step(self.first.number, self.first.pk, self.about) if self.first else None

    @property
    def topics(self) -> str:
        """What changes when anything that is shown of them does."""
        servers = [each for each in (self.about.own, self.about.other) if each is not None]
        return " ".join((TOPIC, *(f"application:{each.id}" for each in servers)))

    @property
    def more(self) -> int:
        """How many wait beside the first one."""
        return max(0, self.count - 1)

    @property
    def words(self) -> str:
        return f"{self.active} active alarm{'' if self.active == 1 else 's'}"

    @property
    def mark(self) -> str:
        """What the title of a page begins with."""
        return f"({self.loud}!) " if self.loud else ""

    @property
    def said(self) -> str:
        """The newest one as a sentence, for who hears pages and for notifications."""
        if self.first is None:
            return ""
        if self.first.pk != self.newest:
            return f"A new alarm was raised. {self.count} alarms are not acknowledged."
        return f"{self.first.get_category_display()} alarm: {closed(str(self.first))} {self.first.text}".strip()


def waiting() -> Waiting:
    """One query, and one more where the button depends on what the alarm is about: every page asks."""
    acknowledged = Case(When(_OPEN, then=Value(0)), default=Value(1))
    found: QuerySet = Alarm.objects.filter(cleared_at=None, masked=False).annotate(
        **{f"all_{name}": Window(each) for name, each in _COUNTS.items()})
    row = found.order_by(acknowledged, *GRAVEST_FIRST).first()
    if row is None:
        return Waiting()
    counts: dict[str, Any] = {name: getattr(row, f"all_{name}") or 0 for name in _COUNTS}
    if not counts["count"]:
        return Waiting(**counts)
    return Waiting(**counts, first=row, about=_concerned(row) if row.number in WAYS else NOTHING)


def _concerned(alarm: Alarm) -> Concerned:
    """What ``alarm`` is about, in one query."""
    if not alarm.application:
        return Concerned(host=Host.objects.filter(name=alarm.host).values_list("pk", flat=True).first())
    row = Application.objects.filter(name=alarm.application).values_list(*(
        f"{prefix}{name}" for prefix in ("", "backup_server__", "primary_server__") for name in _MEMBER)).first()
    if row is None:
        return NOTHING
    own, backup, primary = (_server(*row[at:at + len(_MEMBER)]) for at in range(0, len(row), len(_MEMBER)))
    of_pair = own if backup else primary
    return Concerned(own=own, other=backup or primary, pair=of_pair.id if of_pair else None)


def _server(key: int | None, name: str, status: str | None) -> Server | None:
    return None if key is None else Server(key, name, status in ENDED)

"""What is known of control itself, and of what control tells of an object."""

from datetime import datetime

from django.conf import settings
from django.db.models import DateTimeField, QuerySet, Value
from django.utils import timezone

from provisioning.models import Application, ComponentHeartbeat, Host
from provisioning.rules.known import Control, Word, word

CONTROL = "control"
"""Name of the heartbeat of the control that leads."""
RECORD = "control"
"""Alias of the database of control's own record, where it has one."""


def control_seen(now: datetime | None = None) -> Control:
    """Control's last sign of life: the one place that knows where it is kept."""
    at = ComponentHeartbeat.objects.filter(name=CONTROL).values_list("at", flat=True).first()
    return Control(at, now or timezone.now())


def record_is_here() -> bool:
    """True while control's own record is in the Configuration Database: what keeps the console from writing keeps
    control from it too."""
    return RECORD not in settings.DATABASES


def with_control(found: QuerySet, control: Control) -> QuerySet:
    """``found``, whose rows remember ``control`` for ``word_of``."""
    return found.annotate(control_at=Value(control.at, output_field=DateTimeField()),
                          asked_at=Value(control.now, output_field=DateTimeField()))


def control_of(row: Application | Host) -> Control:
    """As ``control_seen`` when ``row`` of ``selectors.applications`` or ``selectors.hosts`` was asked for; no query."""
    return Control(row.control_at, row.asked_at)


def word_of(row: Application | Host) -> Word:
    """What is known of such a row; no query."""
    runtime = getattr(row, "runtime", None)
    if runtime is None:
        return Word(status=row.status)
    return word(control_of(row), status=runtime.status, mode=getattr(runtime, "mode", ""), reason=runtime.reason)

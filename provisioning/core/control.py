"""What is known of control itself, and of what control tells of an object."""

import time
from datetime import datetime
from typing import Any, Protocol

from django.conf import settings
from django.db.models import DateTimeField, QuerySet, Value
from django.utils import timezone

from protocol.names import LOOPBACK
from protocol.said import legible
from provisioning.models import Application, Host
from provisioning.record.models import ADDRESS, UNWRITTEN_SINCE, ControlBeat
from provisioning.states import ENDED, RUNS, ApplicationStatus

from .known import Clock, Control, Word, word
from .prepared import Given, Prepared

CONTROL = "control"
"""Name of the heartbeat of the control that leads."""
clock = Clock()
"""What this process has seen of it."""
_BEAT = Prepared(lambda: ControlBeat.objects.filter(name=Given()).order_by().values_list("at", "facts"))


def control_seen(now: datetime | None = None) -> Control:
    """Control's last sign of life: the one place that knows where it is kept. ``now``: what the clock of this machine
    shows; that of control is in the answer, and whatever control tells the time of is compared with it."""
    at, facts = (_BEAT.rows(CONTROL) or [[None, {}]])[0]
    return Control(at, clock.read(at, now or timezone.now(), time.monotonic()), _moment(facts.get(UNWRITTEN_SINCE)),
                   legible(facts.get(ADDRESS), 255))


def _moment(text: object) -> datetime | None:
    """The time that control wrote as text; None for anything else."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def control_beats() -> dict[str, datetime]:
    """{name of its heartbeat: last sign of life} of every control; it is in control's own database."""
    return dict(ControlBeat.objects.values_list("name", "at"))


def doubted_count() -> int:
    """Records that were last written before an older database was put back: they count only as long as all members of
    their pair vouch for them, each time that control starts."""
    facts = ControlBeat.objects.filter(name=CONTROL).values_list("facts", flat=True).first() or {}
    number = facts.get("doubted", 0)
    return number if isinstance(number, int) else 0


def record_is_here() -> bool:
    """True while control's own record is in the Configuration Database: what keeps the console from writing keeps
    control from it too."""
    return not settings.RECORD_IS_APART


def with_control(found: QuerySet, control: Control) -> QuerySet:
    """``found``, whose rows remember ``control`` for ``word_of``."""
    return found.annotate(control_at=Value(control.at, output_field=DateTimeField()),
                          asked_at=Value(control.now, output_field=DateTimeField()),
                          unwritten_since=Value(control.unwritten_since, output_field=DateTimeField()))


class Seen(Protocol):
    """What remembers by itself what control was like when it was asked for."""

    control: Control


def control_of(row: Application | Host | Seen) -> Control:
    """As ``control_seen`` when ``row``, of a list of applications or hosts, was asked for; no query."""
    if not isinstance(row, Application | Host):
        return row.control
    return Control(row.control_at, row.asked_at, row.unwritten_since)


def word_of(row: Any) -> Word:
    """What is known of such a row; no query."""
    runtime = getattr(row, "runtime", None)
    if runtime is None or row.status is None:
        return Word(status=row.status or "")
    return word(control_of(row), status=runtime.status, mode=getattr(runtime, "mode", ""), reason=runtime.reason)


def status_for_rules(application: Application, control: Control) -> str:
    """Status word; Stopped when it was never started, or cannot run because it is not installed or of a type that
    Pairwise starts nothing of. What had ended when ``control`` was last heard of counts as ended: without control no
    server begins to serve."""
    runtime = getattr(application, "runtime", None)
    if runtime is None or not (application.is_runnable or runtime.status in RUNS):
        return ApplicationStatus.STOPPED
    if runtime.status == ApplicationStatus.UNKNOWN and not application.is_installed:
        return ApplicationStatus.STOPPED
    return runtime.status if runtime.status in ENDED else word(control, status=runtime.status).status


def keys_travel_safely() -> bool:
    """True when nobody can listen to a private key on its way from the web console to a host."""
    secured = (settings.PAIRWISE_WEB_TLS or settings.PAIRWISE_HTTPS
               or settings.PAIRWISE_CONSOLE_URL.startswith("https://"))
    return bool(secured or settings.PAIRWISE_HOST in LOOPBACK)

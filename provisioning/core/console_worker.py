"""Whether the console worker answers, as far as the Configuration Database tells."""

from datetime import datetime

from provisioning.models import ComponentHeartbeat

from .health import Component, worker_health

BEATS = ("console-worker", "report-reader")
"""Its tasks and its reader of reports."""


def console_worker_health(now: datetime, *, blind: str = "") -> Component:
    """It is as well as the part of it of which less is heard. ``blind``: why no newer sign of life would be known."""
    beats = dict(ComponentHeartbeat.objects.filter(name__in=BEATS).values_list("name", "at"))
    return worker_health(min(beats.values()) if BEATS[0] in beats else None, now, blind=blind)

"""Reactions to alarms that were just raised or cleared: noted here, carried out by ``alarms.services.reactions``."""

from collections.abc import Sequence
from datetime import datetime

from provisioning.alarms.rules.reactions import LATE
from provisioning.models import Alarm, AlarmCondition, Reaction


def plan(rows: Sequence[Alarm], now: datetime, *, is_clearance: bool = False) -> None:
    """Of what is about an application, and happened lately."""
    name = "clearance_reaction" if is_clearance else "reaction"
    verbs = dict(AlarmCondition.objects.filter(pk__in={row.condition_id for row in rows}).exclude(
        **{name: ""}).values_list("pk", name)) if rows else {}
    Reaction.objects.bulk_create([
        Reaction(alarm=row, verb=verbs[row.condition_id], is_clearance=is_clearance, due_at=now) for row in rows
        if row.condition_id in verbs and row.application and _at(row) >= now - LATE])


def _at(row: Alarm) -> datetime:
    return row.cleared_at or row.raised_at

"""Alarms as plain values, for commands."""

from datetime import datetime
from typing import Any

from provisioning.logs.facts import iso
from provisioning.models import Alarm


def values(row: Alarm) -> dict[str, Any]:
    """Times in UTC with milliseconds; ``cleared_at`` None while it is active."""
    return {
        "id": row.pk, "condition": row.condition_name, "category": row.category, "application": row.application,
        "host": row.host, "raised_at": _iso(row.raised_at), "cleared_at": _iso(row.cleared_at), "times": row.times,
        "text": row.text, "acknowledged_by": row.acknowledged_by, "masked": row.masked, "cause": row.cause_id}


def line(row: Alarm) -> str:
    """As a line for people."""
    state = f"until {_iso(row.cleared_at)}" if row.cleared_at else "masked" if row.masked else "active"
    return f"{_iso(row.raised_at)} {state} {row.category} {row}: {row.text}"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso(int(at.timestamp() * 1000))

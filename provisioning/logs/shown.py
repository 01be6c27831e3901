"""Log records as plain values, for commands and files."""

from typing import Any

from provisioning.logbook.models import Record

from .facts import iso

COLUMNS = ("at", "level", "number", "category", "application", "type", "host", "text", "seq", "epoch")


def values(row: Record) -> dict[str, Any]:
    """{name: value} of COLUMNS; ``at`` in UTC with milliseconds."""
    return {name: iso(row.at) if name == "at" else getattr(row, name) for name in COLUMNS}


def line(row: Record) -> str:
    """As a line for people."""
    where = f"{row.application}@{row.host}" if row.host else row.application
    return f"{iso(row.at)} {row.level} {row.number or '-'} {where} {row.text}"

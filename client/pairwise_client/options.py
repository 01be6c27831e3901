"""What ``subscribe`` was asked, as what the server is asked. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Union

from .feed import ACK_MODES, Wanted

Moment = Union[int, str, datetime]
"""Milliseconds since 1970, ISO 8601 with its zone, or a datetime with its zone."""


def wanted(destination: str, *, from_seq: int | None, durable_name: str | None, from_time: Moment | None,
           last: int | None, selector: str | None, ack: str, prefetch: int) -> Wanted:
    """Raises ValueError."""
    if ack not in ACK_MODES:
        raise ValueError(f"ack is one of {', '.join(ACK_MODES)}.")
    if prefetch < 1:
        raise ValueError("prefetch is a number of messages, at least 1.")
    starts = [(name, str(value)) for name, value in (
        ("from-seq", from_seq), ("from-time", None if from_time is None else _moment(from_time)), ("last", last))
        if value is not None]
    if len(starts) > 1:
        raise ValueError("Give one of from_seq, from_time and last.")
    headers = {name: value for name, value in (("durable-name", durable_name), ("selector", selector))
               if value is not None}
    # From a place of its own a queue is only looked at.
    is_queue = destination.startswith("/queue/") and not starts
    return Wanted(destination, starts[0] if starts else None, headers, ack, prefetch,
                  keeps=durable_name is not None or is_queue)


def _moment(value: Moment) -> str:
    if not isinstance(value, datetime):
        return str(value)
    if value.tzinfo is None:
        raise ValueError("from_time needs a zone: datetime.now(timezone.utc), for example.")
    return str(int(value.timestamp() * 1000))

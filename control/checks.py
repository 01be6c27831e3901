"""Bounds on what peers say: whatever passes here fits into the database and onto a page."""

import json
import re
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from protocol.message import Message, MessageError, from_dict
from protocol.messages import PROCESS_STATES, ProcessChanged
from protocol.opening_messages import Hello
from protocol.said import LARGEST, number, storable
from protocol.server_messages import LATENCIES_MS, LINKS, SERVER_STATES, STANDBY_WISHES, Event, Report
from protocol.wire import WireError
from provisioning.states import EventLevel

INT_MAX = 2**63 - 1
PID_MAX = 2**31 - 1
PORTS_MAX = 1000
TIME_MAX = 253_402_300_799
"""The last second of the year 9999, as Unix time."""
TROUBLE_MAX_S = 366 * 86_400
REASON_MAX = 2000
EVENT_TEXT_MAX = 4000
FACTS_MAX = 64 * 1024
FACT_RANGES = {"cpu_percent": (0, 100), "memory_percent": (0, 100), "disk_free_bytes": (-1, LARGEST),
               "time": (0, TIME_MAX)}
"""{name: from, to} of the facts of a host that are counted with; -1 bytes: the agent does not know."""
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
CLOCK_TOLERANCE_S = 24 * 3600
ROLES = ("", "primary", "backup")


def clean(text: str, length: int) -> str:
    """``text`` without what databases and pages choke on, at most ``length`` characters."""
    kept = "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text[:length + 1])
    return kept if len(kept) <= length else kept[:length - 1] + "…"


def check_numbers(message: Message) -> None:
    """Of whatever a peer says: each number is finite and fits into the database. Raises WireError."""
    for each in fields(message):
        value = getattr(message, each.name)
        if number(value, -INT_MAX, INT_MAX) is None and isinstance(value, int | float) and not isinstance(value, bool):
            raise WireError(f"the peer sent {each.name} {value!r:.40}, which is out of range")


def _bounded(name: str, value: int, top: int = INT_MAX) -> None:
    if not 0 <= value <= top:
        raise WireError(f"the peer sent {name} {value}, which is out of range")


def latencies_of(report: Report) -> tuple[int, ...]:
    """() for what no release of a server says."""
    said = report.latencies
    is_whole = len(said) == len(LATENCIES_MS) + 1 and all(type(each) is int and 0 <= each <= INT_MAX for each in said)
    return tuple(said) if is_whole else ()


def check_hello(hello: Hello) -> None:
    """Raises WireError."""
    _bounded("pid", hello.pid, PID_MAX)
    for name in ("started", "epoch", "record_version"):
        _bounded(name, getattr(hello, name))
    if hello.role not in ROLES:
        raise WireError(f"the peer sent the unknown role {hello.role[:20]!r}")


def check_report(report: Report) -> None:
    """Raises WireError."""
    if report.state not in SERVER_STATES or report.role not in ROLES:
        raise WireError(f"the peer reported the unknown state {report.state[:20]!r} or role {report.role[:20]!r}")
    if report.link not in LINKS or report.standby not in STANDBY_WISHES:
        raise WireError(f"the peer reported the unknown link {report.link[:20]!r} or wish {report.standby[:20]!r}")
    for name in ("epoch", "record_version", "last_seq", "standby_version", "common_seq", "discarded", "first_seq",
                 "acknowledged", "delivered", "waiting_bytes", "disk_free", "disk_total"):
        _bounded(name, getattr(report, name))
    for name, top in (("clock", TIME_MAX), ("trouble_s", TROUBLE_MAX_S)):
        if not 0 <= getattr(report, name) <= top:
            raise WireError(f"the peer sent {name} {getattr(report, name)}, which is out of range")
    _bounded("clients", report.clients, PID_MAX)
    if len(report.ports) > PORTS_MAX:
        raise WireError(f"the peer reported {len(report.ports)} ports, the limit is {PORTS_MAX}")


def ports_of(report: Report) -> tuple[dict[str, Any], ...]:
    """The ports of a report as {id, port, listening} and, of secured ones, not_after (Unix time; None when the server
    cannot tell); entries of another shape are left out."""
    return tuple({"id": clean(each["id"], 64), "port": each["port"], "listening": each.get("listening") is True,
                  **_expiry(each)}
                 for each in report.ports
                 if isinstance(each, dict) and isinstance(each.get("id"), str) and type(each.get("port")) is int
                 and 0 <= each["port"] <= 65535)


def _expiry(port: dict[str, Any]) -> dict[str, Any]:
    if "not_after" not in port:
        return {}
    given = port["not_after"]
    return {"not_after": number(given, 0, TIME_MAX)}


def process_of(body: object) -> ProcessChanged:
    """One entry of Processes. Raises WireError."""
    try:
        change = from_dict({**body, "type": ProcessChanged.type}) if isinstance(body, dict) else None
    except MessageError as error:
        raise WireError(f"the agent named a process that is none: {error}") from None
    if not isinstance(change, ProcessChanged):
        raise WireError("the agent named a process that is none")
    check_process(change)
    return change


def check_process(change: ProcessChanged) -> None:
    """Raises WireError."""
    check_numbers(change)
    if change.state not in PROCESS_STATES:
        raise WireError(f"the agent named the unknown process state {change.state[:20]!r}")
    for name in ("pid", "restarts", "signal"):
        _bounded(name, getattr(change, name), PID_MAX)
    _bounded("started", change.started)


def facts_of(told: dict[str, Any]) -> dict[str, Any]:
    """What an agent says of its host, without what cannot be kept. Raises WireError."""
    try:
        text = json.dumps(told)
    except RecursionError:
        raise WireError("the agent sent host facts that are too deep within one another") from None
    if len(text) > FACTS_MAX:
        raise WireError(f"the agent sent host facts of {len(text)} characters, the limit is {FACTS_MAX}")
    if _NUL.search(text):
        raise WireError("the agent sent host facts with a NUL in a text")
    for name, (least, most) in FACT_RANGES.items():
        if name in told and number(told[name], least, most) is None:
            raise WireError(f"the agent sent the host fact {name} as {told[name]!r:.40}, which is no number from "
                            f"{least} to {most}")
    # By how much its clock is off is for control to say.
    return {name: value for name, value in storable(told).items() if name != "clock_offset_s"}


def with_clock_offset(facts: dict[str, Any], now: datetime) -> dict[str, Any]:
    """``facts`` and, when the agent said what time it has, by how many seconds its clock is ahead of ours."""
    at = number(facts.get("time"), 0, TIME_MAX)
    if at is None:
        return facts
    return {**facts, "clock_offset_s": round(at - now.timestamp(), 2)}


def event_level(event: Event) -> str:
    return event.level if event.level in EventLevel.values else EventLevel.STANDARD


def event_time(at: float) -> datetime:
    """When the peer says it happened; now when its clock cannot be believed."""
    now = datetime.now(UTC)
    if number(at, now.timestamp() - CLOCK_TOLERANCE_S, now.timestamp() + CLOCK_TOLERANCE_S) is None:
        return now
    return datetime.fromtimestamp(at, UTC)

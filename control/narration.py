"""The timeline's sentences and event numbers (domain.md 3.5), and the rows that go with them."""

import time
from datetime import UTC, datetime
from enum import IntEnum
from typing import TypeGuard

from protocol.events import Own, level_of
from protocol.messages import ProcessChanged
from provisioning.states import ALIVE, ApplicationStatus, EventLevel, EventSource, HostStatus, Mode

from .checks import REASON_MAX, clean
from .decide import Decision
from .facts import EventRow, HostRow, StatusRow
from .live import LiveApplication, LiveHost, ServerConnection
from .snapshot import Record
from .status import ENDED, RUNNING, Verdict, describe_end

FOREIGN_NAMES = 50
AT_ONCE_S = 0.05
"""What is less is 0.0 s, where one digit is written."""
CLOCK_OFF_S, CLOCK_STEP_S = 10.0, 0.5
"""From here on the clock of a server counts as off; smaller steps of it are not worth a new row."""
Status = ApplicationStatus
HANGUP_DETECTED, HANGUP_RESTORED = 5160, 5161
PROCESS_STARTED, PROCESS_STOPPED, PROCESS_ABNORMAL_END = 5022, 5023, 5024
APPLICATION_START, PLANNED_STOP = 5090, 5091
STATUS_EVENTS = {
    Status.INITIALIZING: 5092,
    Status.STARTED: 5093,
    Status.SERVICE_UNAVAILABLE: 5094,
    Status.UNKNOWN: 5095,
    Status.SUSPENDING: 5096,
    Status.SUSPENDED: 5097,
    Status.GAVE_UP: Own.GAVE_UP,
}
"""Numbers of the statuses that have one of their own; the others are told by what the process did."""
HOST_EVENTS: dict[str, int] = {HostStatus.RUNNING: 8001, HostStatus.DISCONNECTED: 8000}


class PairEvent(IntEnum):
    """Event numbers of the field about a pair (domain.md 3.5); our own are in protocol.events."""

    FLAPPING = 10327
    STABLE = 10328


FLAP_S = 10.0
"""More than one change of the active server within so many seconds is flapping (haflip-detect-timeout of the field)."""


def _now() -> datetime:
    return datetime.now(UTC)


def status_event(live: LiveApplication, before: Verdict | None) -> EventRow:
    """``before`` None when nothing was known."""
    found = live.verdict
    mode = f" ({found.mode})" if found.mode else ""
    was = f"{before.status} → " if before else ""
    number = STATUS_EVENTS.get(found.status, 0)
    return EventRow(at=_now(), number=number, level=level_of(number), application_id=live.facts.id,
                    text=clean(f"{was}{found.status}{mode}: {found.reason}", REASON_MAX))


def process_events(live: LiveApplication, before: ProcessChanged | None, listed: bool) -> list[EventRow]:
    """What the agent's new word about a process adds to the timeline. ``listed`` False: the agent has just connected
    and tells what it found, so nothing of it is news unless something was known before."""
    change = live.process
    if change is None or (before is None and not listed):
        return []
    if change.state in ENDED and (before is None or before.state in RUNNING):
        return [_end_event(live, change)]
    if _same_running(before, change) and before.hanging != change.hanging and change.state == "running":
        return [_row(live, HANGUP_DETECTED if change.hanging else HANGUP_RESTORED, change.reason)]
    if change.state == "running" and not _same_running(before, change):
        return [_start_event(live, change)]
    if change.state == "starting" and (before is None or before.state not in RUNNING):
        return [_row(live, APPLICATION_START, "The agent starts the process.")]
    return []


def _same_running(before: ProcessChanged | None, change: ProcessChanged) -> TypeGuard[ProcessChanged]:
    return before is not None and before.pid == change.pid and before.state in ("running", "stopping")


def _start_event(live: LiveApplication, change: ProcessChanged) -> EventRow:
    if change.by_hand:
        return _row(live, PROCESS_STARTED, f"A process started by hand runs (pid {change.pid}).")
    if change.restarts and live.ended_at is not None:
        took = time.monotonic() - live.ended_at
        after = "at once" if took < AT_ONCE_S else f"after {took:.1f} s"
        return _row(live, PROCESS_STARTED, f"Restarted by Auto-Restart {after} (pid {change.pid}, restart "
                                           f"{change.restarts}).")
    return _row(live, PROCESS_STARTED, f"The process started (pid {change.pid}).")


def _end_event(live: LiveApplication, change: ProcessChanged) -> EventRow:
    if change.planned:
        return _row(live, PLANNED_STOP, f"The process stopped as asked ({describe_end(change)}).")
    if change.state == "exited" and change.exit_code == 0:
        return _row(live, PROCESS_STOPPED, "The process ended by itself (exit code 0).")
    then = {"backoff": " Auto-Restart starts it again.", "gave_up": " Auto-Restart gave up."}.get(change.state, "")
    return _row(live, PROCESS_ABNORMAL_END, f"The process ended unexpectedly: {describe_end(change)}.{then}")


def _row(live: LiveApplication, number: int, text: str) -> EventRow:
    return EventRow(at=_now(), number=number, application_id=live.facts.id, text=clean(text, REASON_MAX),
                    source="agent")


def pair_event(live: LiveApplication, event: PairEvent | Own, text: str) -> EventRow:
    return EventRow(at=_now(), number=event, level=level_of(event), application_id=live.facts.id,
                    text=clean(text, REASON_MAX))


def decision_events(before: Record, decision: Decision) -> list[tuple[Own, str]]:
    """What a decision adds to the timelines of both members."""
    after, events = decision.record, []
    if decision.step_down:
        events.append((Own.STEP_DOWN, decision.reason))
    if after is None:
        return events
    if before.active and after.active != before.active:
        events.append((Own.ROLE_CHANGED,
                       f"{after.active} is the active server in epoch {after.epoch}: {decision.reason}"))
    if decision.sync_reason:
        event = Own.IN_SYNC if after.standby_in_sync else Own.OUT_OF_SYNC
        events.append((event, decision.sync_reason))
    return events


def host_event(host: LiveHost) -> EventRow:
    return EventRow(at=_now(), number=HOST_EVENTS.get(host.status, 0), host_id=host.facts.id,
                    text=clean(f"Host {host.facts.name} is {host.status}: {host.reason}", REASON_MAX))


def foreign_events(host: LiveHost, name: str) -> list[EventRow]:
    """An agent spoke of what is not its own: told once a name, so that it fills nothing."""
    if name in host.foreign or len(host.foreign) >= FOREIGN_NAMES:
        return []
    host.foreign.add(name)
    text = (f"The agent of {host.facts.name} spoke of {name[:80]!r}, which is no application of its host. Control took "
            "no notice.")
    return [EventRow(at=_now(), level=EventLevel.ALARM, host_id=host.facts.id, source=EventSource.REFUSED,
                     text=clean(text, REASON_MAX))]


def foreign_answer_events(live: LiveApplication, connection: ServerConnection) -> list[EventRow]:
    """A server answered what it was not asked: told once a connection."""
    if connection.foreign:
        return []
    connection.foreign = True
    text = f"{live.facts.name} answered a probe that it was not asked. Control took no notice."
    return [EventRow(at=_now(), level=EventLevel.ALARM, application_id=live.facts.id, host_id=live.facts.host_id,
                     source=EventSource.REFUSED, text=clean(text, REASON_MAX))]


def host_row(host: LiveHost) -> HostRow:
    facts = host.agent_facts
    return HostRow(host_id=host.facts.id, status=host.status, reason=clean(host.reason, REASON_MAX),
                   agent_version=clean(str(facts.get("agent_version", "")), 32),
                   agent_pid=host.hello.pid if host.hello else 0,
                   worker_alive=host.peer is not None and facts.get("worker") is True, facts=facts,
                   changed_at=host.changed_at,
                   connected=host.peer is not None,
                   heard_at=datetime.now(UTC) if host.peer is not None else host.heard_at)


def remember_host(host: LiveHost, row: HostRow) -> None:
    """Take over what the database knew of a host before control was started."""
    host.status, host.reason, host.agent_facts = row.status, row.reason, row.facts
    host.changed_at, host.heard_at = row.changed_at, row.heard_at


def started_at(found: Verdict, before: Verdict, row: StatusRow | None, now: datetime) -> datetime | None:
    """Since when the server is Started: kept while the same process goes on, None while none runs."""
    kept = row.started_at if row and before.pid == found.pid else None
    if found.status == Status.STARTED:
        return kept or now
    return kept if found.status in ALIVE or found.status == Status.UNKNOWN else None


def served_until(found: Verdict, row: StatusRow | None, now: datetime) -> datetime | None:
    """When the server ceased to serve: kept through every restart that does not make it serve, None while it serves or
    never has. ``row`` is what was known before."""
    if _serves(found) or row is None:
        return None
    return now if _serves(row) else row.served_until


def _serves(said: Verdict | StatusRow) -> bool:
    return said.status == Status.STARTED and said.mode == Mode.PRIMARY

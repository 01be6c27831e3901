"""What to do about a process: a pure table (state, event, time) → (status, actions). ``process`` carries it out.

States are those of ``protocol.messages.PROCESS_STATES``. All times are seconds of one monotonic clock.
"""

import dataclasses
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

STORE_EXIT = 7
"""A Message Server that cannot open its stored messages ends with this code (docs/message-protocol.md)."""
SUSPEND_MARGIN_S = 1.0
"""Added to the Suspending Wait Timeout: the server ends itself at that time, the agent acts only after it."""


@dataclass(frozen=True)
class Policy:
    """How failures are answered. The first restart comes at once, then 1, 2, 4 ... ``longest_delay_s``; who stayed up
    for ``stable_s`` begins anew. Without ``control`` no server can start, so nothing is given up: it is tried on, with
    no more than half of the limit used up. Nor is it for want of room: that is tried every ``no_room_s``; nor for a
    store that cannot be opened: that is tried every ``longest_delay_s``."""

    auto_restart: bool = False
    limit: int = 10
    stable_s: float = 10.0
    longest_delay_s: float = 60.0
    no_room_s: float = 5.0
    control: bool = True


@dataclass(frozen=True)
class Status:
    """``confirmed``: it was Started once, or the agent itself started it; a failure before that is a failed start.
    ``due``: when Due has to come, 0 for never. ``ladder``: the (signal, seconds to wait after it) still to be sent.
    """

    state: str = "exited"
    pid: int = 0
    started: int = 0
    exit_code: int = -1
    signal: int = 0
    planned: bool = True
    by_hand: bool = False
    restarts: int = 0
    confirmed: bool = True
    since: float = 0.0
    due: float = 0.0
    ladder: tuple[tuple[int, float], ...] = ()
    reason: str = ""


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Start:
    """Somebody (``operator``) or the agent itself wants it to run."""

    operator: bool = True
    reason: str = "Start was asked for."


@dataclass(frozen=True)
class Stop:
    shutdown_timeout: float
    graceful: bool = False
    suspending_wait_timeout: float = 0.0
    reason: str = "Stop was asked for."


@dataclass(frozen=True)
class _Runs:
    pid: int
    started: int


class Spawned(_Runs):
    """The process exists."""


class Adopted(_Runs):
    """A process that an earlier run of this agent started still runs."""


class Found(_Runs):
    """A process of this application that was started by hand runs."""


@dataclass(frozen=True)
class Ended:
    """``exit_code`` -1 and ``signal`` 0: unknown. ``reason`` is set when it could not even be started. ``no_room``: a
    disk that it needs is full. ``no_store``: it could not open its stored messages."""

    exit_code: int = -1
    signal: int = 0
    reason: str = ""
    no_room: bool = False
    no_store: bool = False


@dataclass(frozen=True)
class Hung:
    """It runs, and has shown no sign of life for so many seconds. ``restart``: Auto-Restart is to answer that too."""

    silent_s: float
    restart: bool


@dataclass(frozen=True)
class Revived:
    """It shows signs of life again."""


@dataclass(frozen=True)
class Confirmed:
    """Control says Started."""


@dataclass(frozen=True)
class ControlBack:
    """The Configuration Server can be reached again: what failed for want of it may start."""


@dataclass(frozen=True)
class Due:
    """The time in ``Status.due`` has come."""


Event = Start | Stop | Spawned | Adopted | Found | Ended | Hung | Revived | Confirmed | ControlBack | Due
AnEvent = TypeVar("AnEvent", bound=Event)


# --- actions --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Launch:
    """Start the program; answered by Spawned or Ended."""


@dataclass(frozen=True)
class Send:
    signal: int


@dataclass(frozen=True)
class Decision:
    """``refused`` is a sentence when the event was a request that cannot be granted."""

    status: Status
    actions: tuple[Launch | Send, ...] = ()
    refused: str = ""


@dataclass(frozen=True)
class Rule(Generic[AnEvent]):
    """What one kind of event means in one state. ``to``: every state the rule can lead to."""

    decide: Callable[[Status, AnEvent, float, Policy], Decision]
    to: tuple[str, ...] = field(default=())


def decide(status: Status, event: Event, now: float, policy: Policy) -> Decision:
    """What ``event`` at ``now`` means. An event that has no rule in this state changes nothing."""
    rule = RULES.get((status.state, type(event)))
    return rule.decide(status, event, now, policy) if rule else Decision(status)


def restart_delay(restarts: int, policy: Policy) -> float:
    """Seconds before restart number ``restarts`` (from 1): 0, 1, 2, 4 ... the longest delay."""
    return 0.0 if restarts <= 1 else min(policy.longest_delay_s, 2.0 ** min(restarts - 2, 30))


def how_it_ended(exit_code: int, number: int) -> str:
    if number:
        try:
            return f"it was ended by signal {number} ({signal.Signals(number).name})"
        except ValueError:
            return f"it was ended by signal {number}"
    return f"it ended with exit code {exit_code}" if exit_code >= 0 else "it ended, its exit code is unknown"


# --- rules ----------------------------------------------------------------------------------------


def _launch(status: Status, event: Start, now: float, policy: Policy) -> Decision:
    fresh = Status(state="starting", planned=False, confirmed=not event.operator, since=now, reason=event.reason)
    return Decision(fresh, (Launch(),))


def _refuse_running(status: Status, event: Start, now: float, policy: Policy) -> Decision:
    hand = ", started by hand" if status.by_hand else ""
    pid = f"pid {status.pid}{hand}" if status.pid else "it is being started"
    return Decision(status, refused=f"already running ({pid})")


def _refuse_stopping(status: Status, event: Start, now: float, policy: Policy) -> Decision:
    return Decision(status, refused=f"still stopping (pid {status.pid})")


def _spawned(status: Status, event: Spawned, now: float, policy: Policy) -> Decision:
    reason = status.reason if status.restarts else "The process runs."
    return Decision(_with(status, state="running", pid=event.pid, started=event.started, since=now, due=0.0,
                          reason=reason))


def _spawned_while_stopping(status: Status, event: Spawned, now: float, policy: Policy) -> Decision:
    return _next_rung(_with(status, pid=event.pid, started=event.started), now)


def _adopted(status: Status, event: Adopted, now: float, policy: Policy) -> Decision:
    return Decision(Status(state="running", pid=event.pid, started=event.started, planned=False, since=now,
                           reason="The agent was restarted; the server kept running."))


def _found(status: Status, event: Found, now: float, policy: Policy) -> Decision:
    return Decision(Status(state="running", pid=event.pid, started=event.started, planned=False, by_hand=True,
                           since=now, reason="The server was started by hand; the agent watches it."))


def _stop(status: Status, event: Stop, now: float, policy: Policy) -> Decision:
    ladder: tuple[tuple[int, float], ...] = ((signal.SIGTERM, max(event.shutdown_timeout, 0.1)), (signal.SIGKILL, 0.0))
    if event.graceful:
        ladder = ((signal.SIGUSR1, event.suspending_wait_timeout + SUSPEND_MARGIN_S), *ladder)
    stopping = _with(status, state="stopping", planned=True, ladder=ladder, due=0.0, reason=event.reason)
    # Without a pid the first signal waits for Spawned.
    return _next_rung(stopping, now) if status.pid else Decision(stopping)


def _stop_harder(status: Status, event: Stop, now: float, policy: Policy) -> Decision:
    waits_for_suspend = any(number == signal.SIGTERM for number, _ in status.ladder)
    return _stop(status, event, now, policy) if waits_for_suspend and not event.graceful else Decision(status)


def _next_rung(status: Status, now: float) -> Decision:
    (number, wait_s), *rest = status.ladder
    name = signal.Signals(number).name
    reason = f"{name} was sent." if number != signal.SIGKILL else (
        "It did not end within its Shutdown Timeout and was killed (SIGKILL).")
    due = now + wait_s if rest else 0.0
    return Decision(_with(status, ladder=tuple(rest), due=due, reason=reason), (Send(number),))


def _climb(status: Status, event: Due, now: float, policy: Policy) -> Decision:
    return _next_rung(status, now) if status.ladder else Decision(_with(status, due=0.0))


def _stopped(status: Status, event: Ended, now: float, policy: Policy) -> Decision:
    # An empty ladder: its last rung, SIGKILL, was sent.
    reason = status.reason if not status.ladder else f"Stopped as asked: {how_it_ended(event.exit_code, event.signal)}."
    return Decision(_over(status, event, "exited", reason, planned=True))


def _failed(status: Status, event: Ended, now: float, policy: Policy) -> Decision:
    how = event.reason.rstrip(".") or how_it_ended(event.exit_code, event.signal)
    if status.by_hand:
        how = f"The server that was started by hand is gone: {how}. What was started by hand is not restarted."
        return Decision(_over(status, event, "exited", how))
    if not status.confirmed:
        return Decision(_over(status, event, "exited", f"The start failed: {how}."))
    if not policy.auto_restart:
        return Decision(_over(status, event, "exited", f"The server failed: {how}. Auto-Restart is off."))
    waits_for, every_s = _waits_for(event, policy)
    if waits_for and status.restarts:
        reason = f"The server failed: {how}. {waits_for}: it is tried again every {every_s:g} s."
        return Decision(_with(_over(status, event, "backoff", reason), due=now + every_s))
    stayed_up = status.state == "running" and now - status.since >= policy.stable_s
    restarts = (0 if stayed_up else status.restarts) + 1
    if not policy.control:
        restarts = min(restarts, max(1, policy.limit // 2))
    if restarts > policy.limit:
        reason = (f"The server failed {restarts} times in a row, last: {how}. It is not restarted any more: "
                  "correct the cause, then start it.")
        return Decision(_with(_over(status, event, "gave_up", reason), restarts=policy.limit))
    delay = restart_delay(restarts, policy)
    when = f"in {delay:g} s" if delay else "at once"
    away = "" if policy.control else " Control cannot be reached: until then the restarts go on."
    reason = f"The server failed: {how}. Restart {restarts} of {policy.limit} {when}.{away}"
    return Decision(_with(_over(status, event, "backoff", reason), restarts=restarts, due=now + delay))


def _waits_for(event: Ended, policy: Policy) -> tuple[str, float]:
    """(what has to become well before it can run, how often it is tried): then nothing is counted; "" for nothing."""
    if event.no_room:
        return "The disk is full", policy.no_room_s
    if event.no_store:
        return "Its stored messages cannot be opened, look at its disk and its log", policy.longest_delay_s
    return "", 0.0


def _over(status: Status, event: Ended, state: str, reason: str, *, planned: bool = False) -> Status:
    return _with(status, state=state, exit_code=event.exit_code, signal=event.signal, planned=planned, due=0.0,
                 ladder=(), reason=reason)


def _restart(status: Status, event: Due | ControlBack, now: float, policy: Policy) -> Decision:
    reason = f"Restarted by Auto-Restart (restart {status.restarts} of {policy.limit})."
    fresh = Status(state="starting", planned=False, restarts=status.restarts, since=now, reason=reason)
    return Decision(fresh, (Launch(),))


def _give_up_waiting(status: Status, event: Stop, now: float, policy: Policy) -> Decision:
    return Decision(_with(status, state="exited", planned=True, due=0.0, by_hand=False, reason=(
        f"{event.reason} It was not running; a restart that was due is cancelled." if status.state == "backoff"
        else f"{event.reason} It was not running.")))


def _still_stopped(status: Status, event: Stop, now: float, policy: Policy) -> Decision:
    return Decision(_with(status, planned=True))


def _hung(status: Status, event: Hung, now: float, policy: Policy) -> Decision:
    reason = f"It has shown no sign of life for {event.silent_s:.0f} s: it hangs."
    if not (event.restart and policy.auto_restart):
        off = "Auto-Restart" if event.restart else "hangup-restart"
        return Decision(_with(status, reason=f"{reason} It is left alone: {off} is off."))
    return Decision(_with(status, reason=f"{reason} It was killed (SIGKILL)."), (Send(signal.SIGKILL),))


def _revived(status: Status, event: Revived, now: float, policy: Policy) -> Decision:
    return Decision(_with(status, reason="It had shown no sign of life, and does so again."))


def _confirmed(status: Status, event: Confirmed, now: float, policy: Policy) -> Decision:
    return Decision(_with(status, confirmed=True))


def _with(status: Status, **changes: Any) -> Status:
    return dataclasses.replace(status, **changes)


# Any: the type in a key is that of the events its rule is given, which a dict cannot say of each of its pairs.
RULES: dict[tuple[str, type[Event]], Rule[Any]] = {
    ("exited", Start): Rule(_launch, ("starting",)),
    ("exited", Adopted): Rule(_adopted, ("running",)),
    ("exited", Found): Rule(_found, ("running",)),
    ("exited", Stop): Rule(_still_stopped, ("exited",)),
    ("starting", Start): Rule(_refuse_running, ("starting",)),
    ("starting", Spawned): Rule(_spawned, ("running",)),
    ("starting", Adopted): Rule(_adopted, ("running",)),
    ("starting", Ended): Rule(_failed, ("exited", "backoff", "gave_up")),
    ("starting", Stop): Rule(_stop, ("stopping",)),
    ("running", Start): Rule(_refuse_running, ("running",)),
    ("running", Confirmed): Rule(_confirmed, ("running",)),
    ("running", Hung): Rule(_hung, ("running",)),
    ("running", Revived): Rule(_revived, ("running",)),
    ("running", Ended): Rule(_failed, ("exited", "backoff", "gave_up")),
    ("running", Stop): Rule(_stop, ("stopping",)),
    ("stopping", Start): Rule(_refuse_stopping, ("stopping",)),
    ("stopping", Spawned): Rule(_spawned_while_stopping, ("stopping",)),
    ("stopping", Stop): Rule(_stop_harder, ("stopping",)),
    ("stopping", Due): Rule(_climb, ("stopping",)),
    ("stopping", Ended): Rule(_stopped, ("exited",)),
    ("backoff", Start): Rule(_launch, ("starting",)),
    ("backoff", Due): Rule(_restart, ("starting",)),
    ("backoff", ControlBack): Rule(_restart, ("starting",)),
    ("backoff", Found): Rule(_found, ("running",)),
    ("backoff", Stop): Rule(_give_up_waiting, ("exited",)),
    ("gave_up", Start): Rule(_launch, ("starting",)),
    ("gave_up", Found): Rule(_found, ("running",)),
    ("gave_up", Stop): Rule(_give_up_waiting, ("exited",)),
}

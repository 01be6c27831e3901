"""The status word of an application: a pure function of what its agent and the server itself say."""

import signal
from dataclasses import dataclass, replace

from protocol.messages import ProcessChanged
from protocol.server_messages import Report
from provisioning.states import ALIVE, ApplicationStatus, Mode

LOST_GRACE_S = 1.0
"""A server that lost its connection keeps its status for so long: it reconnects, or its agent attests its end."""
RUNNING = frozenset({"starting", "running", "stopping"})
ENDED = frozenset({"exited", "backoff", "gave_up"})
LAST_KNOWN = " Last known: "
REPLACED = "Served until its connection to control was lost; the other member of its pair is primary now."
MODES = {"primary": Mode.PRIMARY, "backup": Mode.BACKUP}
Status = ApplicationStatus


@dataclass(frozen=True)
class Verdict:
    """The answer. ``recheck_in_s``: when it changes by itself (a timeout runs), None when only news can change it.
    ``last_known``: status and reason of before nobody could say any more, "" while somebody can."""

    status: ApplicationStatus = Status.UNKNOWN
    mode: str = ""
    reason: str = ""
    pid: int = 0
    by_hand: bool = False
    recheck_in_s: float | None = None
    last_known: str = ""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Everything that the status depends on.

    ``server_pid``: of the registered server, or of the last one that was; ``report``: its last report, None before
    the first; ``lost_s``: seconds since its connection was lost, None when connected or never registered;
    ``unseen``: since then its agent, on the same machine, sent a list without it;
    ``process``: the agent's last word, None when it named none; ``agent_listed``: the agent sent its whole list
    since it connected; ``running_s``: seconds since the agent first named this process; ``settled``: control's
    own startup grace is over; ``role_reason``: why a ready server still has no role; ``managed``: False once the
    agent was removed from its host; ``replaced``: the record names the other member of its pair as active.
    """

    installed: bool = True
    enabled: bool = True
    host: str = ""
    managed: bool = True
    agent_connected: bool = False
    agent_listed: bool = False
    process: ProcessChanged | None = None
    connected: bool = False
    server_pid: int = 0
    report: Report | None = None
    lost_s: float | None = None
    unseen: bool = False
    running_s: float = 0.0
    startup_timeout_s: float = 90.0
    role_reason: str = ""
    settled: bool = True
    replaced: bool = False
    previous: Verdict = Verdict()


def verdict(seen: Seen) -> Verdict:
    """The status, mode and reason sentence for ``seen``."""
    if seen.connected:
        return _connected(seen)
    if seen.replaced and seen.previous.mode == Mode.PRIMARY:
        # Whatever is kept of it for a while: of a pair one is primary.
        seen = replace(seen, previous=replace(seen.previous, mode="", reason=REPLACED))
    if seen.agent_connected and seen.process is not None and not _is_stale(seen, seen.process):
        return _attested(seen, seen.process)
    if seen.lost_s is not None:
        return _lost(seen, seen.lost_s)
    if not seen.settled:
        return seen.previous
    return _nothing_heard(seen)


def describe_end(process: ProcessChanged) -> str:
    """How a process ended, as the end of a sentence."""
    if process.signal:
        return f"killed by signal {process.signal} ({signal_name(process.signal)})"
    if process.exit_code >= 0:
        return f"exit code {process.exit_code}"
    return "its exit code is not known"


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown signal"


# --- connected -----------------------------------------------------------------------------------


def _connected(seen: Seen) -> Verdict:
    report, process = seen.report, seen.process
    by_hand = _is_by_hand(seen)
    if report is None:
        return Verdict(Status.INITIALIZING, reason="The server is connected and has not reported yet.",
                       pid=seen.server_pid, by_hand=by_hand)
    status, mode, reason = _reported(report, seen.role_reason)
    if (process is not None and process.state == "stopping" and process.pid == seen.server_pid
            and report.state not in ("suspending", "suspended")):
        status, mode, reason = Status.STOP_PENDING, Mode.EXITING, process.reason or "The server was asked to stop."
    if not seen.enabled and status == Status.STARTED:
        reason = f"{reason} The object is disabled: the server is left running and cannot be started again."
    return Verdict(status, mode, reason, seen.server_pid, by_hand)


def _reported(report: Report, role_reason: str) -> tuple[ApplicationStatus, str, str]:
    mode = MODES.get(report.role, "")
    said = report.reason
    match report.state:
        case "started":
            return Status.STARTED, mode, said or _serving_sentence(report)
        case "ready":
            return Status.INITIALIZING, "", role_reason or "Ready, waits for its role."
        case "service_unavailable":
            return Status.SERVICE_UNAVAILABLE, mode, said or "The server says that it cannot serve, and not why."
        case "suspending":
            return Status.SUSPENDING, Mode.EXITING, said or "Stops gracefully: finishes what is under way."
        case "suspended":
            return Status.SUSPENDED, Mode.EXITING, said or "Everything under way is finished; the server may end."
        case "stopping":
            return Status.STOP_PENDING, Mode.EXITING, said or "The server ends."
        case _:
            return Status.INITIALIZING, "", said or "The server opens its store and its ports."


def _serving_sentence(report: Report) -> str:
    if report.role == "backup":
        return f"Stands by in epoch {report.epoch}."
    return f"Serves in epoch {report.epoch}."


def _is_by_hand(seen: Seen) -> bool:
    if seen.process is not None and seen.process.pid == seen.server_pid and seen.server_pid:
        return seen.process.by_hand
    if seen.agent_connected and seen.agent_listed:
        return True
    return seen.previous.by_hand if seen.previous.pid == seen.server_pid else False


# --- not connected, the agent speaks -----------------------------------------------------------------


def _is_stale(seen: Seen, process: ProcessChanged) -> bool:
    """The agent's word is about an earlier process than the server that just lost its connection."""
    return seen.lost_s is not None and process.state in ENDED and process.pid not in (0, seen.server_pid)


def _attested(seen: Seen, process: ProcessChanged) -> Verdict:
    if process.state == "stopping":
        return Verdict(Status.STOP_PENDING, Mode.EXITING, process.reason or "The server was asked to stop.",
                       process.pid, process.by_hand)
    if process.state in RUNNING:
        return _runs_unconnected(seen, process)
    if process.state == "backoff":
        return Verdict(Status.START_PENDING, "", f"Ended unexpectedly: {describe_end(process)}; {_restart(process)}.")
    if process.state == "gave_up":
        return Verdict(Status.GAVE_UP, "", process.reason or
                       f"Auto-Restart gave up after {process.restarts} restarts; at last: {describe_end(process)}.")
    return Verdict(Status.STOPPED, "", _stopped_sentence(seen, process))


def _restart(process: ProcessChanged) -> str:
    return f"restarts in {process.restart_in_s:.3g} s" if process.restart_in_s > 0 else "restarts at once"


def _stopped_sentence(seen: Seen, process: ProcessChanged) -> str:
    if process.planned:
        return process.reason or "Stopped as asked."
    said_so = seen.report is not None and seen.report.state in ("stopping", "suspended")
    if said_so and process.signal == 0 and process.exit_code <= 0:
        return "Ended in good order, and not from the console."
    if process.signal == 0 and process.exit_code < 0 and process.reason:
        return process.reason
    return f"Ended unexpectedly: {describe_end(process)}."


def _runs_unconnected(seen: Seen, process: ProcessChanged) -> Verdict:
    if seen.lost_s is not None and process.pid == seen.server_pid:
        return _lost(seen, seen.lost_s)
    if not seen.settled and seen.previous.pid == process.pid and seen.previous.status in ALIVE:
        return seen.previous
    left = seen.startup_timeout_s - seen.running_s
    if process.state == "starting":
        return Verdict(Status.INITIALIZING, "", "Its agent starts the process.", process.pid, process.by_hand)
    if left > 0:
        return Verdict(Status.INITIALIZING, "", f"The process runs (pid {process.pid}) and has not connected yet.",
                       process.pid, process.by_hand, left)
    return Verdict(Status.UNKNOWN, "",
                   f"The process runs (pid {process.pid}) but did not connect within its Startup Timeout of "
                   f"{seen.startup_timeout_s:g} s: look into its log.", process.pid, process.by_hand)


# --- not connected, nobody attests ---------------------------------------------------------------------


def _lost(seen: Seen, lost_s: float) -> Verdict:
    left = LOST_GRACE_S - lost_s
    if left > 0:
        before = seen.previous
        return Verdict(before.status, before.mode, before.reason, before.pid, before.by_hand, left)
    pid = seen.server_pid
    if seen.agent_connected and seen.process is not None and seen.process.pid == pid:
        return Verdict(Status.UNKNOWN, "", f"The process runs (pid {pid}) but its connection to control is lost.",
                       pid, seen.process.by_hand)
    if seen.report is not None and seen.report.state == "stopping":
        return Verdict(Status.STOPPED, "", "The server said that it ends, and closed its connection.")
    if seen.unseen:
        return Verdict(Status.STOPPED, "", f"The server's connection closed and the agent of {seen.host} finds no "
                       "process of it.")
    if seen.agent_connected:
        return Verdict(Status.UNKNOWN, "", f"The connection to the server (pid {pid}) is lost and the agent of "
                       f"{seen.host} has not said what became of it.")
    return _unattested(seen, f"The connection to the server (pid {pid}) is lost. {_no_agent(seen)}")


def _nothing_heard(seen: Seen) -> Verdict:
    if seen.agent_connected and seen.agent_listed:
        return Verdict(Status.STOPPED, "", "No process of it runs." if seen.installed else "It is not installed.")
    if not seen.installed:
        return Verdict(Status.STOPPED, "", "It is not installed.")
    if seen.agent_connected:
        return seen.previous
    return _unattested(seen, _no_agent(seen))


def _unattested(seen: Seen, sentence: str) -> Verdict:
    """Nobody says what is true now, so what was last known is said. Where the agent was removed after it had attested
    the end, that stays: a server that somebody starts there connects to control by itself."""
    before = seen.previous
    known = before.last_known
    if not known and before.reason:
        known = f"{before.status}. {before.reason}"
    ended = Status(known.partition(".")[0]) if known else Status.UNKNOWN
    status = ended if not seen.managed and ended in (Status.STOPPED, Status.GAVE_UP) else Status.UNKNOWN
    return Verdict(status, "", f"{sentence}{LAST_KNOWN}{known}" if known else sentence, last_known=known)


def remembered(status: str, mode: str, reason: str, pid: int, by_hand: bool) -> Verdict:
    """The verdict that a row of the database tells of."""
    return Verdict(Status(status), mode, reason, pid, by_hand, last_known=reason.partition(LAST_KNOWN)[2])


def _no_agent(seen: Seen) -> str:
    if not seen.host:
        return "It has no Host, so no agent can say whether it runs."
    if not seen.managed:
        return f"Not managed: the agent of {seen.host} was removed, so nothing says whether it runs."
    return f"The agent of {seen.host} is not connected, so nothing says whether it runs."

"""The stop job: through the agent; done when the process has ended."""

from typing import Any

from .context import Context
from .journal import Entry
from .lca_client import LcaClient
from .run import Run

ASK, WAIT = range(2)
MARGIN_S = 15.0
DEFAULT_SHUTDOWN_S, DEFAULT_SUSPEND_S = 90.0, 10.0


def work(run: Run) -> dict[str, Any]:
    """{exit_code}: -1 when a signal ended it, or when it did not run. Raises JobFailed."""
    client = LcaClient(run.context.config)
    graceful = bool(run.arguments.get("graceful"))
    shutdown_s = float(run.arguments.get("shutdown_timeout") or DEFAULT_SHUTDOWN_S)
    suspend_s = float(run.arguments.get("suspending_wait_timeout") or DEFAULT_SUSPEND_S) if graceful else 0.0
    with run.step(ASK):
        run.note(asked=True)
        answer = client.call("stop", {"application": run.application, "graceful": graceful,
                                      "shutdown_timeout": shutdown_s, "suspending_wait_timeout": suspend_s})
        if not answer["was_running"]:
            run.log(f"{run.application} was not running.")
        elif graceful:
            run.log(f"Process {answer['pid']} was asked to suspend and end, within {suspend_s:g} s.")
        else:
            run.log(f"Process {answer['pid']} was asked to end, within {shutdown_s:g} s (Shutdown Timeout).")
    with run.step(WAIT):
        ended = client.call("wait_stopped", {"application": run.application,
                                             "timeout_s": shutdown_s + suspend_s + MARGIN_S})
        if answer["was_running"]:
            run.log(ended["reason"])
    return {"exit_code": ended["exit_code"] if answer["was_running"] else -1}


def undo(context: Context, entry: Entry, *, lost: bool) -> str:
    """A stop that was asked for goes on."""
    if not entry.body["notes"].get("asked"):
        return ""
    return "The stop that was asked for goes on: the status tells when it is done."

"""The start job: through the agent; done only when control says Started."""

from typing import Any

from .context import Context
from .errors import JobFailed
from .journal import Entry
from .lca_client import LcaClient
from .run import Run

START, WAIT = range(2)
DEFAULT_STARTUP_S = 90.0
DISPUTED_S = 10.0
"""It is waited for so long while nothing is decided about the server's pair: the other server may be about to come, and
with it the dispute to end (docs/adr/0016)."""


def work(run: Run, first: int = START) -> dict[str, Any]:
    """{pid, mode}; its steps are ``first`` and the next. Raises JobFailed with the agent's sentence, or control's while
    nothing is decided about the server's pair."""
    client = LcaClient(run.context.config)
    fields = {**run.arguments, "name": run.application}
    with run.step(first + START):
        # Shielded: afterwards it is known whether this job started the server and so may stop it again.
        with run.shield():
            pid = client.call("start", fields)["pid"]
            run.note(pid=pid)
        run.log(f"The process was started (pid {pid}): {fields.get('command_line', '')} "
                f"{fields.get('command_line_arguments', '')} in {fields.get('working_directory', '')}")
    with run.step(first + WAIT):
        timeout_s = float(fields.get("startup_timeout") or DEFAULT_STARTUP_S)
        run.log(f"Waiting until it is ready, at most {timeout_s:g} s (Startup Timeout).")
        result = client.call("wait_started", {"application": run.application, "pid": pid, "timeout_s": timeout_s,
                                              "disputed_s": DISPUTED_S})
        if result.get("disputed"):
            # Not to be stopped again: only a server that is there can say what it has, and go on.
            run.note(pid=0)
            raise JobFailed(f"{run.application} runs (pid {pid}) and waits: {result['disputed']}",
                            "Open Restored Database (manage.py restored): it shows what each server has and lets one "
                            "go on. The server was left running for that.")
        run.log(f"{run.application} is Started{' as ' + result['mode'] if result.get('mode') else ''} (pid {pid}).")
    return {"pid": pid, "mode": result.get("mode", "")}


def undo(context: Context, entry: Entry, *, lost: bool) -> str:
    """A start that was given up is stopped again; after a lost worker the server is left as it is."""
    if lost:
        return "The server may be running: its status tells."
    if entry.body["notes"].get("pid"):
        LcaClient(context.config).call("cancel_start", {"application": entry.body["application"]})
    return ""

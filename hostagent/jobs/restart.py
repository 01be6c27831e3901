"""The restart job: a stop, then a start, as one piece of work that nothing comes between."""

from typing import Any

from . import start, stop
from .context import Context
from .journal import Entry
from .run import Run

START = 2


def work(run: Run) -> dict[str, Any]:
    """{exit_code, pid, mode}. Raises JobFailed."""
    return stop.work(run) | start.work(run, first=START)


def undo(context: Context, entry: Entry, *, lost: bool) -> str:
    """What stop and start leave; a server that was stopped and not yet started is not started behind somebody's
    back."""
    if "pid" in entry.body["notes"]:
        return start.undo(context, entry, lost=lost)
    return stop.undo(context, entry, lost=lost)

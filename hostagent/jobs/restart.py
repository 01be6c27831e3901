"""The restart job: a stop, then a start, as one piece of work that nothing comes between."""

from . import start, stop

START = 2


def work(run) -> dict:
    """{exit_code, pid, mode}. Raises JobFailed."""
    return stop.work(run) | start.work(run, first=START)


def undo(context, entry, *, lost: bool) -> str:
    """What stop and start leave; a server that was stopped and not yet started is not started behind somebody's
    back."""
    if "pid" in entry.body["notes"]:
        return start.undo(context, entry, lost=lost)
    return stop.undo(context, entry, lost=lost)

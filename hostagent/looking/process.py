"""The process that runs as an application: whom the agent watches, else who holds the lock of its messages."""

import os
from typing import Any

from ..opened import Directory
from ..surroundings import account_of

WORDS_MAX, WORD_MAX, LINE_BYTES = 100, 1000, 64 * 1024


def process_facts(pid: int) -> dict[str, Any] | None:
    """``process`` of *collect_facts* in ``protocol.jobs``, None when there is no such process."""
    words = arguments_of(pid)
    return {"pid": pid, "account": account_of(pid), "arguments": words} if words else None


def arguments_of(pid: int) -> list[str]:
    """Its command line as a list, [] when there is no such process."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            data = file.read(LINE_BYTES)
    except OSError:
        return []
    words = data.rstrip(b"\0").split(b"\0") if data else []
    return [word.decode("utf-8", "replace")[:WORD_MAX] for word in words[:WORDS_MAX]]


def pid_of(application: str, place: Directory | None, watched: int) -> int:
    """``watched``: the pid that the agent says, 0 for none. 0 when nothing runs as this application."""
    if watched and arguments_of(watched):
        return watched
    if place is None:
        return 0
    try:
        pid = int(place.read("data/lock", limit=32).decode().strip() or 0)
        there = os.path.samestat(os.stat(f"/proc/{pid}/cwd"), place.facts()) if pid else False
    except (OSError, ValueError):
        return 0
    # A lock that was left names a pid that may be anybody's now.
    words = arguments_of(pid) if there else []
    return pid if application in words else 0

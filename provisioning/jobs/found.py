"""What a job found on a host about one application: the host's word, checked and typed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from protocol.said import LARGEST, TEXT_MAX, number
from provisioning.jobs.facts import StartFiles
from provisioning.models.applications import PORT_MAX

BODY_BYTES, WORDS_MAX = 256 * 1024, 100


@dataclass(frozen=True, kw_only=True)
class FoundFile:
    """A file or directory. ``path``: where it really is, links followed; ``owner``: its account; ``usable``: the
    log-on account may use it as it must (write into a directory, execute a program)."""

    present: bool
    path: str = ""
    owner: str = ""
    usable: bool = True
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class FoundProcess:
    """The process that runs as this application: its account and command line."""

    pid: int
    account: str = ""
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Found:
    """``listeners``: {port number: what listens there, "" for this application's own process}; ``names``: {name of a
    host of the pair: its addresses there}; ``reverse``: {address: its name there}; ``runs``: the program said its
    version when it was run as the log-on account, ``version`` it; ``changed``: installed files whose content is not
    the package's. None or empty where the host did not say."""

    at: datetime
    host_id: int
    directory: FoundFile | None = None
    program: FoundFile | None = None
    start_files: StartFiles | None = None
    process: FoundProcess | None = None
    listeners: Mapping[int, str] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] | None = None
    reverse: Mapping[str, str] | None = None
    runs: bool | None = None
    runs_problem: str = ""
    version: str = ""
    changed: tuple[str, ...] | None = None
    disk_free_bytes: int | None = None
    clock_synchronized: bool | None = None


def bounded(body: dict, most: int = BODY_BYTES) -> dict:
    """``body``, without what is largest in it when it is too large to keep: as JSON it has ``most`` bytes at most."""
    for leave_out in ((), ("start_files",), ("start_files", "names", "reverse", "changed", "listeners", "process")):
        kept = {name: value for name, value in body.items() if name not in leave_out}
        if len(json.dumps(kept)) <= most:
            return kept
    return {}


def found_from(body: Any, *, at: datetime, host_id: int, start_files: StartFiles | None = None) -> Found:
    """What FoundOnHost.body says; whatever is not of the kind that it should be is left out. Never raises."""
    body = body if isinstance(body, dict) else {}
    changed = body.get("changed")
    return Found(
        at=at, host_id=host_id, start_files=start_files, directory=_file(body.get("directory")),
        program=_file(body.get("program")), process=_process(body.get("process")),
        listeners=_listeners(body.get("listeners")), names=_names(body.get("names")),
        reverse=_texts(body.get("reverse")), runs=_truth(body.get("runs")), runs_problem=_text(body, "runs_problem"),
        version=_text(body, "version")[:32], changed=_words(changed) if isinstance(changed, list) else None,
        disk_free_bytes=number(body.get("disk_free_bytes"), 0, LARGEST),
        clock_synchronized=_truth(body.get("clock_synchronized")))


def _file(body: Any) -> FoundFile | None:
    if not isinstance(body, dict) or not isinstance(body.get("present"), bool):
        return None
    return FoundFile(present=body["present"], path=_text(body, "path"), owner=_text(body, "owner"),
                     usable=_truth(body.get("usable")) is not False, problem=_text(body, "problem"))


def _process(body: Any) -> FoundProcess | None:
    if not isinstance(body, dict) or not _is_number(body.get("pid")) or body["pid"] <= 0:
        return None
    return FoundProcess(pid=body["pid"], account=_text(body, "account"), arguments=_words(body.get("arguments")))


def _listeners(body: Any) -> dict[int, str]:
    found = _texts(body) or {}
    return {int(port): who for port, who in found.items()
            if port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= PORT_MAX}


def _names(body: Any) -> dict[str, tuple[str, ...]] | None:
    if not isinstance(body, dict):
        return None
    return {name: _words(addresses) for name, addresses in body.items()
            if isinstance(name, str) and isinstance(addresses, list)}


def _texts(body: Any) -> dict[str, str] | None:
    if not isinstance(body, dict):
        return None
    return {name: text[:TEXT_MAX] for name, text in body.items() if isinstance(name, str) and isinstance(text, str)}


def _words(body: Any) -> tuple[str, ...]:
    words = body[:WORDS_MAX] if isinstance(body, list) else ()
    return tuple(each[:TEXT_MAX] for each in words if isinstance(each, str))


def _text(body: dict, name: str) -> str:
    return body[name][:TEXT_MAX] if isinstance(body.get(name), str) else ""


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

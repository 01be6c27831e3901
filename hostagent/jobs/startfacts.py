"""The start files of an application as they are on this host now, beside what they should be."""

import difflib
import hashlib
import os
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..opened import Directory
from .accounts import name_of
from .errors import JobFailed
from .startfiles import StartFile
from .startparameters import NAMES, RIGHT, Parameter, sentence, start_parameters

LIMIT = 16 * 1024
"""Bytes that are read of a file; no start file is longer."""


@dataclass(frozen=True)
class Target:
    """Whose start files, and what they should say: ``host`` and ``port`` of the Configuration Server."""

    application: str
    directory: Path
    host: str
    port: int
    owner: str

    @property
    def parameters(self) -> dict[str, str]:
        return dict(zip(NAMES, (self.host, str(self.port), self.application), strict=True))


@dataclass(frozen=True)
class Found:
    """One file as it is. ``problem`` is a sentence about what is no plain readable file of at most LIMIT bytes;
    ``sha256`` is of what was read ("" when there is nothing)."""

    data: bytes = b""
    sha256: str = ""
    mode: int = 0
    owner: str = ""
    size: int = 0
    modified_at: float = 0.0
    problem: str = ""

    @property
    def present(self) -> bool:
        return bool(self.sha256)


def read_facts(target: Target, place: Directory, files: tuple[StartFile, ...]) -> dict[str, Any]:
    """``start_files`` in ``protocol.jobs``; ``place`` is the opened directory of ``target``."""
    described = [_describe(target, file, _read(place, file.name)) for file in files]
    return {
        "application": target.application, "directory": str(target.directory), "checked_at": round(time.time(), 3),
        "configuration_server": {"host": target.host, "port": target.port}, "files": described,
        "equal": all(file["equal"] for file in described),
        # What starts the server on this system; the others are for another one.
        "starts": described[0]["starts"],
    }


def fingerprints(place: Directory, files: Iterable[StartFile]) -> dict[str, str]:
    """{name: ``sha256`` as ``read_facts`` says it}."""
    return {file.name: _read(place, file.name).sha256 for file in files}


def opened(directory: Path) -> Directory:
    """The Working Directory. Raises JobFailed when it cannot be read."""
    try:
        return Directory.at(directory)
    except FileNotFoundError:
        raise JobFailed(f"The Working Directory {directory} does not exist on this host.",
                        "Install the application, or correct Working Directory.") from None
    except OSError as error:
        raise JobFailed(f"The Working Directory {directory} cannot be read: {error.strerror}.",
                        "Correct its rights on the host, or correct Working Directory.") from None


def _read(place: Directory, name: str) -> Found:
    try:
        descriptor = place.plain(name)
    except OSError as error:
        return _unreadable(place, name, error)
    try:
        facts, data = os.fstat(descriptor), os.read(descriptor, LIMIT + 1)
    except OSError as error:
        return _unreadable(place, name, error)
    finally:
        os.close(descriptor)
    problem = f"{name} is longer than {LIMIT // 1024} KB; only its beginning was read." if len(data) > LIMIT else ""
    return _of(facts, data, data=data[:LIMIT], problem=problem)


def _unreadable(place: Directory, name: str, error: OSError) -> Found:
    facts = place.facts_of(name)
    if facts is None:
        return Found(problem=f"{name} is not there.")
    if stat.S_ISLNK(facts.st_mode):
        to = place.link_of(name)
        return _of(facts, f"link to {to}".encode(errors="surrogateescape"),
                   problem=f"{name} is a symbolic link (to {to.encode(errors='replace').decode()}), which is not "
                           "followed.")
    if not stat.S_ISREG(facts.st_mode):
        return _of(facts, b"no plain file", problem=f"{name} is no plain file.")
    return _of(facts, b"unreadable", problem=f"{name} cannot be read: {error.strerror}.")


def _of(facts: os.stat_result, seen: bytes, *, data: bytes = b"", problem: str) -> Found:
    """``seen`` stands for what is there, so that another thing in its place has another SHA-256."""
    return Found(data=data, sha256=hashlib.sha256(seen).hexdigest(), mode=stat.S_IMODE(facts.st_mode),
                 owner=name_of(facts.st_uid), size=facts.st_size, modified_at=facts.st_mtime, problem=problem)


def describe(target: Target, file: StartFile) -> dict[str, Any]:
    """What ``read_facts`` says of a file that is as it should be."""
    data = file.text(target.host, target.port, target.application).encode()
    return _describe(target, file, Found(data=data, sha256=hashlib.sha256(data).hexdigest(), mode=file.mode,
                                         owner=target.owner, size=len(data), modified_at=time.time()))


def _describe(target: Target, file: StartFile, found: Found) -> dict[str, Any]:
    expected = file.text(target.host, target.port, target.application)
    parameters = start_parameters(_text(found.data), target.parameters, batch=file.batch)
    differs = _differences(target, file, found, expected)
    starts = bool(parameters) and not found.problem and all(each.state == RIGHT for each in parameters or ())
    return {
        "name": file.name, "present": found.present, "problem": found.problem, "content": _text(found.data),
        "sha256": found.sha256, "size": found.size, "mode": f"{found.mode:04o}" if found.present else "",
        "owner": found.owner, "modified_at": found.modified_at, "expected": expected,
        "expected_mode": f"{file.mode:04o}", "expected_owner": target.owner, "differs": differs, "equal": not differs,
        "starts": starts, "parameters": [each.to_dict() for each in parameters or ()],
        "sentence": _sentence(file, found, parameters, differs), "diff": _diff(file.name, _text(found.data), expected),
    }


def _differences(target: Target, file: StartFile, found: Found, expected: str) -> list[str]:
    """Of content, mode and owner those that are not as they should be."""
    if not found.present:
        return ["content"]
    differs = {"content": bool(found.problem) or found.data != expected.encode(), "mode": found.mode != file.mode,
               "owner": found.owner != target.owner}
    return [name for name, so in differs.items() if so]


def _sentence(file: StartFile, found: Found, parameters: list[Parameter] | None, differs: list[str]) -> str:
    if found.problem:
        return found.problem
    if parameters is None:
        return f"{file.name} does not start MessageServer."
    wrong = " ".join(filter(None, map(sentence, parameters)))
    if wrong:
        return f"In {file.name}: {wrong}"
    if not differs:
        return f"{file.name} is as it should be."
    return f"{file.name} passes the right -host, -port and -app; its {' and '.join(differs)} differ" + (
        "s" if len(differs) == 1 else "") + " from what Install writes."


def _diff(name: str, found: str, expected: str) -> str:
    """Unified diff from what is there to what should be; carriage returns are shown."""
    old, new = (text.replace("\r", "␍").split("\n") if text else [] for text in (found, expected))
    return "\n".join(difflib.unified_diff(old, new, f"{name} on the host", f"{name} as it should be", lineterm=""))


def _text(data: bytes) -> str:
    # A database does not take NUL in a text.
    return data.decode("utf-8", "replace").replace("\0", "�")

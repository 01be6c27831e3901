"""The files of an application: Working Directory, program, and what the package shipped."""

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from typing import Any

from ..opened import Directory
from ..surroundings import name_of
from ..ways import looked_at, real
from .rights import EXECUTE, READ, WRITE, Account, cannot_enter, may

MANIFEST = "checksums.sha256"
"""Comes with the package; Install has compared every file with it."""
WRITTEN_BY_INSTALL = frozenset({"run.sh", "startServer.bat", "installService.bat"})
MANIFEST_BYTES, FILES_MAX, FILE_BYTES = 1024 * 1024, 5000, 256 * 1024 * 1024
_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.{1,1000})")
_WRITES_TO = ("data", "logs")
ABSENT = {"present": False, "path": "", "owner": "", "usable": False, "problem": ""}


@contextlib.contextmanager
def opened(directory: str, account: Account) -> Iterator[tuple[Directory | None, dict[str, Any]]]:
    """The Working Directory, None when it cannot be entered, and ``directory`` of *collect_facts* in
    ``protocol.jobs``."""
    try:
        place = Directory.at(real(directory))
    except FileNotFoundError:
        yield None, dict(ABSENT)
    except NotADirectoryError:
        path = real(directory)
        yield None, {**ABSENT, "present": True, "path": path, "problem": f"{path} is no directory."}
    except OSError as error:
        yield None, {**ABSENT, "problem": f"{directory} cannot be read: {error.strerror}."}
    else:
        with place:
            problem = _why_not_usable(place, account)
            yield place, {"present": True, "path": place.path, "owner": name_of(place.facts().st_uid),
                          "usable": not problem, "problem": problem}


def _why_not_usable(place: Directory, account: Account) -> str:
    if closed := cannot_enter(account, os.path.dirname(place.path)):
        return f"{account.name} may not enter {closed}."
    if problem := _not_writable(place, account):
        return problem
    for name in _WRITES_TO:
        # One that is a link elsewhere is the account's own affair.
        with contextlib.suppress(OSError), place.below(name) as inside:
            if problem := _not_writable(inside, account):
                return problem
    return ""


def _not_writable(directory: Directory, account: Account) -> str:
    if may(account, directory.descriptor, READ | WRITE | EXECUTE):
        return ""
    return f"{account.name} may not write in {directory.path}, which belongs to {name_of(directory.facts().st_uid)}."


def program_facts(place: Directory, directory: str, command_line: str, account: Account) -> tuple[dict[str, Any], str]:
    """``program`` of *collect_facts* in ``protocol.jobs`` for the first word of Command Line, and its name in the
    directory, "" when it is not a file there. What a link in the directory leads to is not looked at."""
    command = command_line.split()[0] if command_line.split() else ""
    name = os.path.relpath(os.path.join(directory, command), directory)
    if command and name != "." and not name.startswith(".."):
        try:
            with place.handle(name) as descriptor:
                if stat.S_ISLNK(os.fstat(descriptor).st_mode):
                    raise OSError
                if stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return _program(os.path.join(place.path, name), descriptor, account), name
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError:
            return {**ABSENT, "present": True, "path": os.path.join(place.path, name), "usable": True}, ""
    elsewhere = command if os.path.isabs(command) else "" if "/" in command or not command else shutil.which(command)
    with contextlib.suppress(OSError), looked_at(elsewhere or "") as (path, descriptor):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return _program(path, descriptor, account), ""
    return {**ABSENT, "problem": f"{command_line} is not in the Working Directory."}, ""


def _program(path: str, descriptor: int, account: Account) -> dict[str, Any]:
    facts = os.fstat(descriptor)
    usable = may(account, descriptor, READ | EXECUTE)
    return {"present": True, "path": path, "owner": name_of(facts.st_uid), "usable": usable,
            "problem": "" if usable else f"{account.name} may not execute {path} (mode {facts.st_mode & 0o7777:04o}, "
                                         f"owner {name_of(facts.st_uid)})."}


def shipped(place: Directory) -> dict[str, str] | None:
    """{name: SHA-256} of the files that the package shipped and Install left as they are; None when it is not known."""
    try:
        text = place.read(MANIFEST, limit=MANIFEST_BYTES).decode(errors="replace")
    except OSError:
        return None
    found = {}
    for line in text.splitlines()[:FILES_MAX]:
        if match := _LINE.fullmatch(line.strip()):
            name = os.path.normpath(match[2])
            if not name.startswith(("/", "..")) and name not in WRITTEN_BY_INSTALL:
                found[name] = match[1].lower()
    return found or None


def identity(facts: os.stat_result | None) -> list[int]:
    """Another one for another content: device, inode, size, times; [] when it is not there."""
    if facts is None:
        return []
    return [facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns]


def changed_files(place: Directory, sums: Mapping[str, str], known: dict[str, Any], until: float) -> list[str]:
    """Names of shipped files that are missing or have another content. ``known`` is {name: [identity, SHA-256]} of an
    earlier look and is brought up to date: only what was touched since is read. Raises TimeoutError past ``until``,
    what was read before is known."""
    changed = []
    for name in known.keys() - sums.keys():
        del known[name]
    for name, expected in sorted(sums.items()):
        seen = identity(place.facts_of(name))
        kept = known.get(name)
        if not (isinstance(kept, list) and len(kept) == 2 and kept[0] == seen and seen):
            known[name] = kept = [seen, _digest(place, name, until)]
        if kept[1] != expected:
            changed.append(name)
    return changed


def _digest(place: Directory, name: str, until: float) -> str:
    """"" when it is no readable file, or too long to be one of a package."""
    try:
        return place.sha256(name, limit=FILE_BYTES, until=until)
    except TimeoutError:
        raise
    except OSError:
        return ""

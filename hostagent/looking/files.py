"""The files of an application: Working Directory, program, and what the package shipped."""

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from ..surroundings import name_of
from .rights import EXECUTE, READ, WRITE, Account, cannot_enter, may

MANIFEST = "checksums.sha256"
"""Comes with the package; Install has compared every file with it."""
WRITTEN_BY_INSTALL = frozenset({"run.sh", "startServer.bat", "installService.bat"})
MANIFEST_BYTES, FILES_MAX, FILE_BYTES = 1024 * 1024, 5000, 256 * 1024 * 1024
_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.{1,1000})")
_WRITES_TO = ("data", "logs")


def directory_facts(directory: str, account: Account) -> dict:
    """``directory`` of *collect_facts* in ``protocol.jobs``."""
    try:
        real = os.path.realpath(directory, strict=True)
        facts = os.stat(real)
    except OSError as error:
        problem = "" if isinstance(error, FileNotFoundError) else f"{directory} cannot be read: {error.strerror}."
        return {"present": False, "path": "", "owner": "", "usable": False, "problem": problem}
    found = {"present": True, "path": real, "owner": name_of(facts.st_uid)}
    problem = f"{real} is no directory." if not stat.S_ISDIR(facts.st_mode) else _why_not_usable(real, facts, account)
    return {**found, "usable": not problem, "problem": problem}


def _why_not_usable(real: str, facts: os.stat_result, account: Account) -> str:
    if closed := cannot_enter(account, real):
        return f"{account.name} may not enter {closed}."
    if not may(account, real, facts, READ | WRITE | EXECUTE):
        return f"{account.name} may not write in {real}, which belongs to {name_of(facts.st_uid)}."
    for name in _WRITES_TO:
        inside = os.path.join(real, name)
        try:
            each = os.stat(inside)
        except OSError:
            continue
        if not may(account, inside, each, READ | WRITE | EXECUTE):
            return f"{account.name} may not write in {inside}, which belongs to {name_of(each.st_uid)}."
    return ""


def program_of(directory: str, command_line: str) -> str:
    """The path that the first word of Command Line stands for, "" when there is no such file."""
    command = command_line.split()[0] if command_line.split() else ""
    inside = os.path.normpath(os.path.join(directory, command))
    if os.path.isfile(inside):
        return inside
    return "" if "/" in command or not command else shutil.which(command) or ""


def program_facts(path: str, command_line: str, account: Account) -> dict:
    """``program`` of *collect_facts* in ``protocol.jobs``; ``path`` as ``program_of`` says it."""
    if not path:
        return {"present": False, "path": "", "owner": "", "usable": False,
                "problem": f"{command_line} is not in the Working Directory."}
    facts = os.stat(path)
    usable = may(account, path, facts, READ | EXECUTE)
    return {"present": True, "path": os.path.realpath(path), "owner": name_of(facts.st_uid), "usable": usable,
            "problem": "" if usable else f"{account.name} may not execute {path} (mode {facts.st_mode & 0o7777:04o}, "
                                         f"owner {name_of(facts.st_uid)})."}


def shipped(directory: str) -> dict[str, str] | None:
    """{name: SHA-256} of the files that the package shipped and Install left as they are; None when it is not known."""
    try:
        with open(os.path.join(directory, MANIFEST), "rb") as file:
            text = file.read(MANIFEST_BYTES).decode(errors="replace")
    except OSError:
        return None
    found = {}
    for line in text.splitlines()[:FILES_MAX]:
        if match := _LINE.fullmatch(line.strip()):
            name = os.path.normpath(match[2])
            if not name.startswith(("/", "..")) and name not in WRITTEN_BY_INSTALL:
                found[name] = match[1].lower()
    return found or None


def identity(path: str) -> list[int]:
    """Another one for another content: device, inode, size, times; [] when it is not there."""
    try:
        facts = os.stat(path)
    except OSError:
        return []
    return [facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns]


def changed_files(directory: str, sums: Mapping[str, str], known: dict) -> list[str]:
    """Names of shipped files that are missing or have another content. ``known`` is {name: [identity, SHA-256]} of an
    earlier look and is brought up to date: only what was touched since is read."""
    changed, now = [], {}
    for name, expected in sorted(sums.items()):
        path = os.path.join(directory, name)
        seen = identity(path)
        kept = known.get(name)
        digest = kept[1] if isinstance(kept, list) and len(kept) == 2 and kept[0] == seen and seen else _digest(path)
        now[name] = [seen, digest]
        if digest != expected:
            changed.append(name)
    known.clear()
    known.update(now)
    return changed


def _digest(path: str) -> str:
    """"" when it is no readable file, or too long to be one of a package."""
    try:
        with open(path, "rb", opener=_no_wait) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or os.fstat(file.fileno()).st_size > FILE_BYTES:
                return ""
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _no_wait(path: str, flags: int) -> int:
    # The opening of a named pipe would wait for its other end.
    return os.open(path, flags | os.O_NONBLOCK)


def free_bytes(directory: Path | str) -> int | None:
    """Free for others than root, where the directory lies."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize

"""Unpacks an Installation Package that nobody has to trust: every member is checked before the first is written."""

import contextlib
import io
import math
import posixpath
import stat
import tarfile
import xml.etree.ElementTree as ElementTree
import zlib
from dataclasses import dataclass
from pathlib import Path

from protocol.archives import Archive

from ..opened import Directory
from .errors import JobFailed

CHECKSUMS = "checksums.sha256"
DESCRIPTION = "ip_description.xml"
SUMS_BYTES, DESCRIPTION_BYTES = 32 * 1024 * 1024, 4 * 1024 * 1024
CHUNK = 1024 * 1024
KEPT = 16 * 1024 * 1024
"""Bytes of a package, unpacked, that are read once and kept in memory until all of it was checked."""
_SPACE_MARGIN = 16 * 1024 * 1024


@dataclass(frozen=True)
class Bounds:
    """Most an Installation Package may hold; ``size`` and ``member_size`` in bytes, unpacked."""

    members: int = 20_000
    member_size: int = 2 * 1024**3
    size: int = 8 * 1024**3
    path: int = 1000


def unpack(package: Path, filename: str, target: Path, bounds: Bounds = Bounds()) -> tuple[Directory, int]:
    """Write the members of ``package`` into the new directory ``target`` and compare them with their checksums;
    returns it, which the caller closes, and how many files there were. Raises JobFailed before anything was written
    when the archive is unsafe."""
    with contextlib.ExitStack() as undone:
        made = undone.enter_context(_unpacked(package, filename, target, bounds))
        count = check_sums(made, filename)
        undone.pop_all()
        return made, count


def _unpacked(package: Path, filename: str, target: Path, bounds: Bounds) -> Directory:
    try:
        with Archive.of(package) as archive, Directory.at(target.parent) as above:
            members, contents = _read_members(archive, filename, bounds)
            check_members(members, filename, bounds)
            _check_room(above, sum(member.size for member in members))
            made = above.make(target.name)
            try:
                for member in members:
                    _write(archive, member, made, contents.get(member.offset))
            except BaseException:
                made.close()
                raise
            return made
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise JobFailed(f"{filename} could not be unpacked into {target}: {error.strerror}.",
                            "Make room or correct the rights of the directory, then install again.") from None
        raise JobFailed(f"{filename} is damaged and cannot be unpacked: {error}.",
                        "Upload the package to the console again.") from None


def _read_members(archive: tarfile.TarFile, filename: str, bounds: Bounds) -> tuple[list[tarfile.TarInfo],
                                                                                    dict[int, bytes]]:
    """All members, and what is in the first of them by their offset: as much as is kept in memory, which is all of a
    usual package. The others are decompressed a second time."""
    members, contents, size = [], {}, 0
    for member in archive:
        members.append(member)
        size += member.size
        if member.isreg() and size <= KEPT and (file := archive.extractfile(member)) is not None:
            contents[member.offset] = file.read()
        if len(members) > bounds.members:
            raise _unsafe(filename, f"it has more than {bounds.members} members")
        if member.size > bounds.member_size or size > bounds.size:
            raise _unsafe(filename, f"it is larger than {bounds.size} bytes when unpacked")
    return members, contents


def check_members(members: list[tarfile.TarInfo], filename: str, bounds: Bounds) -> None:
    """Raises JobFailed with the first reason why these members must not be unpacked."""
    kinds: dict[str, str] = {}
    for member in members:
        name = posixpath.normpath(member.name)
        if member.name.startswith("/") or "\\" in member.name or "\0" in member.name or len(name) > bounds.path:
            raise _unsafe(filename, f"its member {member.name[:200]!r} has an absolute or unusable path")
        if ".." in member.name.split("/"):
            raise _unsafe(filename, f"its member {member.name[:200]!r} leads out of the directory (..)")
        if member.isdir():
            if kinds.setdefault(name, "directory") != "directory":
                raise _unsafe(filename, f"its member {name!r} is there twice")
            continue
        if name == "." or name in kinds:
            raise _unsafe(filename, f"its member {name!r} is there twice")
        if member.issym():
            _check_link(member, name, filename)
        elif not member.isreg():
            raise _unsafe(filename, f"its member {name!r} is a device, a pipe or a hard link")
        kinds[name] = "link" if member.issym() else "file"
    for name in kinds:
        parent = posixpath.dirname(name)
        while parent:
            if kinds.get(parent, "directory") != "directory":
                raise _unsafe(filename, f"its member {name!r} lies below a {kinds[parent]}")
            parent = posixpath.dirname(parent)


def _check_link(member: tarfile.TarInfo, name: str, filename: str) -> None:
    leads_to = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
    if member.linkname.startswith("/") or leads_to == ".." or leads_to.startswith("../"):
        raise _unsafe(filename, f"its link {name!r} leads out of the directory")


def _unsafe(filename: str, why: str) -> JobFailed:
    return JobFailed(f"{filename} was refused: {why}.", "Use a package as its maker published it.")


def _check_room(directory: Directory, size: int) -> None:
    disk = directory.disk()
    free = disk.f_bavail * disk.f_frsize
    if free < size + _SPACE_MARGIN:
        raise JobFailed(f"{directory.path} has too little free space: {free} bytes, {size + _SPACE_MARGIN} are needed.",
                        "Make room, or give another directory.")


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Directory, content: bytes | None) -> None:
    name = posixpath.normpath(member.name)
    directory = name if member.isdir() else posixpath.dirname(name)
    if directory not in ("", "."):
        target.make_way(directory)
    if member.isdir():
        return
    if member.issym():
        target.link(name, member.linkname)
        return
    source = io.BytesIO(content) if content is not None else archive.extractfile(member)
    assert source is not None  # it is a plain file: check_members lets nothing else come so far
    target.write_new(name, iter(lambda: source.read(CHUNK), b""), 0o750 if member.mode & 0o100 else 0o640)


def check_sums(directory: Directory, filename: str) -> int:
    """Compare every file of ``directory`` with its line in checksums.sha256; returns how many there are.

    Raises JobFailed.
    """
    sums = _read_sums(directory, filename)
    present = {name: facts.st_mode for name, facts in directory.walk()}
    for name, expected in sums.items():
        if not stat.S_ISREG(present.get(name, 0)):
            raise _unsafe(filename, f"{CHECKSUMS} names {name!r}, which it does not hold")
        found = directory.sha256(name, until=math.inf)
        if found != expected:
            raise _unsafe(filename, f"{name!r} is not what {CHECKSUMS} says: expected {expected}, found {found}")
    for name, mode in present.items():
        if stat.S_ISREG(mode) and name != CHECKSUMS and name not in sums:
            raise _unsafe(filename, f"{CHECKSUMS} does not name its file {name!r}")
    return len(sums)


def _read_sums(directory: Directory, filename: str) -> dict[str, str]:
    try:
        text = directory.read(CHECKSUMS, limit=SUMS_BYTES).decode(errors="replace")
    except OSError:
        raise _unsafe(filename, f"it has no {CHECKSUMS}") from None
    sums = {}
    for line in text.splitlines():
        digest, _, name = line.strip().partition(" ")
        if not digest:
            continue
        name = posixpath.normpath(name.strip().removeprefix("*"))
        if name.startswith(("/", "..")):
            raise _unsafe(filename, f"{CHECKSUMS} names {name[:200]!r}")
        sums[name] = digest.lower()
    return sums


def read_version(directory: Directory, filename: str) -> str:
    """Release version in ip_description.xml. Raises JobFailed."""
    try:
        text = directory.read(DESCRIPTION, limit=DESCRIPTION_BYTES).decode()
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise _unsafe(filename, f"its {DESCRIPTION} has a document type")
        release = ElementTree.fromstring(text).find("./Product/Release")
        version = release.get("Version", "") if release is not None else ""
    except (OSError, ValueError, ElementTree.ParseError):
        version = ""
    if not version:
        raise _unsafe(filename, f"its {DESCRIPTION} does not tell the version")
    return version

"""The log files of an application: which there are, and the way to each through nothing that its account can change."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protocol.log_files import SEGMENT
from protocol.log_messages import FILES_MAX, OUTPUT
from protocol.names import safe_name

from .opened import Directory
from .ways import closing, real

NAMED_MAX = 32
"""So many files of one [log] section are looked at."""
_NOT_LOGS = ("data", "tls")
"""What a server has below its Working Directory beside its logs: messages and keys."""
_KEPT = re.compile("1")
"""What follows the name of a capture and a dot in the name of the former one."""
ELSEWHERE = "It is not below the Working Directory of the server, so the agent does not read it."
NO_LOG = "It is in a directory for messages or keys, so the agent does not read it. Choose another one in [log]."
NOT_YET = "It is not there yet: the server makes it with the first line that it writes."
LINK = "It is a link or behind one, and the agent follows none that the server's account can change."
_WHY = {errno.ENOENT: NOT_YET, errno.ENOTDIR: NOT_YET, errno.ELOOP: LINK, errno.EINVAL: "It is no plain file."}


class Unreadable(Exception):
    """``why`` is a sentence, the text names the file too."""

    def __init__(self, why: str, of: str = ""):
        super().__init__(f"{of}: {why}" if of else why)
        self.why = why


@dataclass(frozen=True)
class Source:
    """``name``: what answers and requests call it. ``way``: from ``directory`` to it. Files that were closed and kept
    beside it are called ``name``, a dot, and what fits ``kept``. ``problem``: why it is not read, by its name alone."""

    name: str
    directory: str
    way: str
    kind: str
    kept: re.Pattern[str]
    problem: str = ""


def sources(application: dict[str, Any], log_dir: Path) -> list[Source]:
    """Of an application as ``messages.Supervised`` has it: the files that its [log] names, then what the agent took of
    its standard output and standard error."""
    directory = str(application.get("working_directory") or "")
    named = application.get("log_files")
    files = [each for each in named if isinstance(each, str) and each] if isinstance(named, list) else []
    found = [_named(each, directory) for each in files[:NAMED_MAX]] if os.path.isabs(directory) else []
    name = f"{safe_name(str(application['name']))}.log"
    return [*found, Source(OUTPUT, str(log_dir), name, "output", _KEPT)]


def _named(name: str, directory: str) -> Source:
    way = os.path.relpath(os.path.normpath(os.path.join(directory, name)), os.path.normpath(directory))
    first = way.split("/")[0]
    problem = ELSEWHERE if first in ("..", ".") or "\0" in name else NO_LOG if first in _NOT_LOGS else ""
    return Source(name, directory, way, "log", SEGMENT, problem)


def chosen(found: list[Source], name: str) -> tuple[Source, str]:
    """(source, way from its directory) of the file that is called ``name``. Raises Unreadable."""
    for source in found:
        kept = name.removeprefix(f"{source.name}.")
        if name == source.name or (kept != name and source.kept.fullmatch(kept)):
            if source.problem:
                raise Unreadable(source.problem, name)
            return source, source.way if name == source.name else f"{source.way}.{kept}"
    raise Unreadable(f"The options in [log] name no file {name[:200]!r} any more. Choose another one.")


def usual(found: list[Source]) -> str:
    """The name of the first file that is there, else of what the server writes to its standard output."""
    return next((source.name for source in found if not source.problem and not _facts(source)["problem"]), OUTPUT)


@contextlib.contextmanager
def opened(source: Source, way: str) -> Iterator[int]:
    """A descriptor that reads it. Raises Unreadable, also for what fails while it is read, and TimeoutError."""
    try:
        with Directory.at(real(source.directory)) as directory, closing(directory.plain(way)) as descriptor:
            if os.fstat(descriptor).st_nlink != 1:
                # It may be a file of somebody else, who does not let this account read it.
                raise Unreadable("It has several names on its disk, so the agent does not read it.", way)
            yield descriptor
    except TimeoutError:
        raise
    except OSError as error:
        raise Unreadable(why(error), os.path.join(source.directory, way)) from None


def why(error: OSError) -> str:
    """What is wrong with a file or the way to it, as a sentence."""
    return _WHY.get(error.errno or 0, f"It cannot be read: {error.strerror or error}.")


def listed(found: list[Source]) -> list[dict[str, Any]]:
    """``files`` of ``LogRead``: each with those that were kept of it, the newest first."""
    files = []
    for source in found:
        files += [_facts(source), *([] if source.problem else _kept(source))]
    return files[:FILES_MAX]


def _facts(source: Source, suffix: str = "") -> dict[str, Any]:
    way = source.way + suffix
    about = {"name": source.name + suffix, "path": os.path.normpath(os.path.join(source.directory, way)), "size": 0,
             "written": 0.0, "kind": "segment" if suffix else source.kind, "problem": source.problem}
    if source.problem:
        return about
    try:
        with opened(source, way) as descriptor:
            facts = os.fstat(descriptor)
    except Unreadable as error:
        return {**about, "problem": error.why}
    return {**about, "size": facts.st_size, "written": facts.st_mtime}


def _kept(source: Source) -> list[dict[str, Any]]:
    above, last = os.path.split(source.way)
    try:
        with Directory.at(real(source.directory)) as directory, contextlib.ExitStack() as stack:
            inside = stack.enter_context(directory.below(above)) if above else directory
            names = inside.names()
    except OSError:
        return []
    suffixes = [name[len(last):] for name in names
                if name.startswith(f"{last}.") and source.kept.fullmatch(name[len(last) + 1:])]
    return [about for suffix in sorted(suffixes, reverse=True)[:FILES_MAX]
            if not (about := _facts(source, suffix))["problem"]]

"""Messages by which the console reads the last lines of a server's own log files from its host (messages.py has the
table of who says what)."""

from dataclasses import dataclass, field
from typing import Any

from .message import Message

READS_LOGS = 2
"""An agent whose Hello ``speaks`` that much answers ReadLog."""
LINES_MAX, LINE_BYTES = 1000, 4096
"""How many lines one answer holds at most, and how much of each line."""
ANSWER_BYTES = 240 * 1024
"""How long the lines of one answer are together, as they are written in it."""
FILES_MAX = 200
READ_S = 3.0
"""How long an agent reads for one answer."""
OUTPUT = "stdout"
"""What the agent's own capture of standard output and standard error is called; no file in [log] can be called so."""


@dataclass(frozen=True, kw_only=True)
class ReadLog(Message):
    """Lines of a ``file`` of ``application``, as an earlier answer called it ("" for the one that is written now).

    ``before``: the ``lines`` that end at this place (byte) at the latest; ``after``: those that begin there, of the
    file that ``of`` names; with neither (-1) the last ones. ``listing``: say also which files there are. ``id`` is
    control's own.
    """

    application: str
    file: str = ""
    before: int = -1
    after: int = -1
    of: str = ""
    lines: int = LINES_MAX
    listing: bool = False
    id: int = 0


@dataclass(frozen=True, kw_only=True)
class LogRead(Message):
    """``ok`` with a ``page``, or not ok with ``reason`` (a sentence) and ``advice`` (what to do).

    page: file, of (another one for another file of the same name), begins, ends (bytes), size, written (Unix time of
    the last change), lines [text], cut [places in lines of those that are longer], unfinished (the last of lines has
    no end yet and is not before ``ends``), anew (it is not what ``of`` named, or shorter than ``after``: these are the
    last lines), skipped (bytes between ``after`` and ``begins``), more (of what begins at ``after`` this is not all).

    files [{name, path, size, written, kind, problem}]: kind is "log", "segment" (closed and kept) or "output";
    problem is a sentence when it cannot be read, size and written are 0 then.
    """

    ok: bool
    reason: str = ""
    advice: str = ""
    page: dict[str, Any] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    id: int = 0

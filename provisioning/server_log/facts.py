"""What an answer about a log file is, as pages show it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from protocol.log_messages import OUTPUT

OUTPUT_LABEL = "Standard output and standard error"
SHOWN_LINES = 500
WHERE_TO_SET = ("Its options in [log] name no file, so there is only what the server writes to its standard output. To "
                "have one, set the option all in section [log] to a file below its Working Directory, for example "
                "stdout, logs/server.log.")


@dataclass(frozen=True)
class File:
    """A log file on the host; ``kind`` is as in ``LogRead``."""

    name: str
    path: str
    size: int
    written: datetime | None
    kind: str
    problem: str

    @property
    def label(self) -> str:
        former = self.name.removeprefix(OUTPUT)
        words = f"{OUTPUT_LABEL}{', former' if former else ''}" if self.name in (OUTPUT, f"{OUTPUT}.1") else self.name
        return f"{words} ({'cannot be read' if self.problem else size(self.size)})"


@dataclass(frozen=True)
class Lines:
    """``page`` of ``LogRead``, without secrets."""

    file: str
    of: str
    begins: int
    ends: int
    size: int
    written: datetime | None
    lines: list[str]
    unfinished: bool = False
    anew: bool = False
    more: bool = False
    skipped: int = 0


@dataclass(frozen=True)
class Answer:
    """``trouble``: why there are no ``lines``, and what to do, in sentences. ``file`` is the one that was asked for, as
    far as that is known."""

    file: str
    lines: Lines | None = None
    files: list[File] = field(default_factory=list)
    trouble: str = ""

    @property
    def names_no_file(self) -> bool:
        """The options of the server name no log file."""
        return bool(self.files) and all(each.kind != "log" for each in self.files)


def size(count: int) -> str:
    """``417 bytes``, ``23 KB``, ``5.2 MB``."""
    if count < 1024:
        return f"{count} byte{'' if count == 1 else 's'}"
    return f"{count // 1024} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"


def moment(seconds: Any) -> datetime | None:
    """Unix time as a moment; None for none, or one that no page can show."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (OverflowError, OSError, ValueError):
        return None

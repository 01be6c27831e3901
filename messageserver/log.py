"""Log lines with event numbers, to the outputs that the ``[log]`` options name.

A line is ``time level TT-NNNNN text``: TT is 00 for the common events and 42 (the type of a Message Server) for its
own (``protocol.events.written``). Message bodies and passcodes are never logged.
"""

import contextlib
import glob
import io
import os
import time
from collections.abc import Callable
from datetime import datetime
from enum import IntEnum
from pathlib import Path

from protocol.events import written
from protocol.log_files import NETWORK, OUTPUT_OPTIONS, SEGMENT, STREAMS, outputs_in


class Level(IntEnum):
    """Levels in the order of importance; the numbers are those of the log record."""

    DEBUG = 1
    TRACE = 2
    INTERACTION = 3
    STANDARD = 4
    NONE = 6


_SHORT = {Level.DEBUG: "Dbg", Level.TRACE: "Trc", Level.INTERACTION: "Int", Level.STANDARD: "Std"}
_VERBOSE = {"all": Level.DEBUG, "debug": Level.DEBUG, "trace": Level.TRACE, "interaction": Level.INTERACTION,
            "standard": Level.STANDARD, "none": Level.NONE}
_LEAST = {"standard": Level.STANDARD, "interaction": Level.INTERACTION, "trace": Level.TRACE}
_UNITS = {"kb": 1024, "mb": 1024 * 1024}


class Event(IntEnum):
    """Event numbers: the common ones of the field, then our own from 20000 on."""

    CFG_NOT_FOUND = 3000
    APPLICATION_NOT_FOUND = 3007
    APPLICATION_LOCKED = 3008
    CONNECTED = 4503
    CONNECTION_LOST = 4504
    CLIENT_CONNECTED = 4520
    CLIENT_REFUSED = 4522
    CLIENT_CLOSED = 4524
    PORT_OPENED = 4525
    PORT_UNABLE_TO_OPEN = 4526
    WARM_STANDBY_BACKUP = 4560
    WARM_STANDBY_PRIMARY = 4562
    APP_STARTED = 5060
    APP_INIT_COMPLETED = 5061
    APP_INIT_FAILED = 5062
    APP_STOPPED = 5063
    SERVICE_AVAILABLE = 5093
    SERVICE_UNAVAILABLE = 5094
    SUSPENDING = 5096
    SUSPENDED = 5097
    RUNMODE_PRIMARY = 5150
    RUNMODE_BACKUP = 5151
    DB_UNABLE_TO_OPEN = 7000
    DB_OPENED = 7001
    DB_FAILED = 7002
    TLS_EXPIRED = 8100
    TLS_INVALID = 8101
    TLS_FAILED = 8102
    CONFIGURATION_CHANGED = 20001
    CONFIGURATION_PROBLEM = 20002
    GRANT_REFUSED = 20003
    SYNC_LINKED = 20004
    SYNC_LOST = 20005
    SYNC_REFUSED = 20006
    TAIL_DISCARDED = 20007
    DEPOSED = 20008
    STANDING_CHANGED = 20009
    CLIENT_CUT = 20010
    INTERNAL_ERROR = 20099


LOOK_S = 1.0
"""How soon a log file that somebody else renamed or removed is begun anew."""


class FileOutput:
    """A log file that is closed and kept as ``<path>.<time>.<number>`` when it reaches ``segment`` bytes (0 = never);
    of those the ``expire`` newest are kept (0 = all). One that cannot be opened anew goes on as it was."""

    def __init__(self, path: Path, *, segment: int, expire: int):
        self._path, self._segment, self._expire = path, segment, expire
        self._file = self._opened()
        self._look_at = time.monotonic() + LOOK_S

    def write(self, line: bytes) -> None:
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_S
            if not self._is_there():
                self.reopen()
        if self._segment and self._file.tell() + len(line) > self._segment and self._file.tell():
            self._next_segment()
        self._file.write(line)

    def reopen(self) -> None:
        """Go on in the file of that name, whoever renamed or removed the former one. Raises OSError."""
        former, self._file = self._file, self._opened()
        former.close()

    def _opened(self) -> io.FileIO:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self._path.open("ab", buffering=0)

    def _is_there(self) -> bool:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(found, os.fstat(self._file.fileno()))

    def _next_segment(self) -> None:
        stamp, segments = datetime.now().strftime("%Y%m%d_%H%M%S_%f"), self._segments()
        number = segments[-1][0] + 1 if segments else 1
        kept = self._path.with_name(f"{self._path.name}.{stamp}.{number}")
        self._path.rename(kept)
        self.reopen()
        if self._expire:
            for *_, old in [*segments, (number, stamp, kept)][: -self._expire]:
                old.unlink(missing_ok=True)

    def _segments(self) -> list[tuple[int, str, Path]]:
        """(number, time, path) of those that were kept, oldest first: by their numbers, for a clock may be set. Earlier
        versions gave them none."""
        found = []
        for path in self._path.parent.glob(f"{glob.escape(self._path.name)}.*"):
            if match := SEGMENT.fullmatch(path.name.removeprefix(f"{self._path.name}.")):
                found.append((int(match[2] or 0), match[1], path))
        return sorted(found)

    def close(self) -> None:
        self._file.close()


class StreamOutput:
    """Standard output or standard error."""

    def __init__(self, descriptor: int):
        self._descriptor = descriptor

    def write(self, line: bytes) -> None:
        os.write(self._descriptor, line)

    def reopen(self) -> None:
        """There is no file to begin."""

    def close(self) -> None:
        """The stream is the process's own and stays open."""


class Log:
    """Writes events. Until ``configure`` everything of level Standard goes to standard output. ``network`` is given
    (number, level, text, Unix time) of what goes to the output of that name: Trace and above, for Debug never does.

    What is not ``published`` goes to files and streams only: it is about the connections by which log records are
    published and read, so that publishing it would bring about the next one."""

    def __init__(self) -> None:
        self.network: Callable[[int, Level, str, float], None] | None = None
        self._threshold = Level.STANDARD
        self._outputs: list[tuple[Level, StreamOutput | FileOutput]] = [(Level.DEBUG, StreamOutput(1))]
        self._to_network: Level | None = None

    def configure(self, options: dict[str, str], directory: Path) -> list[str]:
        """Take the ``[log]`` options; relative file paths are under ``directory``. Sentences about what failed."""
        problems: list[str] = []
        wanted: dict[str, Level] = {}
        for option in OUTPUT_OPTIONS:
            for target in outputs_in(options.get(option, "")):
                wanted[target] = min(_LEAST.get(option, Level.DEBUG), wanted.get(target, Level.NONE))
        self._to_network = wanted.pop(NETWORK, None)
        segment, expire = parse_segment(options.get("segment", "")), parse_expire(options.get("expire", ""))
        outputs: list[tuple[Level, StreamOutput | FileOutput]] = []
        for target, level in wanted.items():
            try:
                output = (StreamOutput(1 + STREAMS.index(target)) if target in STREAMS else
                          FileOutput(directory / target, segment=segment, expire=expire))
                outputs.append((level, output))
            except OSError as error:
                problems.append(f"Log output {target} cannot be used: {error.strerror}.")
        for _, output in self._outputs:
            output.close()
        self._outputs = outputs
        self._threshold = _VERBOSE.get(options.get("verbose", "").lower(), Level.STANDARD)
        return problems

    def reopen(self) -> None:
        """Begin the log files anew: somebody moved the present ones."""
        for _, output in self._outputs:
            with contextlib.suppress(OSError):
                output.reopen()

    def enabled(self, level: Level) -> bool:
        """False when a line of ``level`` would go nowhere: lets busy code skip building it."""
        return level >= self._threshold

    def standard(self, event: int, text: str, *, published: bool = True) -> None:
        self._write(Level.STANDARD, event, text, published=published)

    def trace(self, event: int, text: str, *, published: bool = True) -> None:
        if self._threshold <= Level.TRACE:
            self._write(Level.TRACE, event, text, published=published)

    def debug(self, event: int, text: str) -> None:
        if self._threshold <= Level.DEBUG:
            self._write(Level.DEBUG, event, text)

    def _write(self, level: Level, event: int, text: str, *, published: bool = True) -> None:
        if level < self._threshold:
            return
        now = time.time()
        stamp = datetime.fromtimestamp(now).isoformat(timespec="milliseconds")
        flat = text.replace("\n", " ").replace("\r", " ")
        line = f"{stamp} {_SHORT[level]} {written(event)} {flat}\n".encode()
        for least, output in self._outputs:
            if level >= least:
                # A full disk or a closed pipe must not end the server that reports it.
                with contextlib.suppress(OSError):
                    output.write(line)
        if published and self.network is not None and self._to_network is not None and level >= max(
                self._to_network, Level.TRACE):
            self.network(int(event), level, flat, now)


class EventLimit:
    """Logs what clients bring about: LINES lines in PERIOD_S seconds, then only how many were left out."""

    LINES, PERIOD_S = 50, 10.0

    def __init__(self, log: Log, clock: Callable[[], float]):
        self._log, self._clock = log, clock
        self._since, self._count = clock(), 0

    def __call__(self, event: Event, text: str) -> None:
        self.settle()
        self._count += 1
        if self._count <= self.LINES:
            self._log.standard(event, text)

    def settle(self) -> None:
        """Close the period when it is over."""
        now = self._clock()
        if now - self._since <= self.PERIOD_S:
            return
        if (withheld := self._count - self.LINES) > 0:
            self._log.standard(Event.CLIENT_CUT, f"{withheld} more lines about refused or cut clients were left out.")
        self._since, self._count = now, 0


def parse_segment(text: str) -> int:
    """Bytes of option ``segment``; 0 for false or anything unusable."""
    number, _, unit = text.strip().lower().partition(" ")
    if not (number.isascii() and number.isdigit()):
        return 0
    return int(number) * _UNITS.get(unit.strip() or "mb", 0)


def parse_expire(text: str) -> int:
    """Files of option ``expire``; 0 for false or anything unusable."""
    number = text.strip().lower().removesuffix("file").strip()
    return int(number) if number.isascii() and number.isdigit() and 1 <= int(number) <= 1000 else 0

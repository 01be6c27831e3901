"""Log records that wait to be published: a queue of bounded length, which is in a file too, so that it outlives its
process.

The file is the story of the queue, a JSON line for each step; who reads it from its beginning has the queue again. Each
line says what the queue begins with after it, so that one which a full disk did not take costs nothing that the others
say. It is begun anew whenever nothing waits, and when it has grown long.
"""

import contextlib
import json
import os
import re
import stat
import uuid
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from .files import replacing
from .log_records import TEXT_BYTES, LogRecord, read
from .outside import read_json
from .said import legible

FILE = "log-queue.jsonl"
ONCE = re.compile(r"[0-9a-f]{32}")
"""What tells records apart that wait here. At random: who could know one before its record is taken could send another
record with it, for which this one would be taken then."""
STEPS = 4
"""The file is begun anew when it has so many lines for each record that may wait."""
LINE_BYTES = 16 * TEXT_BYTES
"""No line is longer."""
# Windows knows none of them. Without them a link would be followed, and a named pipe waited for.
_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True)
class Queued:
    """``once`` tells ``record`` from all others, however often it is sent; ``tells_of``: so many that were dropped."""

    once: str
    record: LogRecord
    tells_of: int = 0

    @property
    def counts(self) -> int:
        """How many are lost with it."""
        return self.tells_of or 1


class LogQueue:
    """At most ``most`` records wait; of more the oldest are dropped, and ``dropped`` counts them. A disk that takes
    nothing costs no record while the process lives."""

    def __init__(self, path: Path, most: int):
        self._path, self.most = path, most
        self._waiting: OrderedDict[str, Queued] = OrderedDict()
        self.dropped = self._lines = 0
        self._is_cut = False
        for step in _steps(path):
            # Of another release a step may have other parts.
            with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError):
                self._take(step)
        self._bound()
        self._begin_anew()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, record: LogRecord) -> str:
        """Let ``record`` wait; its ``once``. One that no server takes waits for nothing: ""."""
        cut = legible(record.text).encode()[:TEXT_BYTES].decode(errors="ignore")
        queued = Queued(uuid.uuid4().hex, replace(record, text=cut))
        try:
            _check(queued)
        except ValueError:
            return ""
        self._waiting[queued.once] = queued
        self._bound()
        self._step({"put": _said(queued)})
        return queued.once

    def first(self, count: int) -> list[Queued]:
        """Those that have waited longest."""
        return list(islice(self._waiting.values(), count))

    def taken(self, batch: Sequence[Queued]) -> None:
        """``batch``, of which each waits or was dropped meanwhile, was acknowledged."""
        self.dropped -= sum(each.counts for each in batch if self._waiting.pop(each.once, None) is None)
        if self._waiting or self.dropped:
            self._step({})
        else:
            self._begin_anew()

    def tell_dropped(self, record: LogRecord) -> None:
        """Let ``record``, which tells of those that were dropped, go before all others."""
        queued = Queued(uuid.uuid4().hex, record, self.dropped)
        self.dropped = 0
        self._push(queued)
        self._step({"told": _said(queued)})

    def _push(self, queued: Queued) -> None:
        self._waiting[queued.once] = queued
        self._waiting.move_to_end(queued.once, last=False)

    def _bound(self) -> None:
        while len(self._waiting) > self.most:
            self.dropped += self._waiting.popitem(last=False)[1].counts

    def _step(self, step: dict[str, Any]) -> None:
        self._lines += 1
        if self._lines > STEPS * self.most:
            self._begin_anew()
            return
        line = _line(step | {"first": next(iter(self._waiting), ""), "dropped": self.dropped})
        line, self._is_cut = b"\n" * self._is_cut + line, True
        with contextlib.suppress(OSError), open(self._path, "ab", buffering=0, opener=_private) as file:
            self._is_cut = file.write(line) != len(line)

    def _take(self, step: dict[str, Any]) -> None:
        """``put``: a record comes; ``told``: one goes before all others; ``first``: those before it are gone."""
        if "put" in step:
            queued = _queued(step["put"])
            self._waiting[queued.once] = queued
        if "told" in step:
            self._push(_queued(step["told"]))
        if (first := step.get("first")) in self._waiting:
            while next(iter(self._waiting)) != first:
                self._waiting.popitem(last=False)
        elif first == "":
            self._waiting.clear()
        self.dropped = max(0, int(step.get("dropped", self.dropped)))

    def _begin_anew(self) -> None:
        self._lines = len(self._waiting)
        with contextlib.suppress(OSError):
            if not self._waiting and not self.dropped:
                self._path.unlink(missing_ok=True)
                return
            with replacing(self._path, lasting=False) as file:
                file.write(_line({"dropped": self.dropped}))
                file.writelines(_line({"put": _said(each)}) for each in self._waiting.values())


def _said(queued: Queued) -> dict[str, Any]:
    return {"once": queued.once, "tells_of": queued.tells_of, **vars(queued.record)}


def _queued(said: dict[str, Any]) -> Queued:
    """Raises AttributeError, KeyError, TypeError, ValueError for what none of this release has written."""
    record = LogRecord(**{name: value for name, value in said.items() if name not in ("once", "tells_of")})
    queued = Queued(said["once"], record, int(said["tells_of"]))
    _check(queued)
    if not ONCE.fullmatch(queued.once):
        raise ValueError("no record that may wait here")
    return queued


def _check(queued: Queued) -> None:
    """Raises ValueError for what no server takes, so that it would be sent for ever."""
    record = queued.record
    again = read(record.destination(), record.headers() | {"application": record.application or "."},
                 record.text.encode())
    if again.attributes != record.attributes:
        raise ValueError("no record that may wait here")


def _line(step: dict[str, Any]) -> bytes:
    return json.dumps(step, ensure_ascii=False).encode(errors="replace") + b"\n"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | _SAFELY, 0o600)


def _steps(path: Path) -> Iterator[dict[str, Any]]:
    """What can be read of an earlier process's; a full disk may have cut any line."""
    with contextlib.suppress(OSError), open(path, "rb", opener=_private) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return
        for line in iter(partial(file.readline, LINE_BYTES), b""):
            with contextlib.suppress(ValueError):
                if isinstance(step := read_json(line), dict):
                    yield step

"""Log records that wait to be published: a queue of bounded length, which is in a file too, so that it outlives its
process.

The file is the story of the queue, a JSON line for each step; who reads it from its beginning has the queue again. It
is begun anew whenever nothing waits, and when it has grown long.
"""

import contextlib
import json
import os
import re
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

from .files import replacing
from .log_records import TEXT_BYTES, LogRecord, read
from .outside import read_json

FILE = "log-queue.jsonl"
ONCE = re.compile(r"[0-9a-f]{32}-[0-9]{1,18}")
"""What tells records apart that wait here."""
STEPS = 4
"""The file is begun anew when it has so many lines for each record that may wait."""


@dataclass(frozen=True)
class Queued:
    """``once`` tells ``record`` from all others, however often it is sent."""

    once: str
    record: LogRecord


class LogQueue:
    """At most ``most`` records wait; of more the oldest are dropped, and ``dropped`` counts them. A disk that takes
    nothing costs no record while the process lives."""

    def __init__(self, path: Path, most: int):
        self._path, self.most = path, most
        self._waiting: deque[Queued] = deque()
        self._prefix, self._put = uuid.uuid4().hex, 0
        self.dropped = self._lines = 0
        for step in _steps(path):
            # Of another release a step may have other parts.
            with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError):
                self._take(step)
        self._begin_anew()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, record: LogRecord) -> str:
        """Let ``record`` wait; its ``once``."""
        self._put += 1
        cut = record.text.encode()[:TEXT_BYTES].decode(errors="ignore")
        once = f"{self._prefix}-{self._put}"
        self._step({"once": once, **asdict(record), "text": cut})
        return once

    def first(self, count: int) -> list[Queued]:
        """Those that have waited longest."""
        return list(islice(self._waiting, count))

    def taken(self, batch: Sequence[Queued]) -> None:
        """``batch``, of which each waits or was dropped meanwhile, was acknowledged."""
        done = {each.once for each in batch}
        count = sum(1 for _ in takewhile(lambda each: each.once in done, self._waiting))
        step = {"taken": count, "dropped": count - len(batch)}
        if len(self._waiting) > count or self.dropped:
            self._step(step)
        else:
            self._take(step)
            self._begin_anew()

    def tell_dropped(self, record: LogRecord) -> None:
        """Let ``record``, which tells of those that were dropped, go before all others."""
        self._put += 1
        once = f"{self._prefix}-{self._put}"
        self._step({"told": {"once": once, **asdict(record)}})

    def _step(self, step: dict[str, Any]) -> None:
        self._take(step)
        self._lines += 1
        if self._lines > STEPS * self.most:
            self._begin_anew()
        else:
            with contextlib.suppress(OSError), open(self._path, "ab", buffering=0, opener=_private) as file:
                file.write(_line(step))

    def _take(self, step: dict[str, Any]) -> None:
        """``once``: a record comes; ``told``: one goes before all others; ``taken``: so many go."""
        if "once" in step:
            self._waiting.append(_queued(step))
            if len(self._waiting) > self.most:
                self._waiting.popleft()
                self.dropped += 1
        if "told" in step:
            self.dropped = 0
            self._waiting.appendleft(_queued(step["told"]))
        for _ in range(min(step.get("taken", 0), len(self._waiting))):
            self._waiting.popleft()
        self.dropped = max(0, self.dropped + step.get("dropped", 0))

    def _begin_anew(self) -> None:
        self._lines = len(self._waiting)
        with contextlib.suppress(OSError):
            if not self._waiting and not self.dropped:
                self._path.unlink(missing_ok=True)
                return
            with replacing(self._path, lasting=False) as file:
                file.write(_line({"dropped": self.dropped}))
                file.writelines(_line({"once": each.once, **asdict(each.record)}) for each in self._waiting)


def _queued(step: dict[str, Any]) -> Queued:
    """Raises AttributeError, KeyError, TypeError, ValueError for what none of this release has written."""
    record = LogRecord(**{name: value for name, value in step.items() if name != "once"})
    again = read(record.destination(), record.headers() | {"application": record.application or "."},
                 record.text.encode())
    if again.attributes != record.attributes or not ONCE.fullmatch(step["once"]):
        raise ValueError("no record that may wait here")
    return Queued(step["once"], record)


def _line(step: dict[str, Any]) -> bytes:
    return json.dumps(step, ensure_ascii=False).encode(errors="replace") + b"\n"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _steps(path: Path) -> Iterator[dict[str, Any]]:
    """What can be read of an earlier process's; its last line may have been cut."""
    with contextlib.suppress(OSError, ValueError), open(path, encoding="utf-8") as file:
        for line in file:
            step = read_json(line)
            if isinstance(step, dict):
                yield step

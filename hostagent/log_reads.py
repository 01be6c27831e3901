"""Answers control's ReadLog: each in a thread of its own, so that a disk that hangs holds up nothing else."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from protocol.log_messages import LINES_MAX, READ_S, LogRead, ReadLog

from .log_lines import page_of
from .log_sources import Unreadable, chosen, listed, opened, sources, usual

log = logging.getLogger(__name__)

AT_ONCE = 4
"""So many are read at the same time, those that hang among them."""
BUSY = f"The agent reads {AT_ONCE} log files already."
LATE = f"The log was not read within {READ_S:g} s."


def read(asked: ReadLog, application: dict[str, Any], log_dir: Path, until: float) -> LogRead:
    """The answer to ``asked``; whatever stands against it is in the answer. ``until`` is monotonic."""
    found = sources(application, log_dir)
    files = listed(found) if asked.listing else []
    name = asked.file or usual(found)
    try:
        source, way = chosen(found, name)
        with opened(source, way) as descriptor:
            page = page_of(descriptor, before=asked.before, after=asked.after, of=asked.of,
                           lines=min(max(asked.lines, 1), LINES_MAX), until=until)
    except Unreadable as error:
        return LogRead(id=asked.id, ok=False, reason=str(error), page={"file": name}, files=files)
    except TimeoutError:
        return _late(asked)
    return LogRead(id=asked.id, ok=True, page={"file": name, **page}, files=files)


def _late(asked: ReadLog) -> LogRead:
    return LogRead(id=asked.id, ok=False, reason=LATE, advice="Look at the disk of the host, then try again.")


class LogReads:
    """``application`` gives what is known of one, {} for none; ``tell`` takes the answers. Use inside the running loop
    only."""

    def __init__(self, log_dir: Path, application: Callable[[str], dict[str, Any]], tell: Callable[[LogRead], None]):
        self._log_dir, self._application, self._tell = log_dir, application, tell
        self._at_work = 0

    def take(self, asked: ReadLog) -> None:
        """Answers within READ_S, with lines or with why there are none."""
        application = self._application(asked.application)
        if not application:
            self._tell(LogRead(id=asked.id, ok=False, reason="It is not an application of this host."))
        elif self._at_work >= AT_ONCE:
            self._tell(LogRead(id=asked.id, ok=False, reason=BUSY, advice="Try again in a moment."))
        else:
            self._at_work += 1
            loop = asyncio.get_running_loop()
            late = loop.call_later(READ_S, lambda: self._tell(_late(asked)))
            threading.Thread(target=self._read, args=(asked, dict(application), loop, late), daemon=True,
                             name="log reading").start()

    def _read(self, asked: ReadLog, application: dict[str, Any], loop: asyncio.AbstractEventLoop,
              late: asyncio.TimerHandle) -> None:
        try:
            answer = read(asked, application, self._log_dir, time.monotonic() + READ_S)
        except Exception:
            log.exception("The log of %s could not be read.", asked.application)
            answer = LogRead(id=asked.id, ok=False, reason="The agent met an internal error.",
                             advice="Its own log says more.")
        # The agent may have ended meanwhile.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._done, answer, late)

    def _done(self, answer: LogRead, late: asyncio.TimerHandle) -> None:
        self._at_work -= 1
        if late.when() > asyncio.get_running_loop().time():
            late.cancel()
            self._tell(answer)

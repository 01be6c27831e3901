"""What the console's log looks like, and what it leaves out: what tells nothing, and what somebody could fill it with.
"""

import json
import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from provisioning.core.log_context import under_way

REFUSED = (400, 403, 404)
EVERY_S = 60.0
TRACES, TRACE_CHARACTERS = 20, 8_000
"""Traces of different errors in EVERY_S, and how long one may be; of each kind of error there is one."""
OF_A_KIND, OF_AN_ADDRESS, LINE_CHARACTERS = 30, 10, 500
"""Lines of one place in the code in EVERY_S, those about requests that one address may cause, and how long a line may
be."""
ADDRESSES = 1_000
"""So many addresses are told apart; the others count as one."""
WALL = re.compile(r"(/monitoring/wall/)[^/\s]+")
API_TOKEN = re.compile(r"(pw_[A-Za-z0-9]{8}_)[A-Za-z0-9]+")
_ESCAPED = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}


class Json(logging.Formatter):
    """An object a line, for programs that collect logs: at (UTC), level, logger, process (its number), text;
    request_id, user and job where there are any; of an error, trace."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname, "logger": record.name, "process": record.process,
                "text": record.getMessage(), **under_way(getattr(record, "request", None))}
        if trace := record.exc_text or (self.formatException(record.exc_info) if record.exc_info else ""):
            line["trace"] = trace
        return json.dumps(line, ensure_ascii=False)


class NoTraceOfRefusals(logging.Filter):
    """A request that was refused is one line: its trace would tell nothing but how views refuse."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) in REFUSED:
            record.exc_info = record.exc_text = None
        return True


class WithoutTokens(logging.Filter):
    """The address of the wall display opens it: what is written of it is where it is, not its token. Of an API token
    the part is written that names it."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = _text(record)
        if (without := _without_tokens(text)) != text:
            record.msg, record.args = without, ()
        return True


def _without_tokens(text: str) -> str:
    return API_TOKEN.sub(r"\1…", WALL.sub(r"\1…", text))


class Bounded(logging.Filter):
    """Nobody pushes out what the log holds by making the same fault again and again: of each kind of error there is one
    trace in EVERY_S, of each place in the code so many lines, and of those about requests so many of each address; and
    every line is cut. What was left out is counted, and the next one of its kind says how much it was."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        super().__init__()
        self._clock, self._lock, self._until = clock, threading.Lock(), float("-inf")
        self._written: Counter[tuple] = Counter()
        self._left_out: Counter[tuple] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        with self._lock:
            if self._clock() >= self._until:
                self._until = self._clock() + EVERY_S
                self._written.clear()
            return self._line(record) and self._trace(record)

    def _line(self, record: logging.LogRecord) -> bool:
        kind = ("line", record.pathname, record.lineno, getattr(record, "status_code", None))
        address = _address(record)
        whose = (kind, address)
        if whose not in self._written and len(self._written) > ADDRESSES:
            whose = (kind, "")
        if self._written[kind] >= OF_A_KIND or (address and self._written[whose] >= OF_AN_ADDRESS):
            self._left_out[kind] += 1
            return False
        self._written.update((kind, whose))
        record.msg, record.args = _cut(_text(record)) + self._more(kind, "line"), ()
        return True

    def _trace(self, record: logging.LogRecord) -> bool:
        if not record.exc_info or (error := record.exc_info[1]) is None:
            return True
        kind = ("trace", type(error), _where(error))
        if self._written[kind] or self._written["traces",] >= TRACES:
            self._left_out[kind] += 1
            record.msg = f"{record.getMessage()} ({type(error).__name__}; its trace is above, or was left out.)"
            record.args, record.exc_info, record.exc_text = (), None, None
            return True
        self._written.update((kind, ("traces",)))
        text, half = _without_tokens(logging.Formatter().formatException(record.exc_info)), TRACE_CHARACTERS // 2
        record.exc_text = text if len(text) <= TRACE_CHARACTERS else f"{text[:half]}\n[…]\n{text[-half:]}"
        record.msg, record.args = record.getMessage() + self._more(kind, "trace"), ()
        return True

    def _more(self, kind: tuple, what: str) -> str:
        count = self._left_out.pop(kind, 0)
        return f" ({count} more since the last such {what}.)" if count else ""


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:
        # Its arguments do not fit it. A filter that raises would end what wanted to say something.
        return f"{record.msg} {record.args!r}"


def _cut(text: str) -> str:
    """In one line: what somebody sent must not look like lines of the console."""
    text = text.rstrip().translate(_ESCAPED)
    return text if len(text) <= LINE_CHARACTERS else f"{text[:LINE_CHARACTERS]}…"


def _address(record: logging.LogRecord) -> str:
    return getattr(getattr(record, "request", None), "META", {}).get("REMOTE_ADDR") or ""


def _where(error: BaseException) -> tuple[str, int]:
    """File and line of the frame that the error came from."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace is not None else ("", 0)

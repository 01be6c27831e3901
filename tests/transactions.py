"""Watches the transactions of this process: how much each writes, how long it lasts, and what else happens meanwhile.

While one lasts, nobody else can write to SQLite. So one piece of long work is many transactions (provisioning.turns),
and nothing that can take long, a file, the network or a pause, happens within one.
"""

import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

from django.db.backends.sqlite3.base import SQLiteCursorWrapper
from django.db.transaction import Atomic, get_connection

from provisioning import turns

ELSEWHERE = {"open", "os.listdir", "os.scandir", "shutil.copyfile", "socket.connect", "socket.getaddrinfo",
             "socket.gethostbyname", "subprocess.Popen", "time.sleep", "urllib.Request"}
"""What the interpreter tells of that has nothing to do with the database (sys.addaudithook)."""
SLOW_S = 0.1
_CHANGES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


@dataclass
class Held:
    """A transaction, or a statement outside of one: who began it, how long it lasted, how many rows it changed, and
    what else happened within."""

    by: str
    s: float = 0.0
    rows: int = 0
    elsewhere: list[str] = field(default_factory=list)


@dataclass
class Seen:
    found: list[Held] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Of the largest."""
        return max((held.rows for held in self.found), default=0)

    @property
    def longest(self) -> Held:
        return max(self.found, key=lambda held: held.s, default=Held("nobody"))

    @property
    def elsewhere(self) -> list[str]:
        return [f"{what}, within the transaction of {held.by}" for held in self.found for what in held.elsewhere]


class _Now(threading.local):
    """Of this thread: how deep it is in transactions, and the outermost one."""

    depth = 0
    held: Held | None = None


_now = _Now()
_hooked = False


def _hook(event: str, arguments: tuple) -> None:
    if _now.held is None or event not in ELSEWHERE:
        return
    what = str(arguments[0]) if arguments else ""
    # A module that is imported late, and the cache of its code.
    if not (event == "open" and (what.endswith((".py", ".pyc")) or "__pycache__" in what)):
        _now.held.elsewhere.append(f"{event} {what[:100]}")


@contextmanager
def watched() -> Iterator[Seen]:
    """What is written in here, by every thread of this process. The transaction that a test runs in does not count."""
    global _hooked
    if not _hooked:
        # A hook stays for ever; it looks at what is watched only.
        sys.addaudithook(_hook)
        _hooked = True
    seen = Seen()
    enter, leave = Atomic.__enter__, Atomic.__exit__
    execute, executemany = SQLiteCursorWrapper.execute, SQLiteCursorWrapper.executemany

    def changes(atomic) -> int:
        return get_connection(atomic.using).connection.total_changes

    def begin(self):
        enter(self)
        if not self._from_testcase:
            _now.depth += 1
            if _now.depth == 1:
                _now.held = Held(_caller(), s=time.perf_counter(), rows=changes(self))

    def end(self, *error):
        try:
            return leave(self, *error)
        finally:
            if not self._from_testcase:
                _now.depth -= 1
                if _now.depth == 0:
                    _now.held.s = time.perf_counter() - _now.held.s
                    _now.held.rows = changes(self) - _now.held.rows
                    seen.found.append(_now.held)
                    _now.held = None

    def counted(call):
        def run(self, query, *parameters):
            if _now.held is not None or not query.lstrip().upper().startswith(_CHANGES):
                return call(self, query, *parameters)
            began, before = time.perf_counter(), self.connection.total_changes
            result = call(self, query, *parameters)
            seen.found.append(Held(_caller(), time.perf_counter() - began, self.connection.total_changes - before))
            return result
        return run

    Atomic.__enter__, Atomic.__exit__ = begin, end
    SQLiteCursorWrapper.execute, SQLiteCursorWrapper.executemany = counted(execute), counted(executemany)
    try:
        yield seen
    finally:
        Atomic.__enter__, Atomic.__exit__ = enter, leave
        SQLiteCursorWrapper.execute, SQLiteCursorWrapper.executemany = execute, executemany


def slow_turns(monkeypatch) -> None:
    """Every turn seems to last as long as one may: it takes few items then, and what goes around turns stands out."""
    ticks = iter(range(10**9))
    monkeypatch.setattr(turns, "time", SimpleNamespace(
        monotonic=lambda: next(ticks) * SLOW_S, sleep=lambda seconds: None))


def within() -> bool:
    """Whether this thread is in a transaction that is watched."""
    return _now.held is not None


def _caller() -> str:
    """The innermost lines of the console's own code."""
    own = [frame for frame in traceback.extract_stack() if "site-packages" not in frame.filename
           and "/lib/python3" not in frame.filename and not frame.filename.endswith("tests/transactions.py")]
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in own[-1:-5:-1])

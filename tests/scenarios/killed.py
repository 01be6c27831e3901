"""``python -m tests.scenarios.killed POINT ARGUMENTS``: `manage.py ARGUMENTS`, which moves databases and kills itself
(SIGKILL) at that point."""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Point:
    """Before, or ``after``, a function is called the ``time``-th time, after what a former move left was brought to an
    end. ``owner``: the module or class that the function is looked up in."""

    owner: str
    function: str
    time: int = 1
    after: bool = False


RELOCATION = "console.relocation."
MOVER, WAY_BACK = (f"{RELOCATION}{name}" for name in ("mover", "way_back"))
FILES, TARGET, COPYING = (f"{RELOCATION}{name}" for name in ("files", "target", "copying"))
KEPT, RUN = "console.kept_databases", f"{RELOCATION}installation:Run"

OF_A_MOVE = {
    # The former databases count.
    "nothing is there yet": Point(TARGET, "set_mark"),
    "the tables are there": Point(KEPT, "write"),
    "what writes is told to stop": Point(KEPT, "write", after=True),
    "the files are held": Point(COPYING, "copy"),
    "one database of two is copied": Point(COPYING, "copy", 2),
    "both are copied": Point(f"{MOVER}:Mover", "_verify"),
    "one file takes no changes": Point(FILES, "block", 2),
    "no file takes changes": Point(KEPT, "write", 2),
    # The new ones count.
    "the new address is kept": Point(KEPT, "write", 2, after=True),
    "the copy is no copy any more": Point(TARGET, "remove_mark", after=True),
    "all is moved": Point(MOVER, "wait_ready"),
    "the console is waited for": Point(RUN, "wait", 2),
}
OF_THE_WAY_BACK = {
    # The new ones count still.
    "the way back has begun": Point(KEPT, "write", after=True),
    "one file takes changes again": Point(FILES, "unblock", 2),
    "all files take changes again": Point(TARGET, "set_mark"),
    "what was moved to is a copy again": Point(KEPT, "remove"),
    # The former ones count.
    "the new address is forgotten": Point(KEPT, "remove", after=True),
    "all is back": Point(WAY_BACK, "wait_ready"),
}
POINTS = OF_A_MOVE | OF_THE_WAY_BACK


class Killer:
    def __init__(self, point: Point):
        self._point, self._calls, self._recovering, self._recovered = point, 0, False, False

    def arm(self) -> None:
        module, _, cls = self._point.owner.partition(":")
        owner = getattr(import_module(module), cls) if cls else import_module(module)
        setattr(owner, self._point.function, self._killing(getattr(owner, self._point.function)))
        recovery = import_module(f"{RELOCATION}recovery")
        recovery.recover = self._not_counted(recovery.recover)

    def _killing(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            self._calls += not self._recovering
            due = self._calls == self._point.time and not self._recovering
            if due and not self._point.after:
                _die()
            given = function(*arguments, **named)
            if due:
                _die()
            return given

        return called

    def _not_counted(self, recover: Callable[..., Any]) -> Callable[..., Any]:
        """The first time it is of a former move."""
        def called(*arguments: Any, **named: Any) -> Any:
            self._recovering, self._recovered = not self._recovered, True
            try:
                return recover(*arguments, **named)
            finally:
                self._recovering = False

        return called


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    os.umask(0o077)
    import django

    django.setup()
    from django.core.management import execute_from_command_line

    Killer(POINTS[sys.argv[1]]).arm()
    execute_from_command_line(["manage.py", *sys.argv[2:]])


if __name__ == "__main__":
    main()

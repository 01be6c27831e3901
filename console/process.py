"""Which of the console's processes this is, as far as settings depend on it. Pure."""

from collections.abc import Sequence
from pathlib import PurePath

CONTROL = "runcontrol"
WITHOUT_PEOPLE = frozenset({CONTROL, "runlog"})
"""Commands of ``manage.py`` that nobody signs in at."""


def signs_people_in(arguments: Sequence[str]) -> bool:
    """Whether a process that was started with ``arguments`` (``sys.argv``) may let somebody in, or works on what that
    needs: web and commands, but neither control nor a worker nor the log reader."""
    program, *rest = arguments or [""]
    path = PurePath(program)
    is_worker = (path.parent.name, path.name) == ("console", "worker.py")
    return not is_worker and not (path.name == "manage.py" and rest[:1] and rest[0] in WITHOUT_PEOPLE)


def asks_services(arguments: Sequence[str]) -> bool:
    """Whether such a process may call a service, run a check or give work away: any but control, which decides."""
    program, *rest = arguments or [""]
    return not (PurePath(program).name == "manage.py" and rest[:1] == [CONTROL])

"""How many files and connections this process may have open."""

import contextlib
import sys

if sys.platform != "win32":
    import resource


def allow_many() -> None:
    """As many as the administrator allows; a process begins with far fewer."""
    if sys.platform == "win32":
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

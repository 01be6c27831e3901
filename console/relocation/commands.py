"""Commands of this console as processes of their own: of other databases than those of this process."""

import os
import subprocess
import sys
from collections.abc import Mapping

from django.conf import settings

from console.kept_databases import CONFIGURATION, LOG, RECORD
from console.up import processes
from protocol.secret_settings import variables

OWN = frozenset(each for name in (CONFIGURATION, RECORD, LOG, "PAIRWISE_MOVE_PASSWORD") for each in variables(name))
"""Settings of this process that say nothing to them."""


class CommandFailed(Exception):
    """``str()`` is the last line of what it said."""


def manage(*arguments: str, addresses: Mapping[str, str], codes: tuple[int, ...] = (0,)) -> str:
    """What a command prints that works with the databases at ``addresses`` ({setting: address}; {}: with those that
    count). However long that takes, as with millions of rows; it ends when this process is killed: nothing works on
    there. Raises CommandFailed."""
    environment = {name: value for name, value in os.environ.items() if name not in OWN} | dict(addresses)
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=settings.BASE_DIR, text=True, env=environment,
                          capture_output=True, stdin=subprocess.DEVNULL, preexec_fn=processes.following_us())
    if done.returncode not in codes:
        raise CommandFailed(done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}")
    return done.stdout

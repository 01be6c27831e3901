"""Lines of logs without secrets. Pure."""

import re
from collections.abc import Collection, Sequence

from provisioning.core.redaction import Redactor
from provisioning.models.applications import MASK

EDGE = 1024
"""So much of the end of a line that was cut is left out: half of a secret may stand there, which nobody recognises."""
CUT = "… (longer than the console shows)"
_CUT_HERE = "\0"
"""No line holds it."""
_OF_A_KEY = re.compile(r"[ \t]*[A-Za-z0-9+/]{60,76}={0,2}[ \t]*")
"""A line of a private key whose first line may stand before what was read."""


def without_secrets(lines: Sequence[str], cut: Collection[int], redactor: Redactor) -> list[str]:
    """``lines`` as support bundles would show them; ``cut`` are the places of those whose ends were left out. What
    takes several lines, as a private key does, becomes one."""
    marked = [MASK if _OF_A_KEY.fullmatch(line) else f"{line}{_CUT_HERE if place in cut else ''}"
              for place, line in enumerate(lines)]
    return [_end_of(line) for line in redactor.text("\n".join(marked)).split("\n")] if marked else []


def _end_of(line: str) -> str:
    return f"{line[:-1][:-EDGE]}{CUT}" if line.endswith(_CUT_HERE) else line.replace(_CUT_HERE, CUT)

"""Command line arguments of a Message Server as values: -host, -port and -app. Pure."""

import re
import shlex
from collections.abc import Iterable
from itertools import pairwise

NAMES = ("-host", "-port", "-app")
_QUOTED = re.compile(r"""['"\\#]""")
"""Without any of these blanks alone part the words, which is quick to find out."""


def parsed(text: str) -> dict[str, str]:
    """{-host, -port, -app: value} of those that ``text`` gives; what cannot be read gives nothing."""
    if not _QUOTED.search(text):
        return values(text.split())
    try:
        return values(shlex.split(text))
    except ValueError:
        return {}


def values(words: Iterable[str]) -> dict[str, str]:
    """The same of arguments that are apart already; the last one of a name counts."""
    return {name: value for name, value in pairwise(words) if name in NAMES}

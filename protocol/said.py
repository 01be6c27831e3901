"""What somebody else says, such that every database, page and log takes it, and no larger than anything honest.

Each door (reports of hosts, machines that join, what peers tell control) puts all that comes in through it through
here, once.
"""

import math
import re
from typing import Any

TEXT_MAX, KEY_MAX, ENTRIES_MAX, DEEPEST = 20_000, 255, 10_000, 16
"""Characters of a text and of a name, entries of a list or mapping, and how deep these are within one another."""
LARGEST = 2**53
"""Whole numbers up to it are exact in JSON, whoever reads it."""
# Half of a pair of surrogates is no character and cannot be encoded; PostgreSQL takes no NUL.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


def legible(text: Any, longest: int = TEXT_MAX) -> str:
    """``text`` in at most ``longest`` characters that can all be written, "" for what is no text."""
    if not isinstance(text, str):
        return ""
    if len(text) <= longest and text.isascii() and "\0" not in text:
        # Thousands of log records a second are mostly this.
        return text
    kept = _UNWRITABLE.sub("�", text[:longest + 1])
    return kept if len(kept) <= longest else kept[:longest - 1] + "…"


def is_legible(text: str) -> bool:
    """Whether every character of ``text`` can be written, and kept by every database."""
    return not _UNWRITABLE.search(text)


def number(value: Any, least: float, most: float) -> Any:
    """``value`` when it is a number from ``least`` to ``most``, else None. Never raises, however large it is."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and least <= value <= most else None


def storable(value: Any, depth: int = 0) -> Any:
    """``value``, made of what JSON has, as every database takes it: texts are ``legible``; what is longer, deeper, no
    finite number or of another kind is left out."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return legible(value)
    if isinstance(value, int):
        return number(value, -LARGEST, LARGEST)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth < DEEPEST and isinstance(value, list | tuple):
        return [storable(each, depth + 1) for each in value[:ENTRIES_MAX]]
    if depth < DEEPEST and isinstance(value, dict):
        return {legible(str(key), KEY_MAX): storable(each, depth + 1)
                for key, each in list(value.items())[:ENTRIES_MAX]}
    return None

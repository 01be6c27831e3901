"""Lines of a CSV file for spreadsheets, in which no text is a formula. Pure."""

import csv
import io
from collections.abc import Iterable

BOM = "\ufeff"
"""Without it Excel takes the file for one in the local 8-bit code page."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A cell that begins so is run as a formula by spreadsheets, unless an apostrophe stands before it."""


def cell(value: object) -> str:
    """``value`` as a cell that shows it and does nothing else."""
    text = "" if value is None else str(value).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return f"'{text}" if text.startswith(FORMULA) else text


def line(values: Iterable[object]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow([cell(value) for value in values])
    return buffer.getvalue()

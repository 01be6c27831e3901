"""Names of objects as one line of text: with commas between them, in quotes where a name holds one itself. Pure."""

import csv
import io
from collections.abc import Iterable


def names_in(text: str) -> tuple[str, ...]:
    """The names of ``text``, each once. Raises ValueError for quotes that are not closed."""
    line = text.replace("\r\n", ",").replace("\n", ",").replace("\r", ",")
    try:
        rows = list(csv.reader([line], skipinitialspace=True, strict=True))
    except csv.Error:
        raise ValueError("has a quote that is not closed, or something behind one. Write \"a, b\", c.") from None
    return tuple(dict.fromkeys(name for row in rows for each in row if (name := each.strip())))


def as_text(names: Iterable[str]) -> str:
    """``names`` as ``names_in`` reads them."""
    return ", ".join(map(quoted, names))


def quoted(name: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([name])
    return line.getvalue()


def parted(text: str) -> tuple[str, str]:
    """(what is written already, with the comma and the blanks behind it; what is being typed now)."""
    quote, cut = False, 0
    for place, sign in enumerate(text):
        if sign == '"':
            quote = not quote
        elif sign == "," and not quote:
            cut = place + 1
    typed = text[cut:].lstrip()
    return text[:len(text) - len(typed)], typed.strip(' "')

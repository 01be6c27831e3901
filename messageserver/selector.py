"""Which messages of a destination a subscription wants, by the headers that their senders gave them: equality only."""

import re
from dataclasses import dataclass

from .frames import Refusal
from .stomp import escape

MAX_COMPARISONS = 16
UNDERSTOOD = ("it is name = 'text' or name <> 'text', several of them joined by AND, with texts in single quotes and "
              "names that need it in double quotes")
_WORD = r"[A-Za-z_$][A-Za-z0-9_$.-]*"
_COMPARISON = re.compile(
    rf"""\s*(?:(?!(?:and|or|not|between|in|is|like|escape|null|true|false)\b(?!-))(?P<bare>{_WORD})|"(?P<quoted>(?:[^"]|"")+)")"""
    r"""\s*(?P<operator>=|<>)\s*(?:'(?P<text>(?:[^']|'')*)'|(?P<number>-?[0-9]+(?:\.[0-9]+)?)(?![\w.]))\s*""",
    re.IGNORECASE)
_AND = re.compile(r"AND\b", re.IGNORECASE)


@dataclass(frozen=True)
class Comparison:
    """``line`` is the header as it is stored, between two line ends; ``name`` how it begins. ``equal``: it must be
    there; else the header must be there with another value."""

    name: bytes
    line: bytes
    equal: bool


@dataclass(frozen=True)
class Selector:
    """All of ``comparisons`` must hold."""

    comparisons: tuple[Comparison, ...]

    def selects(self, headers: bytes) -> bool:
        """Whether a record with these ``headers`` (STOMP lines) is wanted."""
        lines = b"\n" + headers
        return all(each.line in lines if each.equal else each.name in lines and each.line not in lines
                   for each in self.comparisons)

    def condition(self) -> tuple[str, list[bytes]]:
        """The same in SQL: what follows WHERE and AND, and its values."""
        parts, values = [], []
        for each in self.comparisons:
            for sought, there in ((each.line, True),) if each.equal else ((each.name, True), (each.line, False)):
                parts.append(f" AND instr(CAST(x'0a' || headers AS BLOB), ?) {'> 0' if there else '= 0'}")
                values.append(sought)
        return "".join(parts), values


def parse(text: str) -> Selector:
    """Raises Refusal for whatever is not understood."""
    comparisons: list[Comparison] = []
    at = 0
    while True:
        found = _COMPARISON.match(text, at)
        if found is None:
            raise Refusal(f"The selector is not understood at {text[at : at + 40]!r}: {UNDERSTOOD}.")
        comparisons.append(_comparison(found))
        at = found.end()
        if at == len(text):
            break
        conjunction = _AND.match(text, at)
        if conjunction is None:
            raise Refusal(f"The selector is not understood at {text[at : at + 40]!r}: {UNDERSTOOD}.")
        at = conjunction.end()
    if len(comparisons) > MAX_COMPARISONS:
        raise Refusal(f"The selector has {len(comparisons)} comparisons; it may have {MAX_COMPARISONS}.")
    return Selector(tuple(comparisons))


def _comparison(found: re.Match[str]) -> Comparison:
    name = found["bare"] if found["bare"] is not None else found["quoted"].replace('""', '"')
    value = found["number"] if found["number"] is not None else found["text"].replace("''", "'")
    begin = f"\n{escape(name)}:"
    return Comparison(begin.encode(), f"{begin}{escape(value)}\n".encode(), found["operator"] == "=")

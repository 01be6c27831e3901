"""What an option may be set to, as an Application Template says it: ``true, false``, ``1-600``, ``false, 1-100 MB``.

Alternatives are joined by commas: a word, a range of whole numbers, or such a range with a unit behind a blank. Words
and units do not tell upper from lower case. An empty value is always valid: it leaves the choice to the server.
"""

import re
from dataclasses import dataclass

_WORD = re.compile(r"[^\s,]+\Z")
_RANGE = re.compile(r"(\d{1,15})-(\d{1,15})(?: (\S+))?\Z", re.ASCII)
_NUMBER = re.compile(r"(\d{1,15})(?: +(\S+))?\Z", re.ASCII)


@dataclass(frozen=True)
class Range:
    """Whole numbers from ``low`` to ``high``, with ``unit`` behind them unless it is ""."""

    low: int
    high: int
    unit: str = ""

    def allows(self, value: str) -> bool:
        match = _NUMBER.match(value)
        return match is not None and (match[2] or "").casefold() == self.unit.casefold() and (
            self.low <= int(match[1]) <= self.high)

    def __str__(self):
        return f"{self.low} to {self.high}{' ' if self.unit else ''}{self.unit}"


@dataclass(frozen=True)
class ValidValues:
    """The alternatives of one option; none: whatever is typed."""

    words: tuple[str, ...] = ()
    ranges: tuple[Range, ...] = ()

    def allow(self, value: str) -> bool:
        value = value.strip()
        return not value or not (self.words or self.ranges) or (
            value.casefold() in {word.casefold() for word in self.words}) or (
            any(span.allows(value) for span in self.ranges))

    def __str__(self):
        """``true or false``, ``a whole number from 1 to 600``, ``false or 1 to 100 MB``."""
        if len(self.ranges) == 1 and not self.words and not self.ranges[0].unit:
            return f"a whole number from {self.ranges[0]}"
        *first, last = (*self.words, *map(str, self.ranges)) or ("anything",)
        return f"{', '.join(first)} or {last}" if first else last


def read_valid_values(text: str) -> ValidValues:
    """The alternatives in ``text``, none for "". Raises ValueError with the sentence that says what is wrong."""
    words, ranges = [], []
    for part in map(str.strip, text.split(",") if text.strip() else ()):
        if match := _RANGE.match(part):
            if int(match[1]) > int(match[2]):
                raise ValueError(f'"{part[:40]}" ends before it begins.')
            ranges.append(Range(int(match[1]), int(match[2]), match[3] or ""))
        elif _WORD.match(part):
            words.append(part)
        else:
            raise ValueError(f'"{part[:40]}" is neither a word, nor a range such as 1-600 or 1-100 MB.')
    return ValidValues(tuple(words), tuple(ranges))

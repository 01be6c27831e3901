"""What the audit found in words: the headline of a pair, what differs between two values, how a waiver stands. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import SequenceMatcher
from typing import Any

from provisioning.states import Severity, Verdict

SOON = timedelta(days=7)
"""A waiver that ends within so many days is said to end soon."""
WORDS_ALIKE, LETTERS_ALIKE = 0.5, 0.8
"""Below that two values are two values, and marks would be all over them."""
COMPARED_MAX = 2000
"""Longer values are shown without marks: comparing them would keep a page waiting."""
_NOW, _MOMENT = ", now", "%Y-%m-%d %H:%M:%S"
VERDICT_WORDS: dict[str, str] = {Verdict.BROKEN: "Broken", Verdict.AT_RISK: "At risk", Verdict.READY: "Ready"}


def counted(number: int, one: str, many: str = "") -> str:
    """``1 error``, ``1,200 errors``."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def headline(verdict: str, *, errors: int, warnings: int, notes: int, waived: int, passed: int,
             unknown: Sequence[dict[str, Any]]) -> str:
    """The verdict with why, e.g. ``Broken: 1 error, 2 warnings; 3 rules are not known.``"""
    numbers = {Severity.ERROR: errors, Severity.WARNING: warnings, Severity.NOTE: notes}
    found = ", ".join(counted(number, str(severity)) for severity, number in numbers.items() if number)
    codes = unknown_codes(unknown)
    parts = [found or ("nothing is wrong" if codes else f"all {counted(passed, 'rule')} hold")]
    if codes:
        parts.append(f"{counted(len(codes), 'rule')} {'is' if len(codes) == 1 else 'are'} not known")
    if waived:
        parts.append(f"{counted(waived, 'finding')} {'is' if waived == 1 else 'are'} waived")
    return f"{VERDICT_WORDS.get(verdict, verdict)}: {'; '.join(parts)}."


def unknown_codes(unknown: Iterable[dict[str, Any]]) -> list[str]:
    """Codes of the rules that could not be judged, each once, in order."""
    return sorted({code for entry in unknown for code in entry["codes"]})


# --- two values side by side


def differing(one: str, other: str) -> tuple[list[tuple[bool, str]], list[tuple[bool, str]]]:
    """Both values in pieces, (differs, text) each. Values that have little in common are one piece: marks all over
    would show nothing."""
    if one == other or max(len(one), len(other)) > COMPARED_MAX:
        return [(False, one)], [(False, other)]
    ours: Sequence[str]
    theirs: Sequence[str]
    ours, theirs = (re.findall(r"\w+|\s+|[^\w\s]", text) for text in (one, other))
    match = SequenceMatcher(None, ours, theirs, autojunk=False)
    if match.ratio() < WORDS_ALIKE:
        # Two names that differ in a letter or two have no word in common.
        ours, theirs = one, other
        match = SequenceMatcher(None, ours, theirs, autojunk=False)
        if match.ratio() < LETTERS_ALIKE:
            return [(False, one)], [(False, other)]
    left, right = [], []
    for kind, a, b, c, d in match.get_opcodes():
        differs = kind != "equal"
        left += [(differs, "".join(ours[a:b]))] if b > a else []
        right += [(differs, "".join(theirs[c:d]))] if d > c else []
    return left, right


def in_the_past(values: Iterable[Sequence[str]]) -> list[tuple[str, str]]:
    """The labelled values of a finding that is over: what was found "now" was found then."""
    return [(f"{label.removesuffix(_NOW)}, then" if label.endswith(_NOW) else label, text) for label, text in values]


def span(since: datetime, until: datetime) -> str:
    """``2026-11-29 21:57:34 to 22:10:04`` in the zone of ``since``; a moment is no span, and a day is said once."""
    first, last = since.replace(microsecond=0), until.astimezone(since.tzinfo).replace(microsecond=0)
    if last <= first:
        return f"{first:{_MOMENT}}"
    return f"{first:{_MOMENT}} to {last:{'%H:%M:%S' if last.date() == first.date() else _MOMENT}}"


# --- waivers


@dataclass(frozen=True)
class Standing:
    """``state``: active, soon or ended; ``sentence`` says why it ended, or "" while it is active."""

    state: str
    sentence: str = ""

    @property
    def holds(self) -> bool:
        return self.state != "ended"


def standing(*, today: date, expires_on: date, fact: str, now_fact: str | None, ended_by: str = "",
             ended: bool = False) -> Standing:
    """How a waiver stands. ``now_fact``: fingerprint of what is found now under its code and subject, None when nothing
    is; ``ended_by``: who withdrew it, "" when another waiver took its place."""
    if ended:
        return Standing("ended", f"Withdrawn by {ended_by}." if ended_by else "Another waiver took its place.")
    if expires_on < today:
        return Standing("ended", "It expired by itself.")
    if now_fact is None:
        return Standing("ended", "The finding is gone.")
    if now_fact != fact:
        return Standing("ended", "What is found now is not what was waived.")
    return Standing("soon" if expires_on - today <= SOON else "active")

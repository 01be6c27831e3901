"""Pairwise's own events are one table, which docs/events.md shows."""

import re
from itertools import count
from pathlib import Path

import pytest

from docs import events
from protocol.events import ALARM, KINDS, STANDARD, Own, level_of

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_up_to_date():
    assert events.PAGE.read_text() == events.page(), "run: python -m docs.events"


def test_numbers_follow_each_other_and_each_has_its_level_and_text():
    assert [int(number) for number in Own] == [number for number, _ in zip(count(20100), Own, strict=False)]
    assert KINDS.keys() == set(Own)
    assert {kind.level for kind in KINDS.values()} == {ALARM, STANDARD}


@pytest.mark.parametrize("number", Own)
def test_each_is_told_somewhere(number):
    told = [path for package in ("control", "messageserver") for path in (ROOT / package).glob("*.py")
            if re.search(rf"\bOwn\.{number.name}\b", path.read_text())]
    assert told


def test_a_number_of_somebody_else_keeps_its_level():
    assert level_of(Own.DISPUTED) == ALARM
    assert level_of(5094, "trace") == "trace"

"""Pairwise's own events are one table, which docs/events.md shows."""

import re
from functools import cache

import pytest

from docs import events
from protocol.events import ALARM, KINDS, STANDARD, Own, level_of, number_in, written
from tests.sources import ROOT


def test_the_page_is_up_to_date():
    assert events.PAGE.read_text() == events.page(), "run: python -m docs.events"


def test_numbers_follow_each_other_and_each_has_its_level_and_text():
    assert [int(number) for number in Own] == [*range(20100, 20100 + len(Own))]
    assert KINDS.keys() == set(Own)
    assert {kind.level for kind in KINDS.values()} == {ALARM, STANDARD}


@cache
def told() -> frozenset[str]:
    """Names of the numbers that some module tells."""
    return frozenset(name for place in ("control/*.py", "messageserver/*.py", "hostagent/*.py", "protocol/log_*.py",
                                        "provisioning/*/worker/*.py", "provisioning/audit/*.py",
                                        "provisioning/accounts/services/*.py", "provisioning/logs/**/*.py",
                                        "provisioning/monitoring/**/*.py", "provisioning/shipping/rules/*.py")
                     for path in ROOT.glob(place) for name in re.findall(r"\bOwn\.(\w+)", path.read_text()))


@pytest.mark.parametrize("number", Own)
def test_each_is_told_somewhere(number):
    assert number.name in told()


def test_a_number_of_somebody_else_keeps_its_level():
    assert level_of(Own.DISPUTED) == ALARM
    assert level_of(5094, "trace") == "trace"


@pytest.mark.parametrize(("number", "text"), [
    (0, ""), (3000, "00-03000"), (8002, "00-08002"), (10327, "43-10327"), (20001, "42-20001"), (20119, "42-20119")])
def test_a_number_is_written_in_one_way_and_found_again(number, text):
    assert written(number) == text
    for typed in (text, text[3:], str(number), f" {text} "):
        assert not text or number_in(typed) == number


@pytest.mark.parametrize("text", ["", "x", "00-", "-5061", "0-5061", "00-5061-1", "²", "1234567"])
def test_what_is_no_number_of_an_event_is_said(text):
    with pytest.raises(ValueError, match="write it as 00-05061"):
        number_in(text)


def test_pages_logs_and_documents_leave_it_to_one_place():
    writers = [str(path.relative_to(ROOT)) for folder in ("messageserver", "control", "provisioning", "templates")
               for path in (ROOT / folder).rglob("*.*") if path.suffix in (".py", ".html")
               and re.search(r"number[^\n]{0,30}:?05d|stringformat:.05d", path.read_text())]
    assert writers == []


def test_documents_write_a_number_with_its_type():
    bare = [f"{path.name}: {found[0]}" for path in (ROOT / "docs").rglob("*.md")
            for found in re.finditer(r"\bevents? `?\d{4,5}\b(?!-)|^\| \d{4,5} ?[|,]", path.read_text(), re.MULTILINE)]
    assert bare == []

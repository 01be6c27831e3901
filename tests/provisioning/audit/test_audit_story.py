"""Sentences of the audit, what differs between two values, step charts."""

from datetime import UTC, date, datetime, timedelta

import pytest

from provisioning.audit.story import differing, headline, in_the_past, span, standing
from provisioning.audit.trends import HEIGHT, LEFT, WIDTH, Point, step_chart

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
UNKNOWN = [{"sentence": "a", "severity": "error", "codes": ["A28", "A29"]},
           {"sentence": "b", "severity": "note", "codes": ["A29", "A37"]}]


def said(verdict, **numbers):
    found = {"errors": 0, "warnings": 0, "notes": 0, "waived": 0, "passed": 40, "unknown": [], **numbers}
    return headline(verdict, **found)


@pytest.mark.parametrize(("sentence", "expected"), [
    (said("broken", errors=1, warnings=2, unknown=UNKNOWN), "Broken: 1 error, 2 warnings; 3 rules are not known."),
    (said("at risk", unknown=UNKNOWN[:1]), "At risk: nothing is wrong; 2 rules are not known."),
    (said("ready"), "Ready: all 40 rules hold."),
    (said("ready", notes=1, waived=1), "Ready: 1 note; 1 finding is waived."),
])
def test_the_headline_says_the_verdict_and_why(sentence, expected):
    assert sentence == expected


def test_values_that_were_found_now_are_of_then_once_the_finding_is_over():
    assert in_the_past([["Status, wanted", "Started"], ["Status, now", "Initializing"]]) == [
        ("Status, wanted", "Started"), ("Status, then", "Initializing")]


@pytest.mark.parametrize(("later", "said"), [
    (timedelta(milliseconds=300), "2026-05-01 12:00:00"),
    (timedelta(minutes=5), "2026-05-01 12:00:00 to 12:05:00"),
    (timedelta(hours=13), "2026-05-01 12:00:00 to 2026-05-02 01:00:00"),
])
def test_a_span_names_a_moment_once_and_a_day_once(later, said):
    assert span(NOW, NOW + later) == said


def test_what_differs_between_two_values_is_marked_word_by_word():
    assert differing("-host a -port 2020", "-host b -port 2020") == (
        [(False, "-host "), (True, "a"), (False, " -port 2020")],
        [(False, "-host "), (True, "b"), (False, " -port 2020")])


def test_names_that_differ_in_a_letter_are_marked_there():
    assert differing("MS_Backup", "MS_Bakcup") != differing("MS_Backup", "MS_Backup")
    assert differing("MS_Backup", "MS_Backu4") == (
        [(False, "MS_Backu"), (True, "p")], [(False, "MS_Backu"), (True, "4")])


@pytest.mark.parametrize(("one", "other"), [("Yes", "No"), ("same", "same"), ("a " * 2000, "b " * 2000)])
def test_values_that_are_equal_or_have_little_in_common_get_no_marks(one, other):
    assert differing(one, other) == ([(False, one)], [(False, other)])


TODAY = date(2026, 5, 1)


@pytest.mark.parametrize(("fields", "state", "sentence"), [
    ({}, "active", ""), ({"expires_on": TODAY + timedelta(days=7)}, "soon", ""), ({"expires_on": TODAY}, "soon", ""),
    ({"expires_on": TODAY - timedelta(days=1)}, "ended", "It expired by itself."),
    ({"now_fact": None}, "ended", "The finding is gone."),
    ({"now_fact": "other"}, "ended", "What is found now is not what was waived."),
    ({"ended": True, "ended_by": "max"}, "ended", "Withdrawn by max."),
    ({"ended": True}, "ended", "Another waiver took its place."),
])
def test_a_waiver_stands_or_says_why_it_ended(fields, state, sentence):
    found = standing(**{"today": TODAY, "expires_on": TODAY + timedelta(days=90), "fact": "f", "now_fact": "f",
                        **fields})
    assert (found.state, found.sentence) == (state, sentence)


def test_a_chart_is_level_until_the_next_result_and_ends_now():
    points = [Point(NOW - timedelta(hours=2), (0, 4)), Point(NOW - timedelta(hours=1), (2, 4))]
    chart = step_chart(points, [("Errors", "broken"), ("Warnings", "at-risk")], until=NOW)
    errors, warnings = chart.lines
    assert errors.path == f"M{LEFT}.0 {HEIGHT - 20}.0H213.0V51.0H{WIDTH - 8}.0"
    assert warnings.path == f"M{LEFT}.0 10.0H213.0H{WIDTH - 8}.0"
    assert (errors.last, warnings.last) == (2, 4)
    assert [tick.text for tick in chart.numbers] == ["0", "2", "4"]
    assert chart.times[0].text == "10:00"
    assert chart.description == (
        "Since 2026-05-01 10:00 UTC: Errors went from 0 to 2; Warnings 4 at the beginning and now.")


def test_results_within_minutes_are_told_apart_by_seconds():
    chart = step_chart([Point(NOW - timedelta(seconds=90), (0,)), Point(NOW, (1,))], [("Errors", "broken")], until=NOW)
    assert [tick.text for tick in chart.times] == ["11:58:30", "11:59:15", "12:00:00"]


def test_one_result_is_no_chart():
    assert step_chart([Point(NOW, (1,))], [("Errors", "broken")], until=NOW) is None


def test_results_of_one_moment_can_be_drawn():
    chart = step_chart([Point(NOW, (0,)), Point(NOW, (1,))], [("Errors", "broken")], until=NOW)
    assert chart.lines[0].last == 1
    assert len(chart.times) == 2

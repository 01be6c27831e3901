"""Control is told what is new: whole reports when something changed, counters now and then."""

from dataclasses import replace

from messageserver.reports import WHOLE_EVERY_S, Reports
from protocol.server_messages import Progress, Report

FIRST = Report(state="started", role="primary", epoch=3, last_seq=10, digest="aa", clients=2, clock=1000.0)


def later(report: Report, **fields) -> Report:
    return replace(report, clock=report.clock + 1, **fields)


def test_the_first_report_of_a_connection_is_whole():
    assert Reports(5.0).next(FIRST, 0.0) == FIRST


def test_a_control_that_does_not_say_how_often_gets_whole_reports():
    telling = Reports(0.0)
    assert [telling.next(later(FIRST), float(now)) for now in range(3)] == [later(FIRST)] * 3


def test_counters_are_told_as_often_as_control_says():
    telling = Reports(5.0)
    telling.next(FIRST, 0.0)
    moved = later(FIRST, last_seq=11, digest="bb")
    assert telling.next(moved, 4.9) is None
    assert telling.next(moved, 5.0) == Progress(last_seq=11, digest="bb", clients=2, clock=1001.0)


def test_that_nothing_but_time_goes_on_is_not_told():
    telling = Reports(1.0)
    telling.next(FIRST, 0.0)
    assert [telling.next(later(FIRST), float(now)) for now in range(2, 9)] == [None] * 7


def test_what_is_not_a_counter_is_told_at_once_and_whole():
    telling = Reports(5.0)
    telling.next(FIRST, 0.0)
    changed = later(FIRST, last_seq=11, state="service_unavailable", reason="The disk is full.")
    assert telling.next(changed, 0.1) == changed
    assert telling.next(later(changed), 0.2) is None


def test_once_a_minute_everything_is_told_again():
    telling = Reports(5.0)
    telling.next(FIRST, 0.0)
    assert telling.next(FIRST, WHOLE_EVERY_S) == FIRST


def test_progress_has_no_field_that_a_report_has_not():
    assert set(Progress.__dataclass_fields__) <= set(Report.__dataclass_fields__)

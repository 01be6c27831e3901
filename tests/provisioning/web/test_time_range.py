"""From when until when a list tells: one declaration for all lists of what happened."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict

from provisioning.history.forms import HistoryFilter
from provisioning.logs.forms import LogFilter
from provisioning.monitoring.forms import EventFilter
from provisioning.pairs.forms.filters import ChangesFilter
from provisioning.web.time_range import SINCE_FAILOVER, TimeRange, TimeRangeFilter

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
FAILED_OVER = datetime(2026, 11, 29, 3, tzinfo=UTC)


def parts(query: str, failover=lambda **others: FAILED_OVER):
    return EventFilter(QueryDict(query)).parts(failover, now=NOW)


@pytest.mark.parametrize("filter_class", [LogFilter, EventFilter, HistoryFilter, ChangesFilter])
def test_every_such_list_has_the_same_fields(filter_class):
    own = filter_class.base_fields
    assert issubclass(filter_class, TimeRangeFilter)
    assert all(own[name].widget.__class__ is field.widget.__class__ and own[name].label == field.label
               for name, field in TimeRangeFilter.base_fields.items())


@pytest.mark.parametrize(("query", "since", "until"), [
    ("", None, None), ("time=hour", NOW - timedelta(hours=1), None), ("time=week", NOW - timedelta(days=7), None),
    ("since=2026-11-29T04:00&until=2026-11-30T04:00", datetime(2026, 11, 29, 4, tzinfo=UTC),
     datetime(2026, 11, 30, 4, tzinfo=UTC)),
    ("time=hour&since=2020-01-01T00:00&until=2020-01-02T00:00", NOW - timedelta(hours=1), None),
    ("time=failover", FAILED_OVER, None), ("time=never&since=rubbish&until=9999999", None, None)])
def test_what_an_address_says(query, since, until):
    within, rest = parts(query)
    assert (within, rest) == (TimeRange(since, until), {})


def test_the_last_failover_is_asked_for_with_the_rest_of_the_filter_and_only_then():
    asked = []
    query = f"time={SINCE_FAILOVER}&application=MS_1&level=alarm"
    _, rest = parts(query, lambda **others: asked.append(others))
    assert asked == [rest] == [{"application": "MS_1", "level": "alarm"}]
    parts("time=hour&application=MS_1", lambda **others: asked.append(others))
    assert len(asked) == 1


def test_without_a_failover_the_range_has_no_beginning():
    assert parts("time=failover", lambda **others: None)[0] == TimeRange()


@pytest.mark.parametrize(("query", "said"), [
    ("time=hour&since=2026-11-29T04:00", {"since": ["Choose either this or a Time."]}),
    ("since=2026-11-29T05:00&until=2026-11-29T04:00", {"until": ["This is not after From."]}),
    ("since=2026-11-29T05:00:07&until=2026-11-29T05:00:08", {}), ("time=hour", {}),
    ("since=soon", {"since": ["Write a date and a time, for example 2026-11-30 11:03."]})])
def test_what_does_not_count_is_said(query, said):
    assert EventFilter(QueryDict(query)).errors == said


@pytest.mark.parametrize("moment", ["0001-01-01T00:00", "9999-12-31T23:59"])
def test_a_moment_at_an_edge_of_the_calendar_filters_nothing(moment, settings):
    """In another time zone there is none such."""
    settings.TIME_ZONE = "Asia/Tokyo"
    within, _ = parts(f"since={moment}&until={moment}")
    assert within == TimeRange()

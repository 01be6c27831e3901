"""Where a tab starts to read the stream of changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.web.stream_position import Position, entry_key, start_position


def position(*, last="", since="", first="100-0", tip="200-5"):
    return start_position(last_event_id=last, since_ms=since, first=first, tip=tip)


def test_a_new_tab_reads_only_what_comes_from_now_on():
    assert position() == Position("200-5")


def test_a_tab_that_comes_back_reads_on_where_it_stopped():
    assert position(last="150-2") == Position("150-2")


def test_a_tab_that_saw_everything_reads_on_without_a_gap():
    assert position(last="200-5", first=None) == Position("200-5")


def test_what_was_trimmed_from_the_stream_is_a_gap():
    assert position(last="99-9") == Position("99-9", gap=True)


def test_an_empty_stream_that_gave_out_ids_before_is_a_gap():
    assert position(last="99-9", first=None, tip="0-0") == Position("0-0", gap=True)


def test_an_id_ahead_of_the_stream_belongs_to_a_stream_that_was_lost():
    assert position(last="300-0") == Position("200-5", gap=True)


def test_a_page_made_a_moment_ago_reads_from_a_little_before_it():
    assert position(since="5000", tip="9000-1") == Position("3000-0")


def test_a_page_clock_ahead_of_redis_reads_from_the_tip():
    assert position(since="999999", tip="9000-1") == Position("9000-1")


@pytest.mark.parametrize("rubbish", ["x", "1-", "-1", "1-2-3", "1" * 30 + "-0", "1-0\n", "$"])
def test_a_malformed_id_counts_as_not_given(rubbish):
    assert position(last=rubbish) == Position("200-5")


@pytest.mark.parametrize("rubbish", ["-5", "1.5", "now", "1" * 30])
def test_a_malformed_time_counts_as_not_given(rubbish):
    assert position(since=rubbish) == Position("200-5")


@given(st.text(max_size=40), st.text(max_size=20))
def test_whatever_a_browser_sends_the_position_is_one_that_redis_takes(last, since):
    assert entry_key(position(last=last, since=since).after) >= (0, 0)

"""What the reader of log records decides, without a server and without a database."""

import json
from dataclasses import replace

import pytest

from protocol.log_records import NO_NUMBER, LogRecord
from provisioning.logs.rules.messages import (
    LATEST_MS,
    SHOWN_CHARACTERS,
    First,
    Opening,
    Position,
    event_of,
    first,
    opening,
    removed,
    row_of,
    seen,
)

PLACE = {"epoch": "3", "seq": "17", "timestamp": "1800000000500"}
SAID = LogRecord(number="00-04504", level="alarm", application="MS_A", text="It is lost: über", type="MessageServer",
                 host="alpha", at_ms=1_800_000_000_123, category="audit", attributes={"peer": "MS_B"})


def kept(said: LogRecord = SAID, **changes):
    return row_of(said.destination(), {**said.headers(), **PLACE, **changes}, said.text.encode())


def test_everything_of_a_record_is_kept():
    row, is_readable = kept()
    assert is_readable
    assert (row.epoch, row.seq, row.at, row.received) == (3, 17, 1_800_000_000_123, 1_800_000_000_500)
    assert (row.level, row.number, row.event, row.category) == ("alarm", "00-04504", 4504, "audit")
    assert (row.application, row.type, row.host, row.text) == ("MS_A", "MessageServer", "alpha", "It is lost: über")
    assert json.loads(row.attributes) == {"peer": "MS_B"}


def test_what_is_no_event_has_no_number():
    row, _ = kept(replace(SAID, number=NO_NUMBER))
    assert (row.number, row.event) == ("", 0)


@pytest.mark.parametrize("taken", ["MS_A", "ms_a", " MS_A", "MS_A\u200b", "MS_A\u00a0", "\uff2dS_A"])
def test_a_client_that_takes_what_looks_like_the_name_of_a_server_is_shown_under_its_own(taken):
    said = replace(SAID, application=taken)
    row, _ = row_of(said.destination(), {**said.headers(), **PLACE, "login": "bench"}, b"x", {seen("MS_A")})
    assert (row.application, json.loads(row.attributes)["named"]) == ("bench", taken)
    row, _ = row_of(said.destination(), {**said.headers(), **PLACE}, b"x", {seen("MS_A")})
    assert row.application == taken, "of the console's own publishers, which the server looked at"


@pytest.mark.parametrize("at_ms", [0, LATEST_MS + 1])
def test_a_record_without_a_time_or_of_another_age_is_of_the_moment_it_was_received(at_ms):
    row, _ = kept(LogRecord(number="00-04504", level="trace", application="MS_A", text="x", at_ms=at_ms))
    assert row.at == row.received == 1_800_000_000_500


@pytest.mark.parametrize(("destination", "headers", "body", "says"), [
    ("/log/foo", {"event": "00-04504", "application": "MS_A"}, b"x", "/log/foo"),
    ("/log/standard", {"application": "MS_A"}, b"x", "is no log record"),
    ("/log/standard", {"event": "00-04504"}, b"x", "is no log record"),
    ("/log/standard", {"event": "00-04504", "application": "MS_A"}, b"\xff\xfe", "text of a log record is UTF-8"),
    ("/log/standard", {"event": "00-04504", "application": "MS_A"}, b"x" * 5000, "is no log record")])
def test_what_is_no_log_record_is_kept_as_one_that_says_so(destination, headers, body, says):
    row, is_readable = row_of(destination, {**headers, **PLACE}, body)
    assert not is_readable
    assert (row.seq, row.event, row.number) == (17, 0, "")
    assert row.level == "standard"
    assert says in row.text
    assert row.text.startswith(f"A message to {destination} is no log record: ")
    assert len(row.text) < 3 * SHOWN_CHARACTERS


def test_whatever_a_record_holds_can_be_kept_by_every_database():
    said = LogRecord(number="00-04504", level="standard", application="A" * 4000, text="a\0b", type="T" * 999,
                     host="h\0", attributes={"k" * 999: "v\0"})
    row, _ = kept(said)
    assert (len(row.application), len(row.type)) == (255, 64)
    assert "\0" not in "".join([row.text, row.host, row.attributes])
    assert "\\u0000" not in row.attributes


@pytest.mark.parametrize(("number", "event"), [("00-04504", 4504), ("4504", 4504), ("", 0), ("word", 0)])
def test_the_number_of_an_event_is_told_from_its_type(number, event):
    assert event_of(number) == event


@pytest.mark.parametrize(("position", "last_seq", "begins"), [
    (Position(), 0, Opening(1)), (Position(), 100, Opening(1)),
    (Position(2, 50), 100, Opening(50, Position(2, 50))),  # the last one once more: it shows that the log is the same
    (Position(2, 50), 50, Opening(50, Position(2, 50))),
    (Position(2, 50), 49, Opening(1))])
def test_where_a_subscription_begins(position, last_seq, begins):
    assert opening(position, last_seq) == begins


@pytest.mark.parametrize(("at", "first_seq", "what"), [
    (Position(2, 50), 1, First.KNOWN),
    (Position(3, 50), 1, First.ANOTHER_LOG),  # another message has its number: the former one was given up
    (Position(3, 60), 1, First.ANOTHER_LOG),  # it is not there, although nothing was removed
    (Position(3, 60), 55, First.NEW)])  # it was removed as too old
def test_what_the_first_message_says(at, first_seq, what):
    assert first(Opening(50, Position(2, 50)), at, first_seq) is what


def test_of_a_log_that_is_read_from_its_beginning_every_message_is_new():
    assert first(Opening(1), Position(1, 1), 1) is First.NEW


@pytest.mark.parametrize(("position", "first_seq", "count"), [
    (Position(), 100, 0), (Position(2, 50), 51, 0), (Position(2, 50), 61, 10), (Position(2, 50), 1, 0)])
def test_messages_that_were_removed_before_they_were_read_are_counted(position, first_seq, count):
    assert removed(position, first_seq) == count

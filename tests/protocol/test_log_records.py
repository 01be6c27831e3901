"""A record of the centralized log, and what a message has to say to be one."""

import pytest

from protocol.log_records import ATTRIBUTES_MAX, LEVELS, TEXT_BYTES, LogRecord, read

RECORD = LogRecord("00-04504", "standard", "MS_Primary", "The connection is lost: Ä", "MessageServer", "alpha",
                   1_700_000_000_123, "audit", {"peer": "10.0.0.1", "n": ""})
HEADERS = {"event": "42-20102", "application": "MS"}


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_written_reads_back(level):
    record = LogRecord(**{**vars(RECORD), "level": level})
    assert read(record.destination(), record.headers(), record.text.encode()) == record


def test_what_is_not_said_is_not_written():
    record = LogRecord("00-04504", "trace", "MS", "")
    assert record.headers() == {"event": "00-04504", "application": "MS", "category": "application"}
    assert read("/log/trace", HEADERS, b"x") == LogRecord("42-20102", "trace", "MS", "x")


@pytest.mark.parametrize(("destination", "headers", "body", "words"), [
    ("/log/foo", {}, b"", "/log/foo is no log level: use alarm, standard, interaction or trace."),
    ("standard", {}, b"", "no log level"), ("/log/standard/x", {}, b"", "no log level"),
    ("/log/alarm", {"event": ""}, b"", "needs the header event"),
    ("/log/alarm", {"event": "4504"}, b"", "needs the header event"),
    ("/log/alarm", {"event": "00-٠٠٠٠١"}, b"", "needs the header event"),
    ("/log/alarm", {"application": ""}, b"", "needs the header application"),
    ("/log/alarm", {"host": "h" * 256}, b"", "header host"),
    ("/log/alarm", {"category": "other"}, b"", "application or audit"),
    ("/log/alarm", {"time": "yesterday"}, b"", "milliseconds"), ("/log/alarm", {"time": "9" * 15}, b"", "milliseconds"),
    ("/log/alarm", {"time": "-1"}, b"", "milliseconds"), ("/log/alarm", {"time": "9" * 5000}, b"", "milliseconds"),
    ("/log/alarm", {}, b"x" * (TEXT_BYTES + 1), "at most 4096 bytes"), ("/log/alarm", {}, b"\xff", "UTF-8"),
    ("/log/alarm", {f"attr.{n}": "" for n in range(ATTRIBUTES_MAX + 1)}, b"", "at most 50 attributes"),
    ("/log/alarm", {"attr.": "x"}, b"", "has a name"), ("/log/alarm", {"attr.a": "x" * 1024}, b"", "1024 characters")])
def test_what_is_no_record_is_told_in_a_sentence(destination, headers, body, words):
    with pytest.raises(ValueError, match=words.replace(".", r"\.")):
        read(destination, HEADERS | headers, body)

"""How much of one application on one host is kept, and that what is left out is counted."""

import pytest

from protocol.log_records import LogRecord
from provisioning.logs.rules import storms
from provisioning.logs.rules.messages import row_of
from provisioning.logs.rules.storms import bounded, remembered

BEGIN = 1_800_000_000_000


def row(seq, ms, **said):
    record = LogRecord(**{"number": "00-04504", "level": "trace", "application": "MS_A", "host": "alpha",
                          "text": f"Said {seq}", **said})
    return row_of(record.destination(), {**record.headers(), "epoch": "1", "seq": str(seq),
                                         "timestamp": str(BEGIN + ms)}, record.text.encode())[0]


def said(rows, per_second=1, spoken=None, at_once=1000):
    """(kept rows, {seq: text of the record that counts there}), ``at_once`` rows of a transaction."""
    spoken, kept, counts = {} if spoken is None else spoken, [], {}
    for first in range(0, len(rows), at_once):
        found = bounded(spoken, rows[first:first + at_once], per_second)
        remembered(spoken, found.spoken)
        kept += found.kept
        counts |= {each.seq: each for each in found.counts}
    return kept, counts


def test_what_is_said_at_the_bound_is_kept_for_ever():
    rows = [row(seq, 500 * seq) for seq in range(2000)]
    assert said(rows, per_second=2) == (rows, {})


def test_a_burst_of_a_minute_is_kept_and_what_is_beyond_is_counted_in_its_place():
    rows = [row(seq, 0) for seq in range(100)]
    kept, counts = said(rows)
    assert kept == rows[:60]
    [counting] = counts.values()
    assert (counting.seq, counting.epoch, counting.received) == (60, 1, BEGIN)
    assert (counting.application, counting.host, counting.type) == ("MS_A", "alpha", "")
    assert (counting.number, counting.event, counting.level, counting.category) == (
        "42-20123", 20123, "standard", "application")
    assert counting.text == ("From here on 40 log records were left out of those of MS_A on alpha with level trace: "
                             "within a minute there came more than 1 a second.")


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_nothing_is_neither_kept_nor_counted_however_the_rows_come(at_once):
    rows = [row(seq, 100 * seq) for seq in range(2400)]
    kept, counts = said(rows, at_once=at_once)
    assert len(kept) == 60 + 239
    assert sum(int(each.text.split()[3]) for each in counts.values()) == 2400 - len(kept)
    assert not {each.seq for each in kept} & counts.keys()
    assert len(counts) == 4, "one a minute"


def test_after_a_pause_there_is_room_again():
    kept, counts = said([*(row(seq, 0) for seq in range(100)), *(row(100 + seq, 10_000) for seq in range(20))])
    assert [each.seq for each in kept] == [*range(60), *range(100, 110)]
    assert [int(each.text.split()[3]) for each in counts.values()] == [50]


@pytest.mark.parametrize("other", [{"application": "MS_B"}, {"host": "beta"}, {"level": "alarm"}])
def test_a_storm_leaves_out_nothing_of_others(other):
    rows = [each for seq in range(0, 200, 2) for each in (row(seq, 0), row(seq + 1, 0, **(other if seq < 100 else {})))]
    kept, _ = said(rows)
    assert len([each for each in kept if each.seq % 2 and each.seq < 100]) == 50


def test_what_somebody_did_is_never_left_out():
    rows = [row(seq, 0, category="audit") for seq in range(100)]
    assert said(rows) == (rows, {})


def test_without_a_bound_all_is_kept():
    rows = [row(seq, 0) for seq in range(100)]
    assert said(rows, per_second=0) == (rows, {})


def test_a_log_that_is_read_again_is_bounded_alike():
    rows = [row(seq, 1000 * seq) for seq in range(100)]
    spoken = {}
    assert said(rows, spoken=spoken) == said(rows, spoken=spoken) == (rows, {})


def test_who_was_silent_for_longest_is_forgotten(monkeypatch):
    monkeypatch.setattr(storms, "KNOWN_MOST", 3)
    spoken = {}
    said([row(seq, seq, application=name) for seq, name in enumerate("ABCAD")], spoken=spoken, at_once=1)
    assert [application for application, _, _ in spoken] == ["C", "A", "D"]


def test_one_that_names_no_application_is_bounded_too():
    rows = [row(seq, 0)._replace(application="", host="") for seq in range(61)]
    _, counts = said(rows)
    [counting] = counts.values()
    assert counting.text.startswith("From here on 1 log record was left out of those of whoever names no application ")

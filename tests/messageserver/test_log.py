"""Log lines: levels, outputs, event numbers, files that are closed and removed."""

import re
import shutil
import time
from datetime import datetime, timedelta

import pytest

from messageserver.log import EventLimit, Log, parse_expire, parse_segment
from protocol.events import written

DEFAULTS = {"verbose": "all", "segment": "false", "expire": "false"}


@pytest.fixture
def sent():
    return []


@pytest.fixture
def log(sent, tmp_path):
    made = Log()
    made.network = lambda *event: sent.append(event)
    yield made
    made.configure({}, tmp_path)  # closes the files


def test_a_line_is_time_level_number_and_text(log, tmp_path):
    assert log.configure({**DEFAULTS, "all": "logs/ms.log"}, tmp_path) == []
    log.standard(5060, "started\nhere")
    log.trace(20010, "cut")
    lines = (tmp_path / "logs/ms.log").read_text().splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} Std 00-05060 started here", lines[0])
    assert lines[1].endswith(" Trc 42-20010 cut")


@pytest.mark.parametrize(("verbose", "count"), [("all", 3), ("debug", 3), ("trace", 2), ("standard", 1), ("none", 0),
                                                ("nonsense", 1)])
def test_verbose_is_the_least_level_that_is_written(log, tmp_path, verbose, count):
    log.configure({**DEFAULTS, "verbose": verbose, "all": "out"}, tmp_path)
    log.standard(1, "s")
    log.trace(2, "t")
    log.debug(3, "d")
    assert len((tmp_path / "out").read_text().splitlines()) == count


def test_each_level_may_have_outputs_of_its_own(log, tmp_path):
    log.configure({**DEFAULTS, "standard": "std", "trace": "std, trc"}, tmp_path)
    log.standard(1, "s")
    log.trace(2, "t")
    log.debug(3, "d")
    assert len((tmp_path / "std").read_text().splitlines()) == 2, "named for both: the wider one counts, once"
    assert len((tmp_path / "trc").read_text().splitlines()) == 2


@pytest.fixture
def later(monkeypatch):
    """Let time pass for the log."""
    passed = [0.0]
    real = time.monotonic
    monkeypatch.setattr("messageserver.log.time.monotonic", lambda: real() + passed[0])
    return lambda seconds: passed.__setitem__(0, passed[0] + seconds)


@pytest.mark.parametrize("what", ["renamed", "removed", "its folder removed", "replaced"])
def test_a_log_that_somebody_else_moved_is_begun_anew(log, tmp_path, later, what):
    log.configure({**DEFAULTS, "all": "logs/out"}, tmp_path)
    out = tmp_path / "logs" / "out"
    log.standard(1, "before")
    if what == "removed":
        out.unlink()
    elif what == "its folder removed":
        shutil.rmtree(out.parent)
    else:
        out.rename(tmp_path / "out.1")
    if what == "replaced":
        out.write_text("of another\n")
    later(1.1)
    log.standard(2, "after")
    assert out.read_text().splitlines()[-1].endswith("after")
    assert what != "renamed" or (tmp_path / "out.1").read_text().endswith("before\n")


def test_a_log_is_begun_anew_at_once_when_somebody_asks(log, tmp_path):
    log.configure({**DEFAULTS, "all": "out, stdout"}, tmp_path)
    log.standard(1, "before")
    (tmp_path / "out").rename(tmp_path / "out.1")
    log.reopen()
    log.standard(2, "after")
    assert (tmp_path / "out").read_text().endswith("after\n")


def test_a_log_that_cannot_be_begun_anew_goes_on_as_it_was(log, tmp_path, later):
    log.configure({**DEFAULTS, "all": "logs/out", "segment": "1 KB"}, tmp_path)
    (tmp_path / "logs").rename(tmp_path / "moved")
    (tmp_path / "logs").write_text("in the way")
    log.reopen()
    later(1.1)
    for number in range(50):
        log.standard(1, f"line {number}")
    (tmp_path / "logs").unlink()
    later(1.1)
    log.standard(1, "well again")
    assert (tmp_path / "logs" / "out").read_text().endswith("well again\n")


@pytest.mark.parametrize(("option", "numbers"), [
    ("all", [1, 2]), ("debug", [1, 2]), ("trace", [1, 2]), ("interaction", [1]), ("standard", [1])])
def test_network_takes_what_its_output_says_but_never_debug(log, sent, tmp_path, option, numbers):
    log.configure({"verbose": "all", option: "network"}, tmp_path)
    log.standard(1, "s")
    log.trace(2, "t")
    log.debug(3, "d")
    assert [event[0] for event in sent] == numbers


def test_what_publishing_brings_about_goes_to_files_alone(log, sent, tmp_path):
    log.configure({"verbose": "all", "all": "network, out"}, tmp_path)
    log.standard(1, "refused", published=False)
    log.trace(2, "closed", published=False)
    assert sent == []
    assert len((tmp_path / "out").read_text().splitlines()) == 2


def test_a_full_segment_is_kept_aside_and_old_ones_are_removed(log, tmp_path):
    log.configure({**DEFAULTS, "all": "out", "segment": "1 KB", "expire": "2"}, tmp_path)
    for number in range(100):
        log.standard(number, "x" * 100)
    files = sorted(tmp_path.glob("out*"))
    assert len(files) == 3
    assert all(file.stat().st_size <= 1024 for file in files)


def test_the_newest_segments_stay_when_the_clock_jumped_ahead_and_back(log, tmp_path, monkeypatch):
    ahead_days = [0]

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=ahead_days[0])

    monkeypatch.setattr("messageserver.log.datetime", Clock)
    (tmp_path / "out.20200101_000000_000000").write_text("of an earlier version")
    (tmp_path / "out.1.gz").write_text("of somebody else")
    log.configure({**DEFAULTS, "all": "out", "segment": "1 KB", "expire": "2"}, tmp_path)
    for ahead_days[0], count in ((20, 40), (0, 60)):
        for number in range(count):
            log.standard(1, f"{ahead_days[0]} days ahead, line {number}" + "x" * 100)
    kept = [path.read_text() for path in tmp_path.glob("out.2*")]
    assert len(kept) == 2
    assert all("20 days ahead" not in text for text in kept)
    assert (tmp_path / "out.1.gz").exists()


def test_an_output_that_cannot_be_opened_is_a_sentence(log, tmp_path):
    (tmp_path / "file").write_text("")
    assert "file/ms.log cannot be used" in log.configure({**DEFAULTS, "all": "file/ms.log"}, tmp_path)[0]


@pytest.mark.parametrize(("text", "size"), [("100 MB", 100 * 1024**2), ("5 kb", 5120), ("2", 2 * 1024**2),
                                            ("false", 0), ("", 0), ("1 hr", 0)])
def test_segment(text, size):
    assert parse_segment(text) == size


@pytest.mark.parametrize(("text", "files"), [("10", 10), ("3 file", 3), ("false", 0), ("0", 0), ("1001", 0)])
def test_expire(text, files):
    assert parse_expire(text) == files


def test_clients_cannot_flood_the_log(log, sent, tmp_path):
    log.configure({**DEFAULTS, "all": "network"}, tmp_path)
    now = [0.0]
    limit = EventLimit(log, lambda: now[0])
    for _ in range(200):
        limit(4522, "refused")
    assert len(sent) == 50
    now[0] = 11.0
    limit.settle()
    assert "150 more lines" in sent[-1][2]
    limit(4522, "refused")
    assert len(sent) == 52


def test_common_events_have_type_00_and_our_own_42():
    assert (written(4525), written(20001)) == ("00-04525", "42-20001")

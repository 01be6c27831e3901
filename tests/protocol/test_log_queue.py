"""Log records that wait: none is lost with a process, and of too many the oldest are dropped and counted."""

import pytest

from protocol.log_queue import ONCE, STEPS, LogQueue
from protocol.log_records import TEXT_BYTES, LogRecord


def record(text):
    return LogRecord("00-05061", "standard", "", str(text), at_ms=1_700_000_000_000, attributes={"source": "server"})


def texts(queue):
    return [each.record.text for each in queue.first(1000)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "queue"


def filled(path, count, most=10):
    queue = LogQueue(path, most)
    for number in range(count):
        queue.put(record(number))
    return queue


def test_what_waits_is_there_in_order_after_the_process_ended(path):
    former = filled(path, 3)
    assert LogQueue(path, 10).first(10) == former.first(10)
    assert texts(former) == ["0", "1", "2"]
    assert former.first(1)[0].record == record(0)


def test_what_was_acknowledged_does_not_come_again(path):
    former = filled(path, 5)
    former.taken(former.first(2))
    assert texts(former) == texts(LogQueue(path, 10)) == ["2", "3", "4"]
    former.taken(former.first(3))
    assert not path.exists()
    assert texts(LogQueue(path, 10)) == []


def test_of_too_many_the_oldest_are_dropped_and_counted_also_after_a_restart(path):
    former = filled(path, 25)
    again = LogQueue(path, 10)
    assert (texts(former), former.dropped) == (texts(again), again.dropped) == ([str(n) for n in range(15, 25)], 15)
    again.tell_dropped(record("15 were dropped"))
    assert (texts(again)[0], again.dropped) == ("15 were dropped", 0)
    assert texts(LogQueue(path, 20))[0] == "15 were dropped"


def test_what_is_dropped_while_it_is_sent_and_acknowledged_then_was_not_lost(path):
    queue = filled(path, 10)
    batch = queue.first(4)
    for number in range(10, 13):
        queue.put(record(number))
    assert queue.dropped == 3
    queue.taken(batch)
    assert (texts(queue)[0], queue.dropped) == ("4", 0)
    assert (texts(LogQueue(path, 10))[0], LogQueue(path, 10).dropped) == ("4", 0)


def test_the_file_stays_short_however_much_passes_through(path):
    queue = filled(path, 1)
    for number in range(500):
        queue.put(record(number))
        queue.taken(queue.first(1))
    assert len(queue) == 1
    assert len(path.read_text().splitlines()) <= STEPS * 10 + 1


def test_each_has_a_name_of_its_own_in_every_process(path):
    names = {each.once for queue in (filled(path, 5), filled(path, 3, most=20)) for each in queue.first(10)}
    assert len(names) == 8
    assert all(ONCE.fullmatch(name) for name in names)


def test_nobody_else_reads_the_file(path):
    filled(path, 1)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_line_that_was_cut_by_a_full_disk_costs_what_comes_after_it_alone(path):
    filled(path, 3)
    with open(path, "ab") as file:
        file.write(b'{"once": "x", "num')
    assert texts(LogQueue(path, 10)) == ["0", "1", "2"]


@pytest.mark.parametrize("line", [
    b"[]", b"{}", b'{"once": 5}', b'{"taken": "x"}', b'{"told": {}}', b"[" * 100_000,
    b'{"once": "' + b"0" * 32 + b'-1", "number": "00-05061", "level": "standard", "application": "", "text": 5}'])
def test_what_this_release_has_not_written_is_left_out(path, line):
    filled(path, 1)
    with open(path, "ab") as file:
        file.write(line + b"\n")
    assert texts(LogQueue(path, 10)) == ["0"]


def test_a_disk_that_takes_nothing_costs_no_record_while_the_process_lives(tmp_path):
    queue = filled(tmp_path / "not" / "there", 3)
    assert texts(queue) == ["0", "1", "2"]
    queue.taken(queue.first(3))
    assert not queue.first(1)


def test_a_text_is_as_long_as_a_record_may_have_one(path):
    queue = LogQueue(path, 10)
    queue.put(record("ä" * TEXT_BYTES))
    assert len(queue.first(1)[0].record.text.encode()) == TEXT_BYTES

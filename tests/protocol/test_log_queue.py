"""Log records that wait: none is lost with a process, and of too many the oldest are dropped and counted."""

import errno
import os

import pytest

from protocol import log_queue
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


def test_a_line_that_was_cut_costs_itself_alone(path):
    former = filled(path, 3)
    with open(path, "ab") as file:
        file.write(b'{"put": {"once": "x", "num')
    again = LogQueue(path, 10)
    assert texts(again) == ["0", "1", "2"]
    assert again.first(10) == former.first(10)


class FullDisk:
    """Takes ``room`` bytes of what is written next."""

    def __init__(self, monkeypatch, room):
        self.room = room
        monkeypatch.setattr(log_queue, "open", self._open, raising=False)

    def _open(self, *args, **options):
        return _Cut(self, args, options)


class _Cut:
    def __init__(self, disk, args, options):
        self._disk, self._args, self._options = disk, args, options

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def write(self, line):
        if self._disk.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken, self._disk.room = line[:self._disk.room], self._disk.room - len(line)
        with open(*self._args, **self._options) as file:
            return file.write(taken)


@pytest.mark.parametrize("room", [0, 50])
def test_what_a_full_disk_did_not_take_costs_none_of_the_others(path, monkeypatch, room):
    former = filled(path, 1)
    with monkeypatch.context() as patch:
        FullDisk(patch, room)
        former.put(record("on no disk"))
    former.put(record("after it"))
    former.taken(former.first(2))
    assert texts(former) == texts(LogQueue(path, 10)) == ["after it"]


def test_what_was_acknowledged_while_the_disk_was_full_may_come_again_and_nothing_else_is_lost(path, monkeypatch):
    former = filled(path, 4)
    with monkeypatch.context() as patch:
        FullDisk(patch, 0)
        former.taken(former.first(2))
    former.put(record("after it"))
    assert texts(former) == texts(LogQueue(path, 10)) == ["2", "3", "after it"]


def test_a_buffer_of_another_size_makes_nothing_else_of_the_file(path):
    former = filled(path, 10)
    former.taken(former.first(2))
    again = LogQueue(path, 4)
    assert (texts(again), again.dropped) == (["6", "7", "8", "9"], 4)
    again.most = 2
    again.put(record("10"))
    assert (texts(again), again.dropped) == (["9", "10"], 7)
    assert (texts(LogQueue(path, 10)), LogQueue(path, 10).dropped) == (["9", "10"], 7)


def test_who_tells_of_those_that_were_dropped_is_dropped_with_their_count(path):
    """A pair that lets its publishers in and takes nothing is told so again and again."""
    queue = filled(path, 25)
    for number in range(25, 45):
        queue.tell_dropped(record(f"{queue.dropped} were dropped"))
        queue.put(record(number))
    assert (len(queue), queue.dropped) == (10, 35)
    again = LogQueue(path, 10)
    assert (texts(again), again.dropped) == (texts(queue), 35)


def test_what_tells_of_dropped_ones_counts_though_it_is_dropped_while_it_is_sent(path):
    queue = filled(path, 25)
    queue.tell_dropped(record("15 were dropped"))
    batch = queue.first(3)
    queue.put(record(25))
    queue.taken(batch)
    assert (queue.dropped, texts(queue)[0]) == (0, "17")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero"),
                                  lambda path: path.symlink_to(path.with_name("elsewhere"))])
def test_what_else_has_its_name_is_neither_waited_for_nor_followed(path, make):
    path.with_name("elsewhere").write_text("of somebody else")
    make(path)
    queue = filled(path, 3)
    assert texts(queue) == ["0", "1", "2"]
    if path.exists() and not path.is_dir():
        path.unlink()
        make(path)
        queue.put(record(3))
    assert path.with_name("elsewhere").read_text() == "of somebody else"


def test_what_no_server_takes_waits_for_nothing(path):
    queue = filled(path, 1)
    assert queue.put(LogRecord("none", "standard", "", "It would be refused for ever.")) == ""
    assert texts(queue) == texts(LogQueue(path, 10)) == ["0"]


def test_a_text_that_cannot_be_written_is_legible(path):
    queue = filled(path, 0)
    queue.put(record("\udcff.log\0 is full."))
    assert texts(queue) == texts(LogQueue(path, 10)) == ["\ufffd.log\ufffd is full."]


def test_nobody_can_know_the_name_of_the_next_one(path):
    """With it somebody else's record could be sent before, for which this one would be taken."""
    first, second = (each.once for each in filled(path, 2).first(2))
    assert first[:16] != second[:16]


@pytest.mark.parametrize("line", [
    b"[]", b"{}", b'{"put": 5}', b'{"first": []}', b'{"told": {}}', b"[" * 100_000, b"\xff\xfe", b"\0" * 100_000,
    b'{"put": {"once": "' + b"0" * 32 + b'", "tells_of": 0, "number": "00-05061", "level": "standard", '
    b'"application": "", "text": 5}}'])
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

"""Lines of log files as the agent answers them: real files, links that others put there, files that change."""

import asyncio
import json
import os
import threading
import time
from pathlib import Path

import pytest

from hostagent import log_lines, log_reads
from hostagent.log_reads import AT_ONCE, BUSY, LATE, LogReads, read
from hostagent.log_sources import ELSEWHERE, LINK, NO_LOG, NOT_YET
from protocol import log_messages
from protocol.lines import encode
from protocol.log_messages import ANSWER_BYTES, LINE_BYTES, LINES_MAX, LogRead, ReadLog
from protocol.names import safe_name

NAME = "MS"


class Host:
    """A host with one application, whose [log] names ``files``."""

    def __init__(self, path: Path, *files: str):
        self.directory, self.log_dir = path / "app", path / "state" / "logs"
        (self.directory / "logs").mkdir(parents=True)
        self.log_dir.mkdir(parents=True)
        self.log = self.directory / "logs/ms.log"
        self.output = self.log_dir / f"{safe_name(NAME)}.log"
        self.application = {"name": NAME, "working_directory": str(self.directory),
                            "log_files": list(files or ("logs/ms.log",))}

    def read(self, within_s: float = 5.0, **asked) -> LogRead:
        return read(ReadLog(application=NAME, **asked), self.application, self.log_dir, time.monotonic() + within_s)

    def write(self, *lines: str, mode: str = "w", old: bool = False) -> None:
        with open(self.log, mode) as file:
            file.write("".join(lines))
        if old:
            os.utime(self.log, (1_700_000_000, 1_700_000_000))


@pytest.fixture
def host(tmp_path) -> Host:
    return Host(tmp_path)


def numbered(count: int, since: int = 0) -> list[str]:
    return [f"line {number}\n" for number in range(since, since + count)]


# --- which lines


def test_the_last_lines_are_answered_and_from_there_on_those_before(host):
    host.write(*numbered(12))
    page = host.read(lines=5).page
    assert (page["lines"], page["file"], page["size"]) == ([f"line {n}" for n in range(7, 12)], "logs/ms.log", 86)
    seen = page["lines"]
    while page["begins"]:
        page = host.read(lines=5, before=page["begins"]).page
        seen = page["lines"] + seen
    assert seen == [f"line {n}" for n in range(12)]


def test_whoever_follows_is_given_what_came_since_and_a_line_once_it_is_whole(host):
    host.write("one\n", "tw")
    page = host.read().page
    assert (page["lines"], page["unfinished"], page["ends"]) == (["one"], False, 4)
    host.write("o\n", "three\n", mode="a")
    page = host.read(after=page["ends"], of=page["of"]).page
    assert (page["lines"], page["ends"], page["anew"], page["more"]) == (["two", "three"], 14, False, False)
    assert host.read(after=page["ends"], of=page["of"]).page["lines"] == []


def test_a_last_line_without_its_end_is_shown_once_nobody_writes_it_any_more(host):
    host.write("one\n", "killed in the midd", old=True)
    page = host.read().page
    assert (page["lines"], page["unfinished"], page["ends"]) == (["one", "killed in the midd"], True, 4)
    assert host.read(after=4, of=page["of"]).page["lines"] == ["killed in the midd"]


def test_a_file_that_was_emptied_or_replaced_is_read_anew(host):
    host.write(*numbered(5))
    page = host.read().page
    host.write("fresh\n")
    again = host.read(after=page["ends"], of=page["of"]).page
    assert (again["lines"], again["anew"], again["ends"]) == (["fresh"], True, 6)
    host.log.rename(host.log.with_name("ms.log.20261130_080000_000000.1"))
    host.write(*numbered(5))
    replaced = host.read(after=again["ends"], of=again["of"]).page
    assert (replaced["anew"], replaced["lines"][0], replaced["begins"]) == (True, "line 0", 0)


def test_whoever_is_too_far_behind_is_told_how_much_is_left_out(host, monkeypatch):
    monkeypatch.setattr(log_lines, "WINDOW_BYTES", 1000)
    monkeypatch.setattr(log_lines, "BLOCK", 400)
    host.write("first\n", *numbered(1000))
    page = host.read(after=6, of=host.read().page["of"]).page
    assert page["skipped"] == page["begins"] - 6 > 0
    assert page["lines"][-1] == "line 999"


def test_a_burst_comes_in_several_answers(host):
    host.write("first\n", *numbered(LINES_MAX + 10))
    of, ends, seen = host.read().page["of"], 6, []
    for more in (True, False):
        page = host.read(after=ends, of=of).page
        assert page["more"] is more
        ends, seen = page["ends"], seen + page["lines"]
    assert seen == [f"line {n}" for n in range(LINES_MAX + 10)]


def test_no_more_lines_are_answered_than_may_be_asked_for(host):
    host.write(*numbered(LINES_MAX + 5))
    assert len(host.read(lines=10**9).page["lines"]) == LINES_MAX
    assert len(host.read(lines=-3).page["lines"]) == 1


def test_an_answer_is_bounded_whatever_is_in_the_file(host):
    host.log.write_bytes(b'\x00\x01"\\\xff\xfe\xe2\x80\xae' * 300 + b"\n")
    with open(host.log, "ab") as file:
        file.write((b'"\xff' * 1500 + b"\n") * 900)
    answer = host.read()
    assert len(encode(answer)) <= 256 * 1024
    assert 0 < len(answer.page["lines"]) < 900


def test_what_is_no_text_is_shown_as_such(host):
    host.log.write_bytes(b"caf\xc3\xa9\t1\r\n\x1b[31mred \xff\x00\n\xe2\x80\xaeabc\n")
    assert host.read().page["lines"] == ["café\t1", "�[31mred ��", "�abc"]


def test_a_long_line_is_cut_and_a_huge_one_keeps_nobody_from_those_around_it(host, monkeypatch):
    monkeypatch.setattr(log_lines, "WINDOW_BYTES", 100_000)
    host.write("first\n", "x" * (LINE_BYTES + 1), "\n", "y" * 350_000, "\n", "last\n")
    page, seen, rounds = host.read().page, [], 0
    while True:
        seen, rounds = page["lines"] + seen, rounds + 1
        if not page["begins"]:
            break
        page = host.read(before=page["begins"]).page
    assert rounds < 10
    assert [line[:20] for line in seen] == ["first", "x" * 20, "y" * 20, "(the end of a line o", "last"]
    assert [len(line) for line in seen[1:3]] == [LINE_BYTES, LINE_BYTES]
    assert page["cut"] == [1, 2]


def test_reading_ends_in_time(host):
    host.write(*numbered(3))
    answer = host.read(within_s=-1.0)
    assert (answer.ok, answer.reason) == (False, LATE)


# --- which files


def test_files_are_those_of_the_options_with_what_was_kept_of_them_and_the_captured_output(tmp_path):
    host = Host(tmp_path, "logs/ms.log", "later.log")
    host.write(*numbered(2))
    for name in ("ms.log.20261129_080000_000000.1", "ms.log.20261130_080000_000000.2", "ms.log.bak", "other.log"):
        (host.directory / "logs" / name).write_text("old\n")
    host.output.write_text("ready\n")
    host.output.with_name(f"{host.output.name}.1").write_text("former\n")
    answer = host.read(listing=True)
    assert [(each["name"], each["kind"], each["size"], each["problem"]) for each in answer.files] == [
        ("logs/ms.log", "log", 14, ""), ("logs/ms.log.20261130_080000_000000.2", "segment", 4, ""),
        ("logs/ms.log.20261129_080000_000000.1", "segment", 4, ""), ("later.log", "log", 0, NOT_YET),
        ("stdout", "output", 6, ""), ("stdout.1", "segment", 7, "")]
    for name, line in (("stdout", "ready"), ("stdout.1", "former"), ("logs/ms.log.20261129_080000_000000.1", "old")):
        assert host.read(file=name).page["lines"] == [line]


def test_without_a_file_in_the_options_the_captured_output_is_shown(tmp_path):
    host = Host(tmp_path)
    host.application["log_files"] = []
    host.output.write_text("ready\n")
    assert (host.read().page["file"], host.read().page["lines"]) == ("stdout", ["ready"])


def test_a_file_that_is_not_there_yet_is_no_mystery(host):
    answer = host.read(file="logs/ms.log", listing=True)
    assert (answer.ok, answer.page, NOT_YET in answer.reason) == (False, {"file": "logs/ms.log"}, True)
    assert len(answer.files) == 2


@pytest.mark.parametrize("name", ["/etc/passwd", "logs/other.log", "logs/ms.log.bak", "logs/ms.log.", "./logs/ms.log",
                                  "logs/../logs/ms.log", "stdout.2", "\0", "../state/logs/x.log"])
def test_no_other_name_than_those_of_the_options_is_opened(host, name):
    host.write("a\n")
    for other in ("other.log", "ms.log.bak"):
        (host.directory / "logs" / other).write_text("no log\n")
    answer = host.read(file=name)
    assert (answer.ok, "name no file" in answer.reason) == (False, True)


@pytest.mark.parametrize(("name", "why"), [
    ("/etc/passwd", ELSEWHERE), ("../app2/x.log", ELSEWHERE), (".", ELSEWHERE), ("logs/../../x", ELSEWHERE),
    ("tls/server.key", NO_LOG), ("data/00000001.log", NO_LOG), ("logs/../tls/server.key", NO_LOG), ("a\0b", ELSEWHERE)])
def test_an_option_does_not_make_another_file_a_log(tmp_path, name, why):
    host = Host(tmp_path, name)
    for each in ("tls/server.key", "data/00000001.log"):
        (host.directory / each).parent.mkdir()
        (host.directory / each).write_text("secret\n")
    answer = host.read(file=name, listing=True)
    assert (answer.ok, why in answer.reason, answer.files[0]["problem"]) == (False, True, why)


def link(host: Host) -> None:
    host.log.symlink_to("/etc/passwd")


def linked_directory(host: Host) -> None:
    elsewhere = host.directory.with_name("elsewhere")
    elsewhere.mkdir()
    (elsewhere / "ms.log").write_text("secret\n")
    (host.directory / "logs").rmdir()
    (host.directory / "logs").symlink_to(elsewhere)


def hard_link(host: Host) -> None:
    other = host.directory.with_name("of-root")
    other.write_text("secret\n")
    host.log.hardlink_to(other)


def pipe(host: Host) -> None:
    os.mkfifo(host.log)


def directory(host: Host) -> None:
    host.log.mkdir()


@pytest.mark.parametrize(("put", "why"), [
    (link, LINK), (linked_directory, LINK), (hard_link, "several names"), (pipe, "no plain file"),
    (directory, "no plain file")])
def test_what_the_account_put_in_the_place_of_a_log_is_refused(host, put, why):
    put(host)
    answer = host.read(file="logs/ms.log", listing=True)
    assert (answer.ok, why in answer.reason, why in answer.files[0]["problem"]) == (False, True, True)
    assert "secret" not in json.dumps(answer.to_dict())


@pytest.mark.parametrize("application", [
    {"name": NAME}, {"name": NAME, "working_directory": ".", "log_files": ["x"]},
    {"name": NAME, "working_directory": "/nowhere", "log_files": ["x", 3, None]},
    {"name": NAME, "working_directory": "/nowhere", "log_files": "x"}])
def test_what_an_older_control_or_a_server_that_is_not_installed_leaves_out_is_no_error(tmp_path, application):
    answer = read(ReadLog(application=NAME, listing=True), application, tmp_path, time.monotonic() + 5)
    assert (answer.ok, answer.files[-1]["name"]) == (False, "stdout")


# --- beside everything else that the agent does


class Told:
    def __init__(self):
        self.answers: list[LogRead] = []
        self.came = asyncio.Event()

    def __call__(self, answer: LogRead) -> None:
        self.answers.append(answer)
        self.came.set()

    async def count(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.answers) < count:
                self.came.clear()
                await self.came.wait()


async def test_an_answer_comes_to_who_asked(host):
    host.write("one\n")
    told = Told()
    reads = LogReads(host.log_dir, lambda name: host.application if name == NAME else {}, told)
    reads.take(ReadLog(application=NAME, id=7))
    reads.take(ReadLog(application="other", id=8))
    await told.count(2)
    assert {(each.id, each.ok) for each in told.answers} == {(7, True), (8, False)}


async def test_a_disk_that_hangs_holds_up_nobody_and_costs_a_few_threads_at_most(host, monkeypatch):
    goes_on, told = threading.Event(), Told()
    monkeypatch.setattr(log_reads, "READ_S", 0.02)
    monkeypatch.setattr(log_reads, "read", lambda asked, *_: goes_on.wait(10) and LogRead(ok=True, id=asked.id))
    reads = LogReads(host.log_dir, lambda _: host.application, told)
    for number in range(AT_ONCE + 1):
        reads.take(ReadLog(application=NAME, id=number))
    await told.count(AT_ONCE + 1)
    assert sorted(each.reason for each in told.answers) == sorted([BUSY, *[LATE] * AT_ONCE])
    goes_on.set()
    async with asyncio.timeout(10):
        while reads._at_work:
            await asyncio.sleep(0.005)
    # Too late for an answer; the next one is read.
    assert len(told.answers) == AT_ONCE + 1
    monkeypatch.setattr(log_reads, "READ_S", 5.0)
    reads.take(ReadLog(application=NAME, id=99))
    await told.count(AT_ONCE + 2)
    assert told.answers[-1].ok


async def test_an_error_of_ours_is_an_answer(host, monkeypatch, caplog):
    told = Told()
    monkeypatch.setattr(log_reads, "page_of", lambda *_, **__: {}["no"])
    host.write("one\n")
    LogReads(host.log_dir, lambda _: host.application, told).take(ReadLog(application=NAME, id=1))
    await told.count(1)
    assert (told.answers[0].ok, "internal error" in told.answers[0].reason) == (False, True)


def test_the_bounds_fit_each_other():
    assert LINE_BYTES * 6 < ANSWER_BYTES < 256 * 1024
    assert log_messages.READ_S <= 3.0

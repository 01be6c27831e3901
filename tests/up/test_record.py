"""The lock of the data directory, the record of a run and what a killed run left behind."""

import json
import os
import subprocess
import sys

import pytest

from console.up.apart import apart
from console.up.errors import CannotStart
from console.up.processes import RUN_MARK
from console.up.record import RunRecord, end_leftovers, leftovers
from protocol.identity import start_ticks


@pytest.fixture
def taken(tmp_path):
    record = RunRecord(tmp_path)
    record.take()
    record.open(address="http://127.0.0.1:8000", mark="m", environment={"PAIRWISE_PORT": "8000", "BAD": "two\nlines"})
    yield record
    record.close()


@pytest.fixture
def process():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True,
                             env={RUN_MARK: "m"})
    yield child
    child.kill()
    child.communicate()


def test_a_second_taker_is_told_who_holds_it(taken, tmp_path):
    with pytest.raises(CannotStart, match=rf"already runs at http://127.0.0.1:8000 \(process {os.getpid()}\)"):
        RunRecord(tmp_path).take()


def test_a_directory_is_free_again_after_close(tmp_path):
    for _ in range(2):
        record = RunRecord(tmp_path)
        record.take()
        record.open(address="a", mark="m", environment={})
        record.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.lock"]


def test_the_record_of_a_killed_run_outlives_it(taken, tmp_path):
    taken.child("web", os.getpid())
    body = json.loads((tmp_path / "run.json").read_text())
    assert body["children"] == {"web": {"pid": os.getpid(), "started": start_ticks(os.getpid())}}
    other = RunRecord(tmp_path)
    other.close()
    assert (tmp_path / "run.json").exists()


def test_the_files_are_private_and_the_environment_has_one_line_a_setting(taken, tmp_path):
    assert (tmp_path / "run.env").read_text() == "PAIRWISE_PORT=8000\n"
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("run.json", "run.env", "run.lock")} == {0o600}


@pytest.mark.parametrize("text", ["", "[]", "{not json", "\0"])
def test_a_broken_record_counts_as_none(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    assert RunRecord(tmp_path).read() == {}
    assert leftovers({}) == []


def recorded(pid: int, started: int) -> dict:
    return {"mark": "m", "children": {"web": {"pid": pid, "started": started}}}


def test_a_leftover_is_ended(process):
    record = recorded(process.pid, start_ticks(process.pid))
    assert leftovers(record) == [process.pid]
    assert end_leftovers(record) == 1
    assert process.wait(5) != 0


def test_another_process_with_the_same_pid_is_left_alone(process):
    assert leftovers(recorded(process.pid, start_ticks(process.pid) - 1)) == []


def test_children_of_a_leftover_that_is_gone_are_found_by_session_and_mark():
    pid = int(subprocess.run(
        [sys.executable, "-c", "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; "
         "time.sleep(60)'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)"],
        start_new_session=True, env={RUN_MARK: "m"}, capture_output=True, check=True).stdout)
    session = os.getsid(pid)
    assert leftovers({"mark": "other", "children": {"web": {"pid": session, "started": 1}}}) == []
    assert leftovers(recorded(session, 1)) == [pid]
    assert end_leftovers(recorded(session, 1)) == 1
    assert not start_ticks(pid)


def test_work_done_apart_gives_its_result_and_leaves_nothing_here():
    assert apart(lambda: {"pid": os.getpid()})["pid"] != os.getpid()


def test_a_refusal_apart_is_a_refusal_here():
    def refuse():
        raise CannotStart("Do this.")

    with pytest.raises(CannotStart, match="Do this"):
        apart(refuse)


def test_work_that_breaks_apart_is_an_error_here(capfd):
    with pytest.raises(RuntimeError):
        apart(lambda: {"x": 1 / 0})
    assert "ZeroDivisionError" in capfd.readouterr().err

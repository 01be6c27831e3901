"""Children of `up`: how they are started, watched, restarted and stopped. Real processes."""

import contextlib
import json
import os
import signal
import socket
import sys
import time
from itertools import islice

import pytest

from console.up.child import NO_ROOM_S, Child, Program, how_it_ended, restart_delays, rotate
from console.up.processes import RUN_MARK, end_all, session_members
from console.up.record import RunRecord
from console.up.supervisor import Asked, Signals, Supervisor
from protocol.identity import start_ticks
from tests.sources import ROOT
from tests.waiting import wait_for

MARK = "mark-of-these-tests"
WAIT_S = 10.0


@pytest.fixture
def make_child(tmp_path):
    made = []

    def make(code: str, name: str = "child", **fields) -> Child:
        program = Program(name=name, label=name.capitalize(), arguments=[sys.executable, "-I", "-S", "-c", code],
                          environment={RUN_MARK: MARK}, directory=tmp_path, **fields)
        made.append(Child(program, tmp_path, MARK))
        return made[-1]

    yield make
    for child in made:
        child.kill()
        wait_for(child.gone, WAIT_S)


@pytest.fixture
def supervise(tmp_path):
    """``supervise(children)`` gives (supervisor, signals, lines that it said)."""
    record = RunRecord(tmp_path)
    record.take()
    record.open(address="http://x", mark=MARK, environment={})
    with Signals() as signals, contextlib.ExitStack() as stack:
        said: list[str] = []

        def make(children, **more):
            made = Supervisor(children, record=record, signals=signals, say=said.append, **more)
            stack.callback(made.close)
            return made, signals, said

        yield make
    record.close()


def says(child: Child, text: str) -> None:
    wait_for(lambda: child.log.exists() and text in child.log.read_text(), WAIT_S)


SLEEPS = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"


def test_it_runs_in_a_session_of_its_own_with_its_output_in_a_private_log(make_child):
    child = make_child(SLEEPS)
    child.start()
    says(child, "up")
    assert os.getsid(child.pid) == child.pid
    assert child.log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_it_makes_files_for_those_that_its_program_names(make_child, umask):
    child = make_child("import os; print(f'umask {os.umask(0):o}', flush=True)", umask=umask)
    child.start()
    says(child, f"umask {umask:o}\n")


def test_delays_between_restarts_grow_to_a_bound():
    first, *later = islice(restart_delays(), 20)
    assert (first, later[:3], later[-1]) == (0.0, [0.5, 1.0, 2.0], 30.0)


def test_an_end_is_told_in_words():
    assert how_it_ended(3) == "ended with exit code 3"
    assert how_it_ended(-9) == "was ended by SIGKILL"


def test_a_child_that_dies_is_started_again_and_it_is_said(make_child, supervise):
    child = make_child(SLEEPS)
    supervisor, _, said = supervise([child])
    supervisor.start(child)
    first = child.pid
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: (supervisor.look(), supervisor.wait(1), child.pid not in (0, first))[2], WAIT_S)
    assert said[0].startswith("Child was ended by SIGKILL; it starts again at once")
    assert said[1] == "Child was started again"


def test_the_second_end_in_a_row_is_answered_after_a_pause(make_child):
    child = make_child("")
    for delay_s in (0.0, 0.5):
        child.start()
        wait_for(lambda: child.ended() is not None, WAIT_S)
        assert delay_s - 0.4 < child.start_again_at - time.monotonic() <= delay_s


def test_an_end_on_a_full_disk_does_not_make_the_pauses_grow(make_child, monkeypatch):
    child = make_child("")
    monkeypatch.setattr("console.up.child.has_room", lambda directory: directory != child.log.parent)
    for _ in range(3):
        child.start()
        wait_for(lambda: child.ended() is not None, WAIT_S)
        assert NO_ROOM_S - 1 < child.start_again_at - time.monotonic() <= NO_ROOM_S
    monkeypatch.setattr("console.up.child.has_room", lambda directory: True)
    child.start_later()
    assert child.start_again_at <= time.monotonic()


def test_one_that_cannot_be_started_is_tried_again_and_ends_nothing(make_child, supervise):
    child = make_child(SLEEPS)
    child.log.mkdir()
    supervisor, _, said = supervise([child])
    supervisor.start(child)
    assert not child.runs
    assert "Child cannot be started" in said[0]
    child.log.rmdir()
    wait_for(lambda: (supervisor.look(), child.runs)[1], WAIT_S)
    assert said[-1] == "Child was started again"


def test_a_record_that_cannot_be_written_ends_nothing_and_is_written_later(make_child, supervise, tmp_path):
    child = make_child(SLEEPS)
    supervisor, _, _ = supervise([child])
    record = tmp_path / "run.json"
    record.unlink()
    (record / "in the way").mkdir(parents=True)
    supervisor.start(child)
    supervisor.look()
    assert child.runs
    (record / "in the way").rmdir()
    record.rmdir()
    before = time.monotonic()
    supervisor.wait(60)
    supervisor.look()
    assert time.monotonic() - before < 10
    assert json.loads(record.read_text())["children"]["child"]["pid"] == child.pid


LIVES = """
import asyncio, os, signal, sys
sys.path.insert(0, {root!r})
signal.signal(signal.SIGTERM, signal.SIG_IGN)
from protocol.watchdog import Watchdog
asyncio.run(Watchdog().show_life())
"""


@pytest.mark.long
def test_a_child_that_hangs_is_killed_and_started_again(make_child, supervise, monkeypatch):
    monkeypatch.setattr("console.up.supervisor.LOOK_S", 0.1)
    child = make_child(LIVES.format(root=str(ROOT)), silent_s=1.0)
    other = make_child(SLEEPS, "other")
    supervisor, _, said = supervise([child, other])
    for each in (child, other):
        supervisor.start(each)
    first, quiet = child.pid, other.pid
    wait_for(lambda: supervisor._signs.read() == {first}, WAIT_S)
    begun = time.monotonic()
    while time.monotonic() < begun + 2:
        supervisor.look()
        supervisor.wait(1)
    assert (child.pid, other.pid, said) == (first, quiet, [])
    os.kill(first, signal.SIGSTOP)
    wait_for(lambda: (supervisor.look(), supervisor.wait(1), child.pid not in (0, first))[2], WAIT_S)
    assert said[0] == "Child has shown no sign of life for 1 s and is killed"
    assert said[1].startswith("Child was ended by SIGKILL; it starts again at once")
    assert other.pid == quiet


def test_a_child_that_never_shows_life_is_killed_too(make_child, supervise, monkeypatch):
    monkeypatch.setattr("console.up.supervisor.LOOK_S", 0.1)
    monkeypatch.setattr("console.up.supervisor.FIRST_SIGN_S", 0.6)
    child = make_child(SLEEPS, silent_s=0.2)
    supervisor, _, said = supervise([child])
    begun = time.monotonic()
    supervisor.start(child)
    first = child.pid
    wait_for(lambda: (supervisor.look(), supervisor.wait(1), child.pid not in (0, first))[2], WAIT_S)
    assert time.monotonic() - begun > 0.6
    assert "no sign of life" in said[0]


def test_one_that_the_kernel_does_not_let_go_of_is_killed_and_told_of_once(make_child, supervise, monkeypatch):
    monkeypatch.setattr("console.up.supervisor.FIRST_SIGN_S", 0.2)
    child = make_child(SLEEPS, silent_s=0.1)
    supervisor, _, said = supervise([child])
    supervisor.start(child)
    kills = []
    with monkeypatch.context() as kernel:
        kernel.setattr(child, "kill", lambda: (kills.append(child.pid), setattr(child, "killed", True)))
        wait_for(lambda: (supervisor.look(), said)[1], WAIT_S)
        for _ in range(3):
            supervisor.look()
    assert said == ["Child has shown no sign of life for 0.1 s and is killed"]
    assert kills == [child.pid]


def test_systemd_hears_that_it_runs_and_that_it_lives(supervise, tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "60000000")
        supervisor, signals, _ = supervise([])
        assert "NOTIFY_SOCKET" not in os.environ
        monkeypatch.setattr(supervisor, "wait", lambda seconds: os.kill(os.getpid(), signal.SIGINT))
        supervisor.run()
        assert [systemd.recv(100) for _ in range(2)] == [b"READY=1", b"WATCHDOG=1"]
        assert signals.stops == 1


@pytest.mark.long
def test_one_that_hangs_is_not_waited_for_when_everything_stops(make_child, supervise, monkeypatch):
    monkeypatch.setattr("console.up.supervisor.LOOK_S", 0.1)
    child = make_child(LIVES.format(root=str(ROOT)), silent_s=1.0)
    child.stop_s = 60
    supervisor, _, said = supervise([child])
    supervisor.start(child)
    wait_for(lambda: (supervisor.look(), supervisor._silence.silent_s(child.pid, time.monotonic()) > 0)[1], WAIT_S)
    os.kill(child.pid, signal.SIGSTOP)
    begun = time.monotonic()
    supervisor.stop([[child]])
    assert time.monotonic() - begun < 20
    assert said == ["Child has shown no sign of life for 1 s and is killed"]


def test_what_the_kernel_holds_does_not_hold_the_stop(make_child, supervise, monkeypatch):
    monkeypatch.setattr("console.up.supervisor.KILLED_S", 0.2)
    child = make_child(SLEEPS)
    child.stop_s = 0.2
    supervisor, _, said = supervise([child])
    supervisor.start(child)
    process, child.ask_to_stop = child.process, lambda: None
    monkeypatch.setattr(process, "kill", lambda: None)
    supervisor.stop([[child]])
    assert [line.split(" (")[0] for line in said] == ["Child did not end in time and was killed", "Child"]
    assert said[1].endswith("does not end, though it was killed; it is left")
    os.kill(process.pid, signal.SIGKILL)


def test_what_a_dead_child_leaves_in_its_session_is_ended_with_it(make_child):
    child = make_child(f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]).pid, "
                       f"flush=True); {SLEEPS}")
    child.start()
    says(child, "up")
    other = int(child.log.read_text().split()[0])
    os.kill(child.pid, signal.SIGKILL)
    wait_for(lambda: child.ended() is not None, WAIT_S)
    assert not start_ticks(other)


def test_groups_stop_one_after_the_other(make_child, supervise, tmp_path):
    note = "import signal, sys, time; f = lambda *_: (open('order', 'a').write(sys.argv[0] + '{0} '), sys.exit(0)); " \
           "signal.signal(signal.SIGTERM, f); print('up', flush=True); time.sleep(60)"
    first, second = (make_child(note.replace("{0}", name), name) for name in ("first", "second"))
    supervisor, _, _ = supervise([first, second])
    for child in (first, second):
        supervisor.start(child)
        says(child, "up")
    supervisor.stop([[second], [first]])
    assert (tmp_path / "order").read_text().replace("-c", "").split() == ["second", "first"]
    assert first.process is second.process is None


def test_one_that_does_not_end_in_time_is_killed_and_it_is_said(make_child, supervise):
    child = make_child(STUBBORN)
    child.stop_s = 0.3
    supervisor, _, said = supervise([child])
    supervisor.start(child)
    says(child, "up")
    supervisor.stop([[child]])
    assert said == ["Child did not end in time and was killed"]


def test_a_further_request_hurries(make_child, supervise, monkeypatch):
    monkeypatch.setattr("console.up.supervisor.HURRY_S", 0.2)
    child, hurried = make_child(STUBBORN), []
    supervisor, signals, _ = supervise([child], on_hurry=lambda: hurried.append(os.kill(child.pid, 0)))
    supervisor.start(child)
    says(child, "up")
    before = signal.setitimer(signal.ITIMER_REAL, 0)
    previous = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        begun = time.monotonic()
        supervisor.stop([[child]])
    finally:
        signal.signal(signal.SIGALRM, previous)
        signal.setitimer(signal.ITIMER_REAL, *before)
    assert hurried == [None]
    assert signals.stops == 1
    assert time.monotonic() - begun < 5


def test_end_all_kills_what_ignores_the_request(make_child):
    child = make_child(STUBBORN)
    child.start()
    says(child, "up")
    end_all([child.pid], within_s=0.1)
    assert not start_ticks(child.pid)


def test_processes_without_the_mark_are_nobody_elses_business(make_child):
    child = make_child(SLEEPS)
    child.start()
    says(child, "up")
    assert session_members(child.pid, MARK) == [child.pid]
    assert session_members(child.pid, "another") == []


def test_a_long_log_moves_aside_and_a_short_one_stays(tmp_path):
    log = tmp_path / "x.log"
    rotate(log, 100)
    log.write_text("a" * 50)
    rotate(log, 100)
    assert log.stat().st_size == 50
    log.write_text("a" * 60 + "b" * 100)
    rotate(log, 100)
    assert log.stat().st_size == 0
    assert (tmp_path / "x.log.1").read_text() == "b" * 100


def test_a_log_that_cannot_be_moved_stays_for_the_next_time(tmp_path):
    log = tmp_path / "x.log"
    log.write_text("a" * 200)
    (tmp_path / "x.log.1").mkdir()
    rotate(log, 100)
    assert log.stat().st_size == 200


@pytest.mark.parametrize(("terminal", "nohup", "stops"), [(True, False, 1), (True, True, 0), (False, False, 0)])
def test_sighup_asks_to_stop_only_where_it_tells_of_a_terminal_that_was_closed(monkeypatch, terminal, nohup, stops):
    monkeypatch.setattr("console.up.supervisor.has_terminal", lambda: terminal)
    usual = signal.SIG_IGN if nohup else signal.SIG_DFL
    before = signal.signal(signal.SIGHUP, usual)
    try:
        with Signals() as signals:
            signal.raise_signal(signal.SIGHUP)
            assert signals.stops == stops
        assert signal.getsignal(signal.SIGHUP) == usual
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_request_to_stop_while_a_child_is_started_counts_once_it_is_known(make_child, supervise):
    child = make_child(SLEEPS)
    supervisor, signals, _ = supervise([child])
    start = child.start

    def start_and_ask(more):
        os.kill(os.getpid(), signal.SIGINT)
        start(more)

    child.start = start_and_ask
    with pytest.raises(Asked), signals.interrupting():
        supervisor.start(child)
    assert child.process is not None
    supervisor.stop([[child]])
    assert child.gone()

"""What a console that runs does of a move that was broken off, as long as that takes."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from console import kept_databases
from console.up import apart, standstill
from console.up.apart import aside
from console.up.child import Child, Program
from console.up.record import RunRecord
from console.up.standstill import Standstill
from console.up.supervisor import Signals, Supervisor
from protocol.watchdog import ALIVE
from tests.waiting import wait_for

SIGNS = 3
BROKEN_OFF = kept_databases.Kept(state=kept_databases.MOVING, number="1", at="now", addresses={
    kept_databases.CONFIGURATION: "postgres://db.example.com/pairwise"})

LOCKS = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("CREATE TABLE x (y)")
database.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""
"""In a process of its own: what is forked would take its lock for one that it has itself."""


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """Hears the signs of life of what runs here as a service."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "60000000")
        yield made


@pytest.fixture
def said():
    return []


@pytest.fixture
def supervisor(systemd, tmp_path, said):
    record = RunRecord(tmp_path)
    record.take()
    record.open(address="http://x", mark="mark", environment={})
    with Signals() as signals:
        made = Supervisor([], record=record, signals=signals, say=said.append)
        yield made
        made.close()
    record.close()


def test_life_is_shown_while_the_files_are_locked_and_the_move_is_brought_to_its_end(
        supervisor, systemd, said, tmp_path, monkeypatch):
    monkeypatch.setattr(apart, "MEANWHILE_S", 0.05)
    kept_databases.write(tmp_path, BROKEN_OFF)
    with subprocess.Popen([sys.executable, "-c", LOCKS, tmp_path / "pairwise.sqlite3"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as somebody:
        assert somebody.stdout.readline() == b"locked\n"
        heard = []

        def lets_go():
            heard.extend(systemd.recv(100) for _ in range(SIGNS))
            somebody.stdin.write(b"\n")
            somebody.stdin.flush()

        listener = threading.Thread(target=lets_go)
        listener.start()
        Standstill(tmp_path, supervisor, said.append).look()
        listener.join()
    assert heard == [ALIVE] * SIGNS
    assert ["was broken off: nothing was changed" in line for line in said] == [True]
    assert kept_databases.read(tmp_path) is None


def test_what_does_not_come_to_its_end_is_ended_and_said(said, monkeypatch):
    monkeypatch.setattr(apart, "MEANWHILE_S", 0.05)
    assert aside(lambda: time.sleep(60), said.append, within_s=0.2) == {}
    assert said == ["Something that is done beside the console failed: it took longer than 0.2 s and was ended"]


def test_the_wait_is_longer_than_those_that_are_bounded_themselves():
    from console.relocation import files, recovery

    assert 2 * files.WAIT_S * len(recovery.NAMES) < standstill.FINISH_S


def test_life_is_shown_while_programs_take_their_time_to_stop(supervisor, systemd, tmp_path):
    slow = Child(Program(name="slow", label="Slow", arguments=[
        sys.executable, "-I", "-S", "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('up', flush=True); time.sleep(60)"], environment={}, directory=tmp_path), tmp_path, "mark")
    supervisor.children.append(slow)
    supervisor.start(slow)
    wait_for(lambda: "up" in slow.log.read_text(), 20)
    slow.stop_s = 60
    heard = []

    def ends_it():
        heard.extend(systemd.recv(100) for _ in range(SIGNS))
        os.kill(slow.pid, signal.SIGKILL)

    listener = threading.Thread(target=ends_it)
    listener.start()
    supervisor.halt(["slow"])
    listener.join()
    assert heard == [ALIVE] * SIGNS

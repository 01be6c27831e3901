"""Commands that wait while the worker of the host, or the console's own, does not answer: real processes, stopped."""

import contextlib
import os
import signal
import sqlite3
import time

import psutil
import pytest

from provisioning.jobs.selectors.waiting import STANDS_S

from .applications import apply, message_server
from .harness import PATIENCE, wait_for

pytestmark = pytest.mark.long


@contextlib.contextmanager
def stopped(process: psutil.Process):
    """``process`` and its children as they hang: they run, and do nothing."""
    processes = [process, *process.children(recursive=True)]
    for each in processes:
        os.kill(each.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in processes:
            os.kill(each.pid, signal.SIGCONT)


def host_worker(pairwise) -> psutil.Process | None:
    for process in psutil.Process(pairwise.child("agent")).children(recursive=True):
        if "hostagent.host_worker" in process.cmdline() and process.children():
            return process
    return None


@contextlib.contextmanager
def frozen_worker(pairwise):
    """The console's, at a moment at which it holds no database."""
    def is_free() -> bool:
        with contextlib.closing(sqlite3.connect(pairwise.data_dir / "pairwise.sqlite3", timeout=0.5)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
        return True

    for _ in range(20):
        with pairwise.frozen_child("console-worker"):
            if is_free():
                yield
                return
    raise AssertionError("it held the database each time that it was stopped")


def test_a_worker_that_does_not_answer_is_told_and_not_waited_for(pairwise):
    apply(pairwise, message_server("Waits"))
    with stopped(wait_for(lambda: host_worker(pairwise), 30, "the host worker")):
        began = time.monotonic()
        waits = pairwise.manage_later("install", "Waits", "--wait")
        # At once, also through a pipe.
        assert "Waiting for its end, 3600 s at most." in waits.stdout.readline()
        assert waits.stdout.readline() == "Queued: localhost has not taken it yet.\n"
        assert waits.stdout.readline().startswith("Queued: The worker of localhost has not answered over the broker")
        [job] = pairwise.status()["jobs"]
        assert (job["name"], job["state"], job["stuck"]) == ("Install Waits", "queued", True)
        assert "has not answered over the broker" in job["waits_for"]
        assert "has not answered over the broker" in pairwise.browser().get("/operations/jobs/").text
        output, _ = waits.communicate(timeout=(STANDS_S + 60) * PATIENCE)
        assert waits.returncode == 1
        assert "Install Waits has not ended yet (Queued). The worker of localhost has not answered" in output
        assert "It is carried out when localhost takes it" in output
        assert time.monotonic() - began < (STANDS_S + 40) * PATIENCE
    wait_for(lambda: not pairwise.status()["jobs"], 60, "the job carried out after all")
    assert pairwise.application("Waits")["version"]


def test_without_the_console_worker_nobody_hears_of_it_and_the_command_says_so(pairwise):
    apply(pairwise, message_server("Unheard"))
    with frozen_worker(pairwise):
        done = pairwise.manage("install", "Unheard", "--wait", check=False, timeout=(STANDS_S + 90) * PATIENCE)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "The console worker was last heard of" in done.stdout
        assert "What hosts report is not read meanwhile." in done.stderr
    wait_for(lambda: pairwise.application("Unheard")["version"], 60, "what the host did was heard")

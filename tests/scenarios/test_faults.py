"""What happens when a part dies at a bad moment: control, agent, worker, Redis."""

import os
import signal
import time

import psutil
import pytest

from protocol.identity import start_ticks

from .applications import apply, message_server, started
from .harness import Pairwise, wait_for

CHILDREN = ("redis", "control", "web", "console-worker", "log-reader", "agent")


@pytest.mark.long
def test_install_without_control_fails_says_why_and_leaves_the_object_as_it_was(pairwise):
    before = apply(pairwise, message_server("NoControl"))
    with pairwise.frozen_child("control"):
        done = pairwise.manage("install", "NoControl", "--wait", check=False, timeout=120)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Configuration Server" in done.stdout + done.stderr
    after = pairwise.application("NoControl")
    for field in ("working_directory", "version", "ports"):
        assert after[field] == before[field]
    assert not (pairwise.data_dir / "apps" / "NoControl").exists()
    pairwise.wait_host()
    pairwise.manage("install", "NoControl", "--wait")


def test_a_killed_agent_is_replaced_and_adopts_the_running_server(pairwise):
    facts = started(pairwise, "Adopted")
    agent = pairwise.child("agent")
    os.kill(agent, signal.SIGKILL)
    wait_for(lambda: pairwise.child("agent") != agent, 10, "a new agent")
    pairwise.wait_host()
    again = pairwise.wait_status("Adopted", "Started", 15)
    assert (again["pid"], again["epoch"]) == (facts["pid"], facts["epoch"])
    pairwise.manage("stop", "Adopted", "--wait")
    assert not start_ticks(facts["pid"])


@pytest.mark.long
def test_a_killed_control_comes_back_and_the_server_kept_its_epoch(pairwise):
    facts = started(pairwise, "Resumed")
    control = pairwise.child("control")
    os.kill(control, signal.SIGKILL)
    wait_for(lambda: pairwise.child("control") != control, 10, "a new control")
    pairwise.wait_host()
    again = pairwise.wait_status("Resumed", "Started", 15)
    assert (again["pid"], again["epoch"], again["mode"]) == (facts["pid"], facts["epoch"], "Primary")


def test_a_killed_redis_comes_back_and_jobs_run_again(pairwise):
    facts = started(pairwise, "NoRedis")
    redis = pairwise.child("redis")
    os.kill(redis, signal.SIGKILL)
    wait_for(lambda: pairwise.child("redis") != redis, 10, "a new Redis")
    assert start_ticks(facts["pid"])
    pairwise.wait_healthy()
    pairwise.manage("stop", "NoRedis", "--wait")
    assert pairwise.application("NoRedis")["status"] == "Stopped"


@pytest.mark.long
def test_a_worker_killed_during_an_install_leaves_a_job_that_ended_and_the_next_install_works(pairwise):
    apply(pairwise, message_server("Cut"))
    # control does not answer: the install waits in "Connect to the Configuration Server"
    with pairwise.frozen_child("control"):
        install = pairwise.manage_later("install", "Cut", "--wait")
        worker = wait_for(lambda: _worker_with_children(pairwise), 30, "the host worker")
        wait_for(lambda: _staging(pairwise, "Cut"), 30, "the install under way")
        for pid in [worker.pid, *[child.pid for child in worker.children(recursive=True)]]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    output, _ = install.communicate(timeout=120)
    assert install.returncode == 1, output
    assert "lost" in output.lower() or "interrupted" in output.lower(), output
    pairwise.wait_healthy()
    pairwise.manage("install", "Cut", "--wait")
    assert not _staging(pairwise, "Cut")


def _worker_with_children(pairwise) -> psutil.Process | None:
    for process in psutil.Process(pairwise.child("agent")).children(recursive=True):
        if "hostagent.host_worker" in process.cmdline() and process.children():
            return process
    return None


def _staging(pairwise, name: str) -> list:
    return list((pairwise.data_dir / "apps").glob(f".{name}.new-*"))


@pytest.fixture(scope="module")
def own_run(tmp_path_factory):
    """A console that the scenarios of this file end in all ways."""
    with Pairwise(tmp_path_factory.mktemp("own") / "var") as run:
        yield run


@pytest.fixture
def run(own_run):
    """It, running."""
    if own_run.process is None or own_run.process.poll() is not None:
        own_run.start()
    return own_run


@pytest.mark.long
def test_ctrl_c_ends_a_run_whose_parts_hang_within_its_bound(run):
    facts = started(run, "Left", shutdown_timeout=60)
    for name in CHILDREN:
        os.kill(run.child(name), signal.SIGSTOP)
    asked = time.monotonic()
    run.interrupt()
    assert run.wait_end() == 0
    assert time.monotonic() - asked < 30
    run.wait_said("The agent has shown no sign of life")
    assert not start_ticks(facts["pid"])
    assert run.processes() == {}


@pytest.mark.long
def test_what_ran_comes_back_with_the_next_start_and_what_was_stopped_does_not(run):
    runs, rests = started(run, "Runs"), started(run, "Rests")
    run.manage("stop", "Rests", "--wait")
    assert run.stop() == 0
    assert run.processes() == {}
    run.start()
    again = run.wait_status("Runs", "Started", 20)
    assert again["pid"] != runs["pid"]
    assert again["epoch"] > runs["epoch"]
    assert run.application("Rests")["status"] == "Stopped"
    assert rests["pid"] != again["pid"]


@pytest.mark.long
def test_a_killed_run_leaves_its_servers_running_and_no_console_and_the_next_one_takes_over_and_adopts_them(run):
    facts = started(run, "Survivor")
    pids = [run.child(name) for name in CHILDREN]
    os.kill(run.child("redis"), signal.SIGSTOP)  # one that cannot end by itself
    run.kill_up()
    time.sleep(0.5)
    assert start_ticks(facts["pid"])
    run.start()
    run.wait_said("that an earlier run left behind")
    assert not any(start_ticks(pid) for pid in pids)
    again = run.wait_status("Survivor", "Started", 20)
    assert (again["pid"], again["epoch"]) == (facts["pid"], facts["epoch"])
    assert run.health()[0] == 200


@pytest.mark.long
def test_a_second_ctrl_c_does_not_wait_for_a_server_that_hangs(run):
    facts = started(run, "Hangs", shutdown_timeout=60)
    os.kill(facts["pid"], signal.SIGSTOP)
    run.interrupt()
    wait_for(lambda: run.said("Stopping") and "Hangs" in run.text, 10, "the stop")
    asked = time.monotonic()
    run.interrupt()
    assert run.wait_end() == 0
    assert time.monotonic() - asked < 30
    assert run.processes() == {}

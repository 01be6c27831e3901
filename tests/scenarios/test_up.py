"""`manage.py up`: start, second start, stop, killed runs, and what stands in the way of a start."""

import html
import json
import os
import signal
import socket
import subprocess

import pytest

from provisioning.states import AGENT_STOPPED

from .browserless import Browserless
from .harness import PASSWORD, wait_for

COMPONENTS = {"database", "redis", "control", "console_worker", "log_reader", "agent", "worker"}


def refused(run) -> str:
    """The one sentence of a start that is refused."""
    run.launch()
    assert run.wait_end() == 2, run.text
    assert len(run.output) == 1, run.text
    return run.text


def test_health_names_every_component_and_all_answer(pairwise):
    # No pair is chosen, so nobody waited for the log reader.
    wait_for(lambda: "log_reader" in pairwise.health()[1]["components"], 10, "the log reader")
    status, body = pairwise.health()
    assert set(body["components"]) == COMPONENTS
    assert (status, body["status"]) == (200, "ok"), body


def test_the_administrator_signs_in_with_the_password_that_was_set(pairwise):
    assert pairwise.browser().get("/provisioning/environment/applications/").status == 200


def test_a_second_start_beside_it_names_the_running_one(pairwise, make_pairwise):
    other = make_pairwise(PAIRWISE_DATA_DIR=str(pairwise.data_dir))
    other.launch()
    assert other.wait_end() == 2
    assert f"already runs at {pairwise.address} (process {pairwise.process.pid})" in other.text
    assert len(other.output) == 1
    assert pairwise.process.poll() is None


def test_a_component_that_dies_is_started_again_and_the_terminal_says_so(pairwise):
    for name in ("web", "console-worker", "control", "log-reader"):
        before = pairwise.child(name)
        os.kill(before, signal.SIGKILL)
        wait_for(lambda name=name, before=before: pairwise.child(name) != before, 10, f"a new {name}")
        pairwise.wait_healthy(30)
    pairwise.wait_said("was ended by SIGKILL; it starts again at once")


@pytest.mark.long
def test_a_cold_start_beside_another_run_shows_a_password_once_ctrl_c_leaves_nothing_and_the_next_start_is_warm(
        pairwise, make_pairwise):
    run = make_pairwise(cold=True)
    del run.environment["PAIRWISE_ADMIN_PASSWORD"]
    run.start()
    run.wait_said("Collecting the static files")
    password = next(line for line in run.output if "password" in line).split("password ")[1].split()[0]
    Browserless(run.address).sign_in("admin", password)
    run.command_line("check")
    assert run.health()[0] == pairwise.health()[0] == 200
    assert run.stop() == 0, run.text
    assert run.processes() == {}
    assert not (run.data_dir / "run.json").exists()
    assert not any(password in text for name, text in run.logs().items() if name != "up")
    assert pairwise.health()[0] == 200

    run.environment["PAIRWISE_ADMIN_PASSWORD"] = PASSWORD
    run.start()
    assert not run.said("Collecting the static files"), run.text
    assert not run.said("shown only this once")
    story = run.browser().get("/monitoring/events/").text
    assert AGENT_STOPPED in html.unescape(story)
    assert json.loads(run.command_line("alarms", "--all", "--json").stdout) == []
    run.interrupt(signal.SIGTERM)
    assert run.wait_end() == 0
    assert run.processes() == {}


def test_a_stop_during_the_start_ends_at_once(make_pairwise):
    run = make_pairwise(cold=True)
    run.launch()
    wait_for(lambda: (run.data_dir / "run.json").exists(), 20, "the record")
    run.interrupt()
    assert run.wait_end() == 0, run.text
    assert run.processes() == {}


@pytest.mark.parametrize(("setting", "low", "high"), [
    ("PAIRWISE_PORT", 20_000, 30_000), ("PAIRWISE_CONTROL_PORT", 20_000, 30_000), ("PAIRWISE_LCA_PORT", 5_000, 9_999)])
def test_a_taken_port_is_named_with_its_setting(make_pairwise, setting, low, high):
    run = make_pairwise()
    with socket.create_server(("127.0.0.1", int(run.environment[setting]))):
        sentence = refused(run)
    assert run.environment[setting] in sentence
    assert f"set {setting} to a free port" in sentence
    assert f"process {os.getpid()}" in sentence


@pytest.mark.long
def test_settings_that_cannot_work_are_refused_with_a_hint(make_pairwise):
    assert "number from 2000 to 9999" in refused(make_pairwise(PAIRWISE_LCA_PORT="12000"))
    same = make_pairwise()
    same.environment["PAIRWISE_CONTROL_PORT"] = same.environment["PAIRWISE_PORT"]
    assert "Give each its own port" in refused(same)
    assert "PAIRWISE_SECRET_KEY" in refused(make_pairwise(PAIRWISE_SECRET_KEY="short"))
    assert "does not answer" in refused(make_pairwise(PAIRWISE_REDIS_URL="redis://127.0.0.1:1/0"))


def test_a_full_disk_is_said_before_anything_is_written(make_pairwise, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(disk)], check=True)
    try:
        sentence = refused(make_pairwise(PAIRWISE_DATA_DIR=str(disk / "var")))
        assert "is full" in sentence
        assert "PAIRWISE_DATA_DIR" in sentence
    finally:
        subprocess.run(["umount", str(disk)], check=True)

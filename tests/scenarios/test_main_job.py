"""The main job from the command line: apply, install, start, messages, kill, stop."""

import os
import signal
import subprocess
import time

import pytest
from stomp.exception import ConnectFailedException, NotConnectedException

from .applications import apply, message_server, started
from .harness import wait_for
from .stomp_client import StompClient

LOGIN, PASSCODE = "bench", "benchpass"


def client_of(facts: dict) -> StompClient:
    port = next(each["port"] for each in facts["ports"] if each["id"] == "default")
    return StompClient(port, LOGIN, PASSCODE)


def test_install_fills_in_the_fields_and_start_says_started(pairwise):
    before = apply(pairwise, message_server("Main"))
    assert before["working_directory"] == "."
    pairwise.command_line("install", "Main", "--wait")
    # Control asks the agent about an application that is new to it.
    after = pairwise.wait_status("Main", "Stopped")
    assert after["working_directory"] == str(pairwise.data_dir / "apps" / "Main")
    assert after["version"]
    pairwise.command_line("start", "Main", "--wait")
    facts = pairwise.application("Main")
    assert (facts["status"], facts["mode"]) == ("Started", "Primary")
    assert facts["epoch"] >= 1
    assert os.readlink(f"/proc/{facts['pid']}/cwd") == facts["working_directory"]
    with open(f"/proc/{facts['pid']}/cmdline", "rb") as file:
        assert file.read().endswith(f"\0-port\0{pairwise.control_port}\0-app\0Main\0".encode())


def test_messages_are_acknowledged_delivered_and_resumed_by_sequence(pairwise):
    facts = started(pairwise, "Messages")
    with client_of(facts) as reader, client_of(facts) as writer:
        reader.subscribe("/topic/a")
        for number in range(5):
            writer.send("/topic/a", f"m{number}")
        assert reader.bodies(5) == [f"m{number}" for number in range(5)]
        third = int(reader.messages[2][0]["seq"])
    with client_of(facts) as again:
        again.subscribe("/topic/a", from_seq=third)
        assert again.bodies(3) == ["m2", "m3", "m4"]


def test_a_killed_server_comes_back_within_a_second_with_every_acknowledged_message(pairwise):
    facts = started(pairwise, "Killed", auto_restart=True)
    with client_of(facts) as writer:
        for number in range(20):
            writer.send("/topic/k", f"k{number}")
        os.kill(facts["pid"], signal.SIGKILL)
        killed_at = time.monotonic()
    client = wait_for(lambda: _connected(facts), 5, "a server that takes clients again", every=0.02)
    took = time.monotonic() - killed_at
    with client:
        client.subscribe("/topic/k", from_seq=1)
        assert client.bodies(20) == [f"k{number}" for number in range(20)]
    again = pairwise.wait_status("Killed", "Started", 10)
    assert again["pid"] != facts["pid"]
    assert again["epoch"] > facts["epoch"]
    # On a machine that is busy with other things, its own pace is the measure: a bare start of the same program.
    begun = time.monotonic()
    subprocess.run(["./MessageServer", "-V"], cwd=facts["working_directory"], check=True, capture_output=True)
    assert took < max(1.0, 6 * (time.monotonic() - begun))
    pairwise.manage("stop", "Killed", "--wait")


def _connected(facts: dict) -> StompClient | None:
    try:
        return client_of(facts)
    except (ConnectFailedException, NotConnectedException, OSError):
        # A process that dies may still take the connection, and reset it.
        return None


def test_without_auto_restart_the_status_says_what_happened(pairwise):
    facts = started(pairwise, "NoRestart", auto_restart=False)
    os.kill(facts["pid"], signal.SIGKILL)
    pairwise.wait_status("NoRestart", "Stopped", 10)
    assert "SIGKILL" in pairwise.browser().get("/monitoring/events/").text


@pytest.mark.long
@pytest.mark.parametrize("graceful", [False, True])
def test_a_planned_stop_is_never_restarted(pairwise, graceful):
    name = f"Planned{graceful}"
    facts = started(pairwise, name, auto_restart=True)
    pairwise.manage("stop", name, "--wait", *(["--graceful"] if graceful else []))
    assert pairwise.application(name)["status"] == "Stopped"
    wait_for(lambda: not os.path.exists(f"/proc/{facts['pid']}"), 5, "the process gone")
    # Longer than the first restart would take.
    time.sleep(1.5)
    assert pairwise.application(name)["status"] == "Stopped"

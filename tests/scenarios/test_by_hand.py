"""The server started by hand in its directory, as an administrator of the field would."""

import os
import signal
import subprocess
from pathlib import Path

from protocol.identity import start_ticks

from .applications import installed
from .harness import END_S


def by_hand(facts: dict) -> subprocess.Popen:
    return subprocess.Popen(["sh", "run.sh"], cwd=facts["working_directory"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def test_it_runs_when_stopped_the_console_shows_it_and_can_stop_it(pairwise):
    facts = installed(pairwise, "ByHand")
    assert (Path(facts["working_directory"]) / "run.sh").stat().st_mode & 0o777 == 0o750
    with by_hand(facts) as server:
        try:
            shown = pairwise.wait_status("ByHand", "Started", 15)
            assert shown["pid"] == server.pid
            pairwise.manage("stop", "ByHand", "--wait")
            assert server.wait(END_S) == 0
        finally:
            if start_ticks(server.pid):
                server.kill()
    pairwise.wait_status("ByHand", "Stopped", 10)


def test_a_second_one_says_already_running(pairwise):
    installed(pairwise, "Twice")
    pairwise.manage("start", "Twice", "--wait")
    facts = pairwise.application("Twice")
    with by_hand(facts) as second:
        output, _ = second.communicate(timeout=END_S)
    assert second.returncode not in (0, -signal.SIGKILL)
    assert "03008" in output
    assert "already running" in output
    assert pairwise.application("Twice")["pid"] == facts["pid"]
    assert os.path.exists(f"/proc/{facts['pid']}")

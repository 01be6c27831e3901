"""The disk of the data directory is full for some seconds: nothing ends for it, and a pair elsewhere fails over."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.scenarios.applications import apply_file, message_server
from tests.scenarios.harness import Pairwise, wait_for
from tests.scenarios.ledger import Ledger
from tests.scenarios.pairs import tell

DISK_MB = 256
ROOM_S = 10
"""All is well within so many seconds of room."""
MEMBERS = ("Disk_A", "Disk_B")


@pytest.fixture
def disk(tmp_path):
    """A small disk, to be torn down after the console that is on it."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    directory = tmp_path / "disk"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(directory)], check=True)
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


def fill(disk: Path) -> Path:
    """Not a byte is left; the file to remove for room."""
    ballast, size, step = disk / "ballast", 0, shutil.disk_usage(disk).free
    with open(ballast, "ab") as file:
        size = file.tell()
        while step:
            try:
                os.posix_fallocate(file.fileno(), size, step)
                size += step
            except OSError:
                step //= 2
    return ballast


def make_pair(run: Pairwise, apps: Path) -> Ledger:
    """Both members on this machine, on another disk than the console; clients of both."""
    made = [message_server(name, working_directory=str(apps / name), auto_restart=True) for name in MEMBERS]
    made[0] |= {"backup": MEMBERS[1], "redundancy_type": "warm standby"}
    run.manage("apply", apply_file(run, *made), "--yes")
    for verb in ("install", "start"):
        for name in MEMBERS:
            run.manage(verb, name, "--wait")
    wait_whole(run, MEMBERS[0], 30)
    return Ledger([("127.0.0.1", each["ports"][0]["port"]) for each in made])


def wait_whole(run: Pairwise, active: str, timeout: float) -> None:
    def whole() -> bool:
        status = run.status()
        [pair] = status["pairs"]
        return (pair["active"] == active and pair["in_sync"] and run.health()[0] == 200
                and {each["status"] for each in status["applications"]} == {"Started"})

    wait_for(whole, timeout, f"all well, and {active} serves")


def test_a_full_disk_of_the_data_directory_ends_nothing_and_the_pair_fails_over(disk, tmp_path, make_pairwise):
    run = make_pairwise("disk/var").start()
    (tmp_path / "apps").mkdir()
    with make_pair(run, tmp_path / "apps") as ledger:
        ledger.wait_acknowledged(50)
        up, killed = run.process.pid, run.child("console-worker")
        fill(disk)
        # Its successor has to be recorded, which cannot be now.
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: run.said("run.json cannot be written"), 10, "a word about run.json")
        fault = ledger.fault(lambda: os.kill(run.application(MEMBERS[0])["pid"], signal.SIGKILL))
        outage = fault.outage()
        tell("the console's disk is full, the primary is killed", outage)
        assert outage < 3
        ballast = fill(disk)
        ledger.stays_up(6)
        assert run.process.poll() is None, run.text
        ballast.unlink()
        wait_whole(run, MEMBERS[1], ROOM_S)
        assert run.process.pid == up
        assert run.child("console-worker") != killed
        assert run.said("run.json could be written again")
        ledger.check()
    for name in MEMBERS:
        run.manage("stop", name, "--wait")
    assert run.stop() == 0
    assert run.processes() == {}

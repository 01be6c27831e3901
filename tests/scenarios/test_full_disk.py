"""The disk of the data directory is full for some seconds: nothing ends for it, and a pair elsewhere fails over."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from .applications import apply_file, message_server
from .harness import Pairwise, wait_for
from .ledger import Ledger
from .pairs import fill_disk, measured

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
    fill_disk(disk / "ballast")
    return disk / "ballast"


def make_pair(run: Pairwise, apps: Path) -> Ledger:
    """Both members on this machine, on another disk than the console; clients of both."""
    made = [message_server(name, working_directory=str(apps / name), auto_restart=True) for name in MEMBERS]
    made[0] |= {"backup": MEMBERS[1], "redundancy_type": "warm standby"}
    run.manage("apply", apply_file(run, *made), "--yes")
    for verb in ("install", "start"):
        for name in MEMBERS:
            run.manage(verb, name, "--wait")
    wait_whole(run, 30, active=MEMBERS[0])
    return Ledger([("127.0.0.1", each["ports"][0]["port"]) for each in made])


def wait_whole(run: Pairwise, timeout: float, *, active: str = "") -> None:
    """Until both members are Started and in sync, ``active`` serves if that is said, and the console is healthy."""
    last: dict = {}

    def whole() -> bool:
        status = run.status()
        [pair] = status["pairs"]
        last.update({each["name"]: (each["status"], each["mode"], each["reason"]) for each in status["applications"]})
        last.update(active=pair["active"], in_sync=pair["in_sync"], health=run.health())
        return (pair["active"] == (active or pair["active"]) and pair["in_sync"] and last["health"][0] == 200
                and {last[name][:2] for name in MEMBERS} == {("Started", "Primary"), ("Started", "Backup")})

    try:
        wait_for(whole, timeout, "all well")
    except AssertionError as error:
        raise AssertionError(f"{error}: {last}\n{run.text}") from None


@pytest.mark.long
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
        measured("the console's disk is full, the primary is killed", fault, below_s=3)
        ballast = fill(disk)
        ledger.stays_up(6)
        assert run.process.poll() is None, run.text
        ballast.unlink()
        wait_whole(run, ROOM_S, active=MEMBERS[1])
        assert run.process.pid == up
        assert run.child("console-worker") != killed
        run.wait_said("run.json could be written again")
        ledger.check()
    for name in MEMBERS:
        run.manage("stop", name, "--wait")
    assert run.stop() == 0
    assert run.processes() == {}


@pytest.mark.long
def test_one_disk_for_everything_is_full_and_all_is_well_by_itself_once_there_is_room(disk, make_pairwise):
    run = make_pairwise("disk/var").start()
    with make_pair(run, run.data_dir / "apps") as ledger:
        ledger.wait_acknowledged(50)
        fill(disk)
        ledger.wait_silence(timeout=30)
        ballast = fill(disk)
        killed = run.child("agent")
        os.kill(killed, signal.SIGKILL)
        ledger.stays_silent(8)
        assert run.process.poll() is None, run.text
        ballast.unlink()
        wait_whole(run, ROOM_S)
        assert run.child("agent") != killed
        ledger.check()

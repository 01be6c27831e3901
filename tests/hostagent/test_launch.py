"""Following one process by what its shim writes, whatever the disk does meanwhile. Real processes."""

import asyncio
import errno
import os
import subprocess

import pytest

from hostagent import launch
from hostagent.files import read_json, write_json
from hostagent.launch import Follower, remove_older_runs
from hostagent.supervision import Ended
from protocol.identity import boot_id, start_ticks

PATIENCE_S = 10.0


class Followed:
    """A run directory as a shim leaves it, and who follows it; ``bad`` names files that cannot be read."""

    def __init__(self, run_dir):
        self.run_dir, self.bad = run_dir, set()
        os.mkfifo(run_dir / "events")
        loop = asyncio.get_running_loop()
        self.process = subprocess.Popen(["sleep", "60"])
        self.running, self.ended = loop.create_future(), loop.create_future()
        self.follower = Follower(lambda *told: self.running.set_result(told), self.ended.set_result)

    def read_json(self, path):
        if path.name in self.bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read_json(path)

    def run(self) -> None:
        """The shim, which is this process, tells that the program runs."""
        pid = self.process.pid
        write_json(self.run_dir / "run", {"shim_pid": os.getpid(), "shim_started": start_ticks(os.getpid()), "pid": pid,
                                          "started": start_ticks(pid), "boot_id": boot_id()})

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
async def followed(tmp_path, monkeypatch):
    made = Followed(tmp_path)
    monkeypatch.setattr(launch, "EXIT_FILE_S", 0.1)
    monkeypatch.setattr(launch, "read_json", made.read_json)
    made.follower.follow_run(tmp_path)
    yield made
    made.follower.close()
    made.kill()


async def of(future):
    async with asyncio.timeout(PATIENCE_S):
        return await future


async def test_the_end_of_a_server_is_told_though_its_exit_file_cannot_be_read(followed):
    followed.run()
    followed.follower.look()
    await of(followed.running)
    followed.bad.add("exit")
    followed.kill()
    assert await of(followed.ended) == Ended()


async def test_the_exit_code_is_told_when_the_disk_is_well_again_in_time(followed):
    followed.run()
    followed.follower.look()
    await of(followed.running)
    followed.bad.add("exit")
    followed.follower.look()
    write_json(followed.run_dir / "exit", {"exit_code": 3, "signal": 0, "at": 0.0})
    followed.bad.clear()
    followed.kill()
    assert await of(followed.ended) == Ended(3)


async def test_that_a_server_runs_is_told_once_the_disk_is_well_again(followed):
    followed.run()
    followed.bad.add("run")
    followed.follower.look()
    followed.bad.clear()
    assert (await of(followed.running))[0] == followed.process.pid


async def test_a_server_that_ended_before_its_shim_could_say_so_has_ended(followed):
    followed.run()
    followed.kill()
    followed.follower.look()
    assert await of(followed.ended) == Ended()


def test_older_runs_that_cannot_be_removed_stay(tmp_path):
    remove_older_runs(tmp_path / "gone", tmp_path / "gone/run")

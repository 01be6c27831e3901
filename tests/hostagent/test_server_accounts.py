"""Servers run as their Log On account; those of other accounts are found."""

import os
import pwd
import subprocess
import tempfile
from pathlib import Path

import pytest

from protocol.identity import start_ticks
from protocol.messages import Supervised, Watch

from .doubles import application, until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as other accounts")


async def told(host, **wanted):
    """The agent's word about the application once it is so."""
    def found():
        last = host.control.snapshots[-1].processes if host.control.snapshots else []
        said = [*({**each} for each in last), *(change.to_dict() for _, change in host.control.changes)]
        return [each for each in said if wanted.items() <= each.items()]
    return (await until(found, 15, f"the agent says {wanted}"))[-1]


@pytest.fixture
def open_directory():
    """One that every account may enter."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o755)
        yield Path(path)


@needs_root
async def test_a_server_runs_as_its_log_on_account_and_the_agent_says_so(host, open_directory):
    server = open_directory / "server"
    server.write_text("#!/bin/sh\necho ready\nexec sleep 600\n")
    server.chmod(0o755)
    fields = application(open_directory, log_on_as="nobody")
    pid = await host.started(fields)
    assert os.stat(f"/proc/{pid}").st_uid == pwd.getpwnam("nobody").pw_uid
    await host.control.say(Supervised(applications=[fields, {**fields, "name": "Other", "log_on_as": "no-such"}]))
    assert (await told(host, pid=pid, account="nobody"))["by_hand"] is False
    accounts = await until(lambda: host.control.snapshots[-1].host["accounts"], 15)
    assert accounts == {"nobody": "ok", "no-such": "missing"}


@needs_root
async def test_a_server_that_another_account_started_by_hand_is_found(host):
    await host.control.say(Supervised(applications=[host.app()]))
    with subprocess.Popen(["sleep", "600"], user="nobody", extra_groups=[]) as by_hand:
        try:
            await host.control.say(Watch(application="MS_Primary", pid=by_hand.pid, started=start_ticks(by_hand.pid)))
            assert (await told(host, pid=by_hand.pid, account="nobody"))["by_hand"] is True
            assert host.control.snapshots[-1].host["account"] == "root"
        finally:
            by_hand.kill()

"""Servers that somebody started by hand."""

import asyncio
import signal
import subprocess
import sys

import pytest

from hostagent.jobs.errors import JobFailed
from protocol.identity import is_alive, start_ticks
from protocol.messages import Supervised, Watch


@pytest.fixture
def by_hand(host):
    fields = host.app()
    process = subprocess.Popen([sys.executable, "-IS", str(host.apps / "MS_Primary" / "server")],
                               stdout=subprocess.DEVNULL)
    yield fields, process
    process.kill()
    process.wait(5)


async def test_a_server_started_by_hand_counts_as_running_and_can_be_stopped(host, by_hand):
    fields, process = by_hand
    await host.control.say(Watch(application="MS_Primary", pid=process.pid, started=start_ticks(process.pid)))
    change = await host.control.change("running")
    assert (change.pid, change.by_hand) == (process.pid, True)
    with pytest.raises(JobFailed, match=rf"already running \(pid {process.pid}, started by hand\)"):
        await host.call("start", **fields)
    await asyncio.sleep(0)
    assert (await host.call("stop", application="MS_Primary", shutdown_timeout=5))["was_running"]
    await asyncio.to_thread(process.wait, 5)
    change = await host.control.change("exited")
    assert (change.planned, change.pid) == (True, process.pid)


async def test_the_end_of_a_server_started_by_hand_is_told_and_it_is_not_restarted(host, by_hand):
    fields, process = by_hand
    await host.control.say(Supervised(applications=[{**fields, "auto_restart": True}]))
    await host.control.say(Watch(application="MS_Primary", pid=process.pid, started=start_ticks(process.pid)))
    await host.control.change("running")
    process.kill()
    change = await host.control.change("exited")
    assert (change.planned, change.exit_code) == (False, -1)
    assert "started by hand" in change.reason


async def test_a_server_started_by_hand_survives_the_agent_and_is_watched_again(host, by_hand):
    _, process = by_hand
    started = start_ticks(process.pid)
    await host.control.say(Watch(application="MS_Primary", pid=process.pid, started=started))
    await host.control.change("running")
    host.agent.end(signal.SIGINT)
    assert is_alive(process.pid, started)
    host.agent.start()
    [listed] = (await host.call("list"))["processes"]
    assert (listed["pid"], listed["by_hand"]) == (process.pid, True)

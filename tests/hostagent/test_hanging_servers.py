"""Servers that show no life."""

import asyncio
import os
import signal
import time

import pytest

from protocol.identity import start_ticks

from .doubles import LIVELY, SLEEPER, until


async def test_a_server_that_hangs_is_killed_and_started_again_after_its_heartbeat_period(host):
    fields = host.app(LIVELY, auto_restart=True, heartbeat_period=3, hangup_restart=True)
    pid = await host.started(fields)
    heard = len(host.control.changes)
    os.kill(pid, signal.SIGSTOP)
    frozen = time.monotonic()
    backoff = await host.control.change("backoff", after=heard)
    assert 2 < time.monotonic() - frozen < 10
    assert "it showed no sign of life and was killed" in backoff.reason
    assert [each.hanging for _, each in host.control.changes[heard:]][:2] == [True, False]
    assert (await host.control.change("running", after=heard + 1)).pid != pid


@pytest.mark.long
async def test_a_server_that_hangs_and_is_not_to_be_restarted_is_told_of_and_told_well_again(host):
    pid = await host.started(host.app(LIVELY, auto_restart=True, heartbeat_period=3, hangup_restart=False))
    heard = len(host.control.changes)
    os.kill(pid, signal.SIGSTOP)
    await until(lambda: [each.hanging for _, each in host.control.changes[heard:]] == [True], what="it hangs")
    os.kill(pid, signal.SIGCONT)
    await until(lambda: [each.hanging for _, each in host.control.changes[heard:]] == [True, False], what="it revives")
    assert {each.pid for _, each in host.control.changes[heard:]} == {pid}


@pytest.mark.long
async def test_servers_show_life_to_the_next_agent_too_and_others_are_not_expected_to(host):
    pid = await host.started(host.app(LIVELY, auto_restart=True, heartbeat_period=3, hangup_restart=True))
    quiet = await host.started(host.app(SLEEPER, "MS_Quiet", auto_restart=True, heartbeat_period=3,
                                        hangup_restart=True))
    await asyncio.to_thread(host.agent.end, signal.SIGKILL)
    host.control.forget()
    host.agent.start()
    await host.control.met()
    log = next(host.config.log_dir.glob("MS_Primary-*.log"))
    shown = log.read_text().count("shown")
    await until(lambda: log.read_text().count("shown") > shown + 1, what="a sign of life that the next agent hears")
    os.kill(pid, signal.SIGSTOP)
    await host.control.change("backoff")
    assert start_ticks(quiet)

"""SIGHUP at an agent: its log is begun anew, and neither that nor a terminal that is closed ends it."""

import asyncio
import fcntl
import os
import signal
import termios

import pytest

from hostagent.agent import Agent
from hostagent.config import load
from hostagent.directories import prepare_directories
from hostagent.lca import LcaPort
from tests.scenarios.harness import wait_for

from .doubles import AgentProcess, write_config


@pytest.fixture
def agent(tmp_path):
    agent = AgentProcess(write_config(tmp_path))
    yield agent
    agent.end(signal.SIGKILL)


async def test_an_agent_hears_signals_before_anybody_can_find_it(tmp_path, monkeypatch):
    config = load(write_config(tmp_path), {})
    os.close(prepare_directories(config))

    async def opened(port):
        assert signal.SIG_DFL not in map(signal.getsignal, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(LcaPort, "open", opened)
    async with asyncio.timeout(10):
        await Agent(config).run()


def test_an_agent_begins_its_log_anew_when_it_is_asked_to(agent):
    agent.start()
    log = agent.state_dir / "logs" / "agent.log"
    for number in (1, 2):
        log.rename(log.with_name(f"agent.log.moved-{number}"))
        agent.process.send_signal(signal.SIGHUP)
        wait_for(lambda: log.exists() and "opened anew" in log.read_text(), 10, "another log")
    assert agent.end() == 0
    assert "The agent ends" in log.read_text()


def test_an_agent_that_was_started_by_hand_outlives_its_terminal(agent):
    ours, terminal = os.openpty()

    def in_terminal() -> None:
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    agent.start(preexec=in_terminal)
    os.close(terminal)
    os.close(ours)
    wait_for(lambda: "SIGHUP" in agent.log(), 10, "the agent hears of its terminal")
    assert agent.end() == 0

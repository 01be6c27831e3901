"""The agent itself comes and goes, and so does control; its state; there is one agent only."""

import json
import os
import signal

import pytest

from protocol.identity import start_ticks
from protocol.messages import Supervised

from .doubles import STUBBORN, AgentProcess, running_pids, until, write_config


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_servers_survive_the_agent_and_are_adopted_by_the_next(host, number):
    pid = await host.started(host.app(auto_restart=True))
    host.agent.end(number)
    assert start_ticks(pid)
    host.control.forget()
    host.agent.start()
    [listed] = (await host.call("list"))["processes"]
    assert (listed["state"], listed["pid"], listed["by_hand"]) == ("running", pid, False)
    await host.control.met()
    heard = len(host.control.changes)
    os.kill(pid, signal.SIGKILL)
    backoff = await host.control.change("backoff", after=heard)
    assert backoff.signal == signal.SIGKILL, "the shim kept the exit code through the agent's restart"
    assert (await host.control.change("running", after=heard)).pid != pid


async def test_a_server_that_ended_while_the_agent_was_away_is_restarted(host):
    pid = await host.started(host.app(auto_restart=True))
    host.agent.end(signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not start_ticks(pid))
    host.agent.start()
    assert await host.control.runs_anew(pid)
    assert sum(running_pids(host.config.state_dir).values()) == 1


@pytest.mark.long
async def test_a_stop_that_the_agent_did_not_live_to_finish_is_finished_by_the_next(host):
    pid = await host.started(host.app(STUBBORN, auto_restart=True))
    await host.call("stop", application="MS_Primary", shutdown_timeout=1)
    host.agent.end(signal.SIGKILL)
    assert start_ticks(pid)
    host.agent.start()
    assert (await host.call("wait_stopped", application="MS_Primary", timeout_s=5))["signal"] == signal.SIGKILL
    assert "backoff" not in host.control.states()


async def test_a_stopped_server_stays_stopped_when_the_agent_is_restarted(host):
    await host.started(host.app(auto_restart=True))
    await host.call("stop", application="MS_Primary", shutdown_timeout=5)
    await host.call("wait_stopped", application="MS_Primary", timeout_s=5)
    host.agent.end(signal.SIGKILL)
    host.control.forget()
    host.agent.start()
    await host.control.met()
    [listed] = (await host.call("list"))["processes"]
    assert (listed["state"], listed["planned"]) == ("exited", True)
    await host.control.say(Supervised(applications=[host.app(auto_restart=True)]))
    await host.call("ping")
    assert not running_pids(host.config.state_dir)


async def test_sigint_stops_the_servers_and_the_next_agent_starts_them_again(host):
    pid = await host.started(host.app())
    assert host.agent.end(signal.SIGINT) == 0
    assert not start_ticks(pid)
    host.control.on_connect = [Supervised(applications=[host.app()])]
    host.agent.start()
    assert await host.control.runs_anew(pid)


@pytest.mark.long
async def test_after_sigint_they_start_again_without_control_from_the_last_known_list(host):
    pid = await host.started(host.app())
    host.agent.end(signal.SIGINT)
    host.control._server.close()
    host.agent.start()
    await until(lambda: running_pids(host.config.state_dir))
    assert pid not in running_pids(host.config.state_dir)


async def test_a_restart_works_while_control_is_away(host):
    pid = await host.started(host.app(auto_restart=True))
    host.control._server.close()
    host.control.channel.abort()
    os.kill(pid, signal.SIGKILL)
    await until(lambda: running_pids(host.config.state_dir) and pid not in running_pids(host.config.state_dir))


async def test_the_agent_connects_again_when_control_comes_back_and_tells_everything(host):
    pid = await host.started(host.app())
    connected = len(host.control.hellos)
    host.control.channel.abort()
    await until(lambda: len(host.control.hellos) > connected, timeout_s=3)
    snapshots = len(host.control.snapshots)
    await until(lambda: len(host.control.snapshots) > snapshots or host.control.snapshots[-1].processes)
    latest = host.control.snapshots[-1]
    assert [(each["application"], each["pid"]) for each in latest.processes] == [("MS_Primary", pid)]
    assert set(latest.host) == {"cpu_percent", "memory_percent", "disk_free_bytes", "agent_version", "agent_build",
                                "time", "worker", "looks", "reports", "account", "accounts", "resolved",
                                "comes_back_by", "service_account"}


async def test_a_second_agent_on_the_same_port_ends_with_a_sentence(host, tmp_path):
    other = AgentProcess(write_config(tmp_path / "other", lca_port=host.config.lca_port)).start(ready=False)
    assert other.process.wait(10) == 2
    assert f"LCA Port {host.config.lca_port} is in use" in other.process.stderr.read()
    other.process.stderr.close()


async def test_a_second_agent_on_the_same_state_ends_with_a_sentence(host):
    other = AgentProcess(host.path).start(ready=False)
    assert other.process.wait(10) == 2
    assert "Another agent already runs" in other.process.stderr.read()
    other.process.stderr.close()


async def test_a_state_that_cannot_be_written_ends_nothing_and_is_written_later(host):
    pid = await host.started(host.app(auto_restart=True))
    state = host.config.state_dir / "agent-state.json"
    state.unlink()
    (state / "in the way").mkdir(parents=True)
    heard = len(host.control.changes)
    os.kill(pid, signal.SIGKILL)
    await host.control.change("backoff", after=heard + 1)
    runs = next((host.config.state_dir / "run").iterdir())
    assert len(list(runs.iterdir())) == 1, "a start that was not possible leaves nothing"
    await host.control.say(Supervised(applications=[host.app(auto_restart=True)]))
    (state / "in the way").rmdir()
    state.rmdir()
    running = await host.control.change("running", after=heard)
    await until(state.is_file)
    assert json.loads(state.read_text())["records"]["MS_Primary"]["pid"] == running.pid
    log = host.agent.log()
    assert log.count("agent-state.json cannot be written") == 1
    assert "cannot be used" not in log

"""The agent as a real process: start, watch, restart, stop, adopt. Control and servers are real peers."""

import asyncio
import contextlib
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hostagent.config import load
from hostagent.jobs.errors import JobFailed
from hostagent.jobs.lca_client import LcaClient
from hostagent.lca import STRANGERS_MAX
from protocol.identity import is_alive, start_ticks
from protocol.messages import ApplicationStatus, Supervised, Watch

from .doubles import (
    FAILING,
    GRACEFUL,
    LIVELY,
    SLEEPER,
    STUBBORN,
    AgentProcess,
    ControlDouble,
    application,
    end_servers,
    running_pids,
    server_script,
    until,
    write_config,
)


class Host:
    """One host: its agent, its control, its worker's client."""

    def __init__(self, path):
        self.path = write_config(path)
        self.agent = AgentProcess(self.path)
        self.config = load(self.path, {})
        self.client = LcaClient(self.config)
        self.control = ControlDouble(self.agent.body["control"][0]["port"])
        self.apps = path / "apps"

    def app(self, text=SLEEPER, name="MS_Primary", **changes):
        directory = self.apps / name
        server_script(directory, text)
        return application(directory, name, **changes)

    async def call(self, verb, **arguments):
        return await asyncio.to_thread(self.client.call, verb, arguments)

    async def started(self, fields, mode="Primary"):
        """Start it and, when it is ready, let control say Started."""
        pid = (await self.call("start", **fields))["pid"]
        [log] = self.config.log_dir.glob(f"{fields['name']}-*.log")
        await until(lambda: "ready" in log.read_text())
        waiting = asyncio.create_task(self.call("wait_started", application=fields["name"], pid=pid, timeout_s=5))
        await self.control.say(ApplicationStatus(application=fields["name"], status="Started", mode=mode, pid=pid))
        assert await waiting == {"pid": pid, "mode": mode}
        return pid


@pytest.fixture
async def host(tmp_path):
    host = Host(tmp_path)
    async with host.control:
        host.agent.start()
        try:
            await host.control.met()
            yield host
        finally:
            if host.agent.process.poll() is None:
                await asyncio.to_thread(host.agent.end, signal.SIGKILL)
            end_servers(host.config.state_dir)


async def test_a_server_is_started_and_is_started_only_when_control_says_so(host):
    fields = host.app()
    pid = (await host.call("start", **fields))["pid"]
    assert start_ticks(pid)
    waiting = asyncio.create_task(host.call("wait_started", application="MS_Primary", pid=pid, timeout_s=5))
    await host.control.say(ApplicationStatus(application="MS_Primary", status="Initializing", pid=pid))
    await host.control.say(ApplicationStatus(application="MS_Primary", status="Started", mode="Primary", pid=pid - 1))
    _, pending = await asyncio.wait([waiting], timeout=0.3)
    assert pending, "another process's Started must not count"
    await host.control.say(ApplicationStatus(application="MS_Primary", status="Started", mode="Primary", pid=pid))
    assert await waiting == {"pid": pid, "mode": "Primary"}
    assert host.control.states() == ["starting", "running"]


async def test_the_agent_says_which_process_it_is(host):
    hello = host.control.hellos[-1]
    assert is_alive(hello.pid, hello.started)
    assert hello.pid == host.agent.process.pid


async def test_a_running_server_is_not_started_twice(host):
    fields = host.app()
    pid = await host.started(fields)
    with pytest.raises(JobFailed, match=rf"already running \(pid {pid}\)"):
        await host.call("start", **fields)


async def test_a_server_that_ends_before_it_is_ready_fails_the_start_with_its_last_words(host):
    fields = host.app(FAILING, auto_restart=True)

    async def start_and_wait():
        pid = (await host.call("start", **fields))["pid"]
        await host.call("wait_started", application="MS_Primary", pid=pid, timeout_s=5)

    with pytest.raises(JobFailed, match=r"exit code 3.*00-03000 There is no Configuration Server"):
        await start_and_wait()
    listed = (await host.call("list"))["processes"][0]
    assert (listed["state"], listed["exit_code"]) == ("exited", 3)
    assert "backoff" not in host.control.states()


async def test_a_server_about_which_nothing_is_decided_is_left_running(host):
    pid = (await host.call("start", **host.app()))["pid"]
    word = ApplicationStatus(application="MS_Primary", status="Initializing", pid=pid, disputed=True,
                             reason="An older control database was put back.")
    waiting = asyncio.create_task(host.call("wait_started", application="MS_Primary", pid=pid, timeout_s=60,
                                            disputed_s=0.2))
    await host.control.say(word)
    assert await waiting == {"pid": pid, "mode": "", "disputed": word.reason}
    assert start_ticks(pid)


async def test_a_dispute_that_ends_in_time_does_not_fail_the_start(host):
    pid = (await host.call("start", **host.app()))["pid"]
    waiting = asyncio.create_task(host.call("wait_started", application="MS_Primary", pid=pid, timeout_s=60,
                                            disputed_s=30))
    word = ApplicationStatus(application="MS_Primary", status="Initializing", pid=pid, disputed=True)
    for each in (word, replace(word, disputed=False), replace(word, disputed=False, status="Started", mode="Backup")):
        await host.control.say(each)
    assert (await waiting)["mode"] == "Backup"


async def test_a_server_that_is_not_ready_in_time_is_stopped_again(host):
    pid = (await host.call("start", **host.app()))["pid"]
    with pytest.raises(JobFailed, match=r"Startup Timeout of 0.2 s .* was stopped again"):
        await host.call("wait_started", application="MS_Primary", pid=pid, timeout_s=0.2)
    change = await host.control.change("exited")
    assert change.planned
    assert not start_ticks(pid)


async def test_a_planned_stop_tells_the_exit_code_and_is_never_restarted(host):
    pid = await host.started(host.app(auto_restart=True))
    assert await host.call("stop", application="MS_Primary", graceful=False, shutdown_timeout=5) == {
        "was_running": True, "pid": pid}
    assert (await host.call("wait_stopped", application="MS_Primary", timeout_s=5))["exit_code"] == 0
    change = await host.control.change("exited")
    assert change.planned
    assert host.control.states() == ["starting", "running", "stopping", "exited"]


async def test_stopping_a_stopped_server_is_fine_and_says_so(host):
    assert await host.call("stop", application="MS_Primary") == {"was_running": False, "pid": 0}


async def test_a_server_that_ignores_sigterm_is_killed_after_its_shutdown_timeout(host):
    await host.started(host.app(STUBBORN))
    began = time.monotonic()
    await host.call("stop", application="MS_Primary", shutdown_timeout=0.3)
    ended = await host.call("wait_stopped", application="MS_Primary", timeout_s=5)
    assert (ended["signal"], time.monotonic() - began >= 0.3) == (signal.SIGKILL, True)
    assert "Shutdown Timeout" in ended["reason"]


async def test_a_graceful_stop_lets_the_server_end_itself(host):
    await host.started(host.app(GRACEFUL))
    await host.call("stop", application="MS_Primary", graceful=True, shutdown_timeout=5, suspending_wait_timeout=5)
    assert (await host.call("wait_stopped", application="MS_Primary", timeout_s=5))["exit_code"] == 0


async def test_a_graceful_stop_that_is_not_answered_becomes_a_plain_one(host):
    text = GRACEFUL.replace("signal.SIGUSR1, lambda *_: sys.exit(0)", "signal.SIGUSR1, signal.SIG_IGN")
    await host.started(host.app(text))
    await host.call("stop", application="MS_Primary", graceful=True, shutdown_timeout=5, suspending_wait_timeout=0.1)
    assert (await host.call("wait_stopped", application="MS_Primary", timeout_s=5))["exit_code"] == 7


async def test_a_killed_server_is_restarted_at_once_and_control_hears_it_without_polling(host):
    pid = await host.started(host.app(auto_restart=True))
    heard = len(host.control.changes)
    killed_at = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    backoff = await host.control.change("backoff", after=heard)
    running = await host.control.change("running", after=heard)
    at = {change.state: when for when, change in host.control.changes[heard:]}
    assert (backoff.signal, backoff.planned, backoff.restarts) == (signal.SIGKILL, False, 1)
    assert running.pid != pid
    assert start_ticks(running.pid)
    # The agent's only interval is 5 s; the exit came by event.
    assert at["backoff"] - killed_at < 1
    assert at["running"] - killed_at < 1


@pytest.mark.parametrize(("kind", "words"), [
    ("MessageServer", "cannot be opened, look at its disk and its log: it is tried again every 60 s"),
    ("GenericServer", "Restart 2 of 10 in 1 s")])
async def test_a_killed_server_whose_disk_fails_is_tried_on_for_as_long_as_it_does(host, kind, words):
    text = f"import os, sys\nif os.path.exists('bad'):\n    sys.exit(7)\n{SLEEPER}"
    pid = await host.started(host.app(text, auto_restart=True, type=kind))
    (host.apps / "MS_Primary" / "bad").touch()
    heard = len(host.control.changes)
    os.kill(pid, signal.SIGKILL)

    def told():
        return [change.reason for _, change in host.control.changes[heard:]
                if (change.state, change.exit_code) == ("backoff", 7)]

    assert words in (await until(told))[0]


async def test_without_auto_restart_a_killed_server_stays_down_and_the_reason_is_told(host):
    pid = await host.started(host.app())
    os.kill(pid, signal.SIGKILL)
    change = await host.control.change("exited")
    assert not change.planned
    assert "SIGKILL" in change.reason
    assert "Auto-Restart is off" in change.reason


async def test_what_a_server_left_behind_is_ended_with_it(host):
    text = "import os, signal\nif os.fork() == 0:\n    while True:\n        signal.pause()\n" + SLEEPER
    pid = await host.started(host.app(text))
    os.kill(pid, signal.SIGKILL)
    await host.control.change("exited")
    with pytest.raises(ProcessLookupError):
        os.killpg(pid, 0)


@pytest.mark.parametrize(("change", "sentence"), [
    ({"working_directory": "."}, "not an absolute path"),
    ({"working_directory": "/nowhere/at/all"}, "does not exist on this host"),
    ({"command_line": "."}, "no Command Line"),
    ({"command_line": "./missing"}, "does not exist on this host"),
    ({"command_line_arguments": '-app "MS'}, "check its quotes"),
    ({"log_on_as": "no-such-account"}, "OS account no-such-account does not exist|cannot change accounts"),
])
async def test_a_start_that_cannot_work_is_refused_with_a_sentence(host, change, sentence):
    with pytest.raises(JobFailed, match=sentence):
        await host.call("start", **host.app(**change))


async def test_arguments_reach_the_server_without_a_shell(host):
    text = "import sys, json\nprint(json.dumps(sys.argv[1:]), flush=True)\n" + SLEEPER
    fields = host.app(text, command_line_arguments="""-app "MS $(id) `id` 'x'" -x 'a b'; ls""")
    await host.started(fields)
    [log] = host.config.log_dir.glob("MS_Primary-*.log")
    assert json.loads(log.read_text().splitlines()[0]) == ["-app", "MS $(id) `id` 'x'", "-x", "a b;", "ls"]


async def test_servers_inherit_no_pairwise_setting_but_where_the_authority_of_the_console_is(host, tmp_path):
    host.agent.end()
    host.agent.start(PAIRWISE_BROKER_URL="redis://:password@127.0.0.1:9/0", SITE_SETTING="kept")
    text = "import os\nprint([key for key in os.environ if key.startswith(('PAIRWISE', 'SITE'))], flush=True)\n"
    await host.started(host.app(text + SLEEPER))
    [log] = host.config.log_dir.glob("MS_Primary-*.log")
    assert log.read_text().splitlines()[0] == "['SITE_SETTING', 'PAIRWISE_CONSOLE_CA_FILE']"


# --- the agent itself comes and goes ---------------------------------------------------------------


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


async def test_only_who_knows_the_hosts_secret_may_use_the_lca_port(host, tmp_path):
    stranger = write_config(tmp_path / "stranger", secret="a guess", lca_port=host.config.lca_port)
    with pytest.raises(JobFailed, match="Only the worker of this host"):
        await asyncio.to_thread(LcaClient(load(stranger, {})).call, "ping", {})


@pytest.mark.long
async def test_strangers_at_the_lca_port_do_not_keep_the_worker_out(host):
    with contextlib.ExitStack() as held:
        for _ in range(STRANGERS_MAX * 2):
            held.enter_context(socket.create_connection(("127.0.0.1", host.config.lca_port)))
        assert (await asyncio.to_thread(LcaClient(host.config).call, "ping", {}))["host"] == host.config.host


async def test_control_hears_whom_the_lca_port_refused(host):
    _, writer = await asyncio.open_connection("127.0.0.1", host.config.lca_port)
    for _ in range(3):
        writer.write(b"rubbish\n")
    await until(lambda: "LCA Port was refused" in (host.config.log_dir / "agent.log").read_text())
    writer.transport.abort()
    snapshots = len(host.control.snapshots)
    host.control.channel.abort()
    await until(lambda: len(host.control.snapshots) > snapshots, timeout_s=5)
    refused = host.control.snapshots[-1].host["lca_refused"]
    assert refused["number"] > 1_700_000_000_000
    assert refused["text"].startswith("A connection to the LCA Port was refused: 127.0.0.1: the peer sent ")


# --- servers started by hand -----------------------------------------------------------------------


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

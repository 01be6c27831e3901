"""The agent starts, stops and restarts servers, as control and its worker say."""

import asyncio
import json
import os
import signal
import time
from dataclasses import replace

import pytest

from hostagent.agent import said_of
from hostagent.jobs.errors import JobFailed
from protocol.identity import is_alive, start_ticks
from protocol.messages import ApplicationStatus, ProcessChanged

from .doubles import FAILING, GRACEFUL, SLEEPER, STUBBORN, until


@pytest.mark.parametrize(("change", "said"), [
    (ProcessChanged(application="MS", state="starting"), "MS: starting."),
    (ProcessChanged(application="MS", state="running", pid=17, reason="It runs."), "MS: running (pid 17). It runs.")])
def test_a_pid_is_told_of_a_process_that_has_one(change, said):
    assert said_of(change) == said


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

"""Agents on real connections: what they are told, and what follows from what they attest."""

import time

from asgiref.sync import sync_to_async

from control.main import Control
from protocol.messages import ApplicationStatus, Ping, Pong, ProcessChanged, Processes, Supervised, Watch
from provisioning.models import Event, HostRuntime, Option, RuntimeStatus
from provisioning.states import AGENT_STOPPED

from .conftest import (
    Peers,
    eventually,
    host_that,
    new_application,
    process,
    processes_of,
    report_on,
    row_that,
    status_of,
)


async def texts(**wanted) -> list[str]:
    return [text async for text in Event.objects.filter(**wanted).order_by("id").values_list("text", flat=True)]


async def test_an_agent_gets_its_applications_and_its_host_is_running(control, peers, objects):
    await Option.objects.acreate(application=objects.server, annex=True, section="sml", key="suspending-wait-timeout",
                                 value="9999", secret_value="unused")
    await Option.objects.acreate(application=objects.server, section="Log", key="all",
                                 value="stdout, logs/ms.log,network")
    await control.reign.reloader.changed(["MS"], [])
    agent = await peers.agent(objects.host)
    [entry] = (await agent.hears(Supervised)).applications
    assert entry == {
        "name": "MS", "type": "MessageServer", "enabled": True, "working_directory": "/opt/MS",
        "command_line": "./MessageServer", "command_line_arguments": "", "startup_timeout": 90,
        "shutdown_timeout": 90, "auto_restart": False, "log_on_as": "", "suspending_wait_timeout": 600,
        "heartbeat_period": 10, "hangup_restart": True, "log_files": ["logs/ms.log"]}
    row = await host_that(lambda row: row.worker_alive)
    assert (row.status, row.agent_version, row.agent_pid, row.facts["cpu_percent"]) == ("Running", "1.0", 99, 3.5)
    assert (await status_of(objects.server, "Stopped")).reason == "No process of it runs."


async def test_a_start_goes_through_initializing_to_started_and_the_agent_hears_it(control, peers, objects):
    agent = await peers.agent(objects.host)
    await status_of(objects.server, "Stopped")
    await agent.say(process("starting", pid=0, started=0))
    await agent.say(process("running"))
    assert (await status_of(objects.server, "Initializing")).pid == 4711
    await peers.started(objects.server)
    told = await agent.hears(ApplicationStatus, lambda message: message.status == "Started")
    assert (told.application, told.pid, told.mode, told.epoch) == ("MS", 4711, "Primary", 1)
    row = await status_of(objects.server, "Started")
    assert not row.by_hand
    assert await texts(number=5022) == ["The process started (pid 4711)."]


async def test_a_server_that_hangs_and_comes_back_is_told_of_in_its_timeline(control, peers, objects):
    agent = await peers.agent(objects.host)
    for hanging, reason in ((False, ""), (True, "It hangs."), (True, "It hangs still."), (False, "It does not.")):
        await agent.say(process("running", hanging=hanging, reason=reason))
    await eventually(lambda: texts(number=5161), "the end of it was not told")
    assert (await texts(number=5160), await texts(number=5161)) == (["It hangs."], ["It does not."])


async def test_a_planned_stop_ends_as_stopped_as_asked(control, peers, objects):
    agent = await peers.agent(objects.host, process("running"))
    server, grant = await peers.started(objects.server)
    await agent.say(process("stopping", planned=True))
    await status_of(objects.server, "Stop Pending")
    await server.say(report_on(grant, state="stopping"))
    await server.gone()
    await agent.say(process("exited", planned=True, exit_code=0))
    row = await status_of(objects.server, "Stopped")
    assert (row.reason, row.pid, row.mode, row.clients, row.ports) == ("Stopped as asked.", 0, "", 0, [])
    assert await texts(number=5091) == ["The process stopped as asked (exit code 0)."]


async def test_a_killed_server_comes_back_by_auto_restart_and_the_timeline_says_so(control, peers, objects):
    agent = await peers.agent(objects.host, process("running"))
    server, _ = await peers.started(objects.server)
    await status_of(objects.server, "Started")
    await server.gone()
    await agent.say(process("backoff", signal=9, restarts=1))
    row = await status_of(objects.server, "Start Pending")
    assert row.reason == "Ended unexpectedly: killed by signal 9 (SIGKILL); restarts at once."
    await agent.say(process("running", pid=4712, restarts=1))
    _, grant = await peers.started(objects.server, pid=4712, epoch=1, record_version=1)
    row = await row_that(objects.server, lambda row: row.status == "Started" and row.pid == 4712)
    assert (row.epoch, row.restarts, grant.epoch) == (2, 1, 2)
    assert (await texts(number=5024))[0] == ("The process ended unexpectedly: killed by signal 9 (SIGKILL). "
                                             "Auto-Restart starts it again.")
    assert (await texts(number=5022))[-1].endswith(" (pid 4712, restart 1).")


async def test_an_attested_end_counts_though_the_connection_still_stands(control, peers, objects):
    agent = await peers.agent(objects.host, process("running"))
    server, _ = await peers.started(objects.server)
    await agent.say(process("exited", signal=9))
    assert "killed by signal 9" in (await status_of(objects.server, "Stopped")).reason
    assert await server.is_cut()
    await peers.started(objects.server, pid=12, epoch=1, record_version=1)


async def test_giving_up_is_a_status_of_its_own(control, peers, objects):
    agent = await peers.agent(objects.host)
    await agent.say(process("gave_up", exit_code=7, restarts=10))
    assert "10 restarts" in (await status_of(objects.server, "Gave Up")).reason


async def test_a_server_started_by_hand_is_watched_and_its_attested_end_is_shown(control, peers, objects):
    agent = await peers.agent(objects.host)
    await status_of(objects.server, "Stopped")
    server, _ = await peers.started(objects.server, pid=600, started=77)
    watch = await agent.hears(Watch)
    assert (watch.application, watch.pid, watch.started) == ("MS", 600, 77)
    await agent.say(process("running", pid=600, started=77, by_hand=True))
    assert (await status_of(objects.server, "Started")).by_hand
    await server.gone()
    await agent.say(process("exited", pid=600, started=77, by_hand=True, signal=9))
    assert "killed by signal 9" in (await status_of(objects.server, "Stopped")).reason


async def test_an_agent_that_connects_later_is_asked_to_watch_what_was_started_by_hand(control, peers, objects):
    await peers.started(objects.server, pid=600, started=77)
    agent = await peers.agent(objects.host)
    assert (await agent.hears(Watch)).pid == 600


async def test_a_server_that_its_agent_started_is_not_watched(control, peers, objects):
    await peers.started(objects.server)
    agent = await peers.agent(objects.host, process("running"))
    await agent.hears(ApplicationStatus, lambda message: message.status == "Started")
    console = await peers.console()
    await console.say(Ping())
    await console.hears(Pong)
    assert not [message for message in agent.heard if isinstance(message, Watch)]


async def test_a_lost_server_of_which_the_agent_finds_nothing_is_stopped(control, peers, objects):
    agent = await peers.agent(objects.host)
    server, _ = await peers.started(objects.server, pid=600)
    await agent.hears(Watch)
    await server.gone()
    assert "has not said" in (await status_of(objects.server, "Unknown")).reason
    await agent.say(processes_of())
    assert "finds no process" in (await status_of(objects.server, "Stopped")).reason


async def test_a_lost_connection_of_a_running_process_is_unknown_until_it_is_back(control, peers, objects):
    await peers.agent(objects.host, process("running"))
    server, grant = await peers.started(objects.server)
    await status_of(objects.server, "Started")
    await server.gone()
    assert "connection to control is lost" in (await status_of(objects.server, "Unknown")).reason
    back = await peers.server(objects.server, epoch=1, record_version=1, role="primary")
    await back.say(report_on(grant))
    assert (await status_of(objects.server, "Started")).epoch == 1


async def test_a_lost_agent_leaves_connected_servers_started_and_the_others_unknown(control, peers, objects):
    other = await sync_to_async(new_application)("Other", objects.template, objects.host)
    agent = await peers.agent(objects.host, process("running"),
                              ProcessChanged(application="Other", state="running", pid=5, started=1))
    await peers.started(objects.server)
    await status_of(objects.server, "Started")
    await agent.gone()
    row = await host_that(lambda row: row.status == "Disconnected")
    assert "connection to its agent is lost" in row.reason
    assert not row.worker_alive
    await peers.started(objects.server, pid=4711, epoch=1, record_version=1, role="primary")
    await status_of(objects.server, "Started")
    # Objects made behind control's back are found by comparing; this one is looked up on its own hello.
    _, _ = await peers.started(other, pid=5)
    await status_of(other, "Started")


async def test_an_agent_that_says_that_it_ends_was_stopped_as_asked(control, peers, objects):
    agent = await peers.agent(objects.host, process("running"))
    await agent.say(Processes(processes=[], host={"worker": False, "ends": True}))
    await host_that(lambda row: row.worker_alive is False)
    await agent.gone()
    row = await host_that(lambda row: row.status == "Disconnected")
    assert row.reason == AGENT_STOPPED


async def test_of_what_is_only_kept_an_agent_that_comes_and_goes_tells_nothing_but_what_runs(control, peers, objects):
    made = {name: await sync_to_async(new_application)(name, objects.template, objects.host, type="SCS")
            for name in ("Quiet", "Runs")}
    runs = ProcessChanged(application="Runs", state="running", pid=5, started=1)
    await control.reign.reloader.compare()
    agent = await peers.agent(objects.host, runs)
    await status_of(objects.server, "Stopped")
    await status_of(made["Runs"], "Initializing")
    await agent.gone()
    for row in (objects.server, made["Runs"]):
        await status_of(row, "Unknown")
    assert not await RuntimeStatus.objects.filter(application=made["Quiet"]).aexists()
    assert not await Event.objects.filter(application=made["Quiet"]).aexists()


async def test_an_adopted_process_keeps_its_status_when_the_agent_is_restarted(control, peers, objects):
    agent = await peers.agent(objects.host, process("running"))
    await peers.started(objects.server)
    before = await status_of(objects.server, "Started")
    await agent.gone()
    await host_that(lambda row: row.status == "Disconnected")
    await peers.agent(objects.host, process("running"))
    await host_that(lambda row: row.status == "Running")
    row = await status_of(objects.server, "Started")
    assert (row.pid, row.epoch, row.started_at, row.by_hand) == (before.pid, 1, before.started_at, False)


async def test_a_host_that_does_not_come_back_after_controls_restart_is_disconnected(objects, settings_of_control):
    async with Peers() as peers:
        async with Control(settings_of_control) as control:
            peers.follow(control)
            await peers.agent(objects.host)
            await host_that(lambda row: row.status == "Running")
        async with Control(settings_of_control):
            assert (await HostRuntime.objects.aget()).status == "Running"
            row = await host_that(lambda row: row.status == "Disconnected")
            assert "since control was started" in row.reason


async def test_how_far_the_clock_of_a_host_is_off_is_known(control, peers, objects):
    agent = await peers.agent(objects.host)
    await agent.say(Processes(processes=[], host={"agent_version": "1.0", "worker": True, "time": time.time() + 120}))
    row = await host_that(lambda row: "clock_offset_s" in row.facts)
    assert 110 < row.facts["clock_offset_s"] < 121


async def test_the_account_that_a_server_runs_as_is_shown_and_kept_while_its_agent_is_away(control, peers, objects):
    agent = await peers.agent(objects.host, process("running", account="msgsrv"))
    await peers.started(objects.server)
    row = await row_that(objects.server, lambda row: row.account == "msgsrv")
    assert row.pid == 4711
    await agent.gone()
    await host_that(lambda row: row.status == "Disconnected")
    assert (await status_of(objects.server, "Started")).account == "msgsrv"
    agent = await peers.agent(objects.host, process("exited", exit_code=0))
    await row_that(objects.server, lambda row: row.status == "Stopped" and row.account == "")

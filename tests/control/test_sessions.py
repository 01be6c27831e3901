"""Servers on real connections: registration, refusals, grants, resumption."""

import asyncio
import contextlib
from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async

from control.main import Control
from control.sessions import REFUSED_BURST
from protocol import wire
from protocol.messages import Changed, Configuration, Event, Grant, Ping, Pong, Report
from provisioning import models
from provisioning.models import Application
from provisioning.record.models import PairRecord
from tests.factories import set_option

from .conftest import Peers, eventually, new_application, report_on, row_that, status_of


async def test_a_server_registers_gets_configuration_and_a_grant_and_is_started(control, peers, objects):
    _, grant = await peers.started(objects.server)
    assert (grant.role, grant.epoch, grant.record_version) == ("primary", 1, 1)
    row = await status_of(objects.server, "Started")
    assert (row.mode, row.epoch, row.pid, row.version) == ("Primary", 1, 4711, "8.5.100.01")
    assert row.started_at is not None
    assert row.heard_at is not None


async def test_the_configuration_is_whole_and_its_secrets_are_not_masked(control, peers, objects):
    await sync_to_async(set_option)(objects.server, "clients", "bench", "benchpass")
    await sync_to_async(set_option)(objects.server, "sml", "suspending-wait-timeout", "30", annex=True)
    await control.reign.reloader.changed(["MS"], [])
    server = await peers.server(objects.server)
    assert (await server.hears(Configuration)).application == {
        "name": "MS", "type": "MessageServer", "version": "8.5.100.01", "enabled": True,
        "host": {"name": "alpha", "ip_address": "127.0.0.1"}, "working_directory": "/opt/MS",
        "ports": [{"id": "default", "port": 7001, "protocol": "stomp", "ha_sync": False,
                   "listening_mode": "unsecured", "transport_parameters": ""}],
        "options": {"clients": {"bench": "benchpass"}}, "annex": {"sml": {"suspending-wait-timeout": "30"}},
        "startup_timeout": 90, "shutdown_timeout": 90, "backup": "", "primary": "", "peer": {},
        "controls": [], "log_to": {}}


async def refused(peers: Peers, name: str, secret: str, **hello) -> wire.RefusedError:
    with pytest.raises(wire.RefusedError) as refusal:
        await peers.dial("application", name, secret, **{"pid": 1, "started": 1, "host": "alpha", **hello})
    return refusal.value


async def test_an_unknown_name_and_a_wrong_secret_are_refused_alike(control, peers, objects, caplog):
    unknown = await refused(peers, "Nobody", "x")
    wrong = await refused(peers, "MS", "x")
    assert (unknown.event, wrong.event) == (3007, 3007)
    assert str(unknown).replace("Nobody", "MS") == str(wrong)
    assert [record.message for record in caplog.records if "claims to be" in record.message] == [
        "A connection to control was refused: 127.0.0.1: it claims to be 'Nobody', which is no server here.",
        "A server from 127.0.0.1 that claims to be MS was refused by control: it does not know the application's "
        "secret."]


async def test_strangers_that_claim_to_be_somebody_are_told_of_once_a_minute(control, peers, objects, caplog):
    for number in range(20):
        await refused(peers, f"Nobody {number}", "x")
    with pytest.raises(wire.RefusedError):
        await peers.dial("host", "nowhere", "x")
    with pytest.raises(wire.RefusedError):
        await peers.dial("console", "console", "x")
    for _ in range(20):
        await refused(peers, "MS", "x")
    told = [record.message for record in caplog.records if "refused" in record.message]
    assert [text for text in told if "connection" in text] == [
        "A connection to control was refused: 127.0.0.1: it claims to be 'Nobody 0', which is no server here."]
    assert len(told) <= 1 + REFUSED_BURST + 1
    await eventually(lambda: models.Event.objects.filter(source="stranger", host=None, application=None).acount(),
                     "no event")


async def test_a_disabled_application_is_refused(control, peers, objects):
    await Application.objects.filter(name="MS").aupdate(enabled=False)
    await control.reign.reloader.changed(["MS"], [])
    error = await refused(peers, "MS", objects.server.secret)
    assert error.event == 6052
    assert "is disabled" in str(error)


async def test_an_object_that_is_no_server_is_refused(control, peers, objects):
    await Application.objects.filter(name="MS").aupdate(type="GenericClient")
    await control.reign.reloader.changed(["MS"], [])
    assert (await refused(peers, "MS", objects.server.secret)).event == 6052


async def test_a_second_server_is_refused_while_the_first_is_connected(control, peers, objects):
    await peers.started(objects.server)
    error = await refused(peers, "MS", objects.server.secret, pid=12)
    assert error.event == 3008
    assert "already running (pid 4711 on host alpha)" in str(error)


async def test_a_new_connection_of_the_same_process_replaces_the_old_one(control, peers, objects):
    first, grant = await peers.started(objects.server)
    second = await peers.server(objects.server, epoch=1, record_version=1, role="primary")
    assert await first.is_cut()
    await second.say(report_on(grant))
    row = await row_that(objects.server, lambda row: row.status == "Started" and row.epoch == 1)
    assert row.pid == 4711
    await second.say(report_on(grant, last_seq=5))
    await row_that(objects.server, lambda row: row.last_seq == 5)
    assert not [message for message in second.heard if isinstance(message, Grant)]


async def test_a_server_that_ended_may_be_started_again_and_gets_a_new_epoch(control, peers, objects):
    first, _ = await peers.started(objects.server)
    await first.gone()
    await eventually(lambda: control.facts()["applications"] == 0, "the end was not noticed")
    _, grant = await peers.started(objects.server, pid=12, epoch=1, record_version=1)
    assert (grant.epoch, grant.record_version) == (2, 2)
    await row_that(objects.server, lambda row: (row.status, row.pid, row.epoch) == ("Started", 12, 2))


async def test_a_check_gets_the_configuration_and_registers_nothing(control, peers, objects):
    checker = await peers.server(objects.server, purpose="check")
    assert (await checker.hears(Configuration)).application["name"] == "MS"
    await peers.started(objects.server)
    assert control.facts()["applications"] == 1


async def test_the_newest_check_of_an_application_ends_the_one_before(control, peers, objects):
    first = await peers.server(objects.server, purpose="check")
    await first.hears(Configuration)
    second = await peers.server(objects.server, purpose="check")
    await second.hears(Configuration)
    async with asyncio.timeout(5):
        await first.is_cut()
    assert not second.ended


async def test_a_server_that_serves_on_while_control_is_restarted_keeps_its_epoch(objects, settings_of_control):
    async with Peers() as peers:
        async with Control(settings_of_control) as control:
            peers.follow(control)
            _, grant = await peers.started(objects.server)
            await status_of(objects.server, "Started")
        async with Control(settings_of_control) as control:
            peers.follow(control)
            server = await peers.server(objects.server, epoch=1, record_version=1, role="primary")
            await server.say(report_on(grant, last_seq=9))
            row = await row_that(objects.server, lambda row: row.last_seq == 9)
            assert (row.status, row.epoch) == ("Started", 1)
            assert not [message for message in server.heard if isinstance(message, Grant)]
    assert (await PairRecord.objects.aget()).version == 1


async def test_after_a_restart_of_control_nothing_is_unknown_before_its_grace_is_over(objects, settings_of_control):
    async with Peers() as peers:
        async with Control(settings_of_control) as control:
            peers.follow(control)
            await peers.started(objects.server)
            await status_of(objects.server, "Started")
        async with Control(replace(settings_of_control, settle_s=1.0)):
            await asyncio.sleep(0.5)
            assert (await models.RuntimeStatus.objects.aget()).status == "Started"
            row = await status_of(objects.server, "Unknown")
            assert "agent of alpha is not connected" in row.reason


async def test_right_after_controls_start_a_newcomer_waits_for_the_server_that_ran_before(objects, settings_of_control):
    async with Peers() as peers:
        async with Control(settings_of_control) as control:
            peers.follow(control)
            _, grant = await peers.started(objects.server)
            await status_of(objects.server, "Started")
        async with Control(settings_of_control) as control:
            peers.follow(control)
            newcomer = asyncio.create_task(refused(peers, "MS", objects.server.secret, pid=12))
            await asyncio.sleep(0.2)
            former = await peers.server(objects.server, epoch=1, record_version=1, role="primary")
            await former.say(report_on(grant))
            assert (await newcomer).event == 3008


async def test_a_server_that_has_seen_a_newer_record_is_told_nothing_and_shows_why(control, peers, objects):
    server = await peers.server(objects.server, epoch=7, record_version=9)
    await server.say(Report(state="ready", epoch=7, record_version=9))
    row = await row_that(objects.server, lambda row: "An older control database was put back" in row.reason)
    assert row.status == "Initializing"
    assert not [message for message in server.heard if isinstance(message, Grant)]
    assert await models.Event.objects.filter(text__contains="older control database was put back: ").acount() == 1


async def test_a_backup_stands_by_beside_its_primary(control, peers, objects):
    backup = await sync_to_async(new_application)("MS_B", objects.template, objects.host)
    await Application.objects.filter(id=objects.server.id).aupdate(backup_server=backup, redundancy_type="warm standby")
    console = await peers.console()
    await console.say(Changed(applications=["MS", "MS_B"]))
    await console.say(Ping())
    await console.hears(Pong)
    standby, first = await peers.started(backup, pid=2)
    assert (first.role, first.epoch) == ("backup", 1)
    assert (await status_of(backup, "Started")).mode == "Backup"
    _, grant = await peers.started(objects.server)
    assert (grant.role, grant.epoch) == ("primary", 2)
    assert (await standby.hears(Grant, lambda grant: grant.epoch == 2)).role == "backup"
    assert (await status_of(objects.server, "Started")).mode == "Primary"


async def test_status_follows_the_server_through_a_graceful_stop(control, peers, objects):
    server, grant = await peers.started(objects.server)
    await status_of(objects.server, "Started")
    for state, status in (("suspending", "Suspending"), ("suspended", "Suspended"), ("stopping", "Stop Pending")):
        await server.say(report_on(grant, state=state))
        assert (await status_of(objects.server, status)).mode == "Exiting"
    await server.gone()
    assert (await status_of(objects.server, "Stopped")).reason.startswith("The server said that it ends")
    numbers = [number async for number in models.Event.objects.order_by("id").values_list("number", flat=True)]
    assert [n for n in numbers if n in (5092, 5093, 5096, 5097)] == [5092, 5093, 5096, 5097]


async def test_events_of_a_server_reach_the_timeline(control, peers, objects):
    server = await peers.server(objects.server)
    await server.say(Event(number=4525, level="standard", text="Port 7001 opened\x00", at=float("1e300")))
    await server.say(Event(number=4525, level="shouting", text="x" * 10_000, at=1.0))
    await eventually(lambda: models.Event.objects.filter(number=4525, source="server").acount(), "no event")

    async def both():
        return await models.Event.objects.filter(number=4525).acount() == 2
    await eventually(both, "one of the events is missing")
    texts = [event.text async for event in models.Event.objects.filter(number=4525).order_by("id")]
    assert texts[0] == "Port 7001 opened�"
    assert len(texts[1]) == 4000


@pytest.mark.parametrize("report", [
    Report(state="flying"), Report(state="ready", last_seq=2**70), Report(state="ready", clients=-1),
    Report(state="ready", role="king"), Report(state="ready", ports=[{}] * 2000)])
async def test_a_server_that_reports_nonsense_is_cut_and_the_others_go_on(control, peers, objects, report):
    other = await sync_to_async(new_application)("Other", objects.template, objects.host)
    await peers.started(other, pid=5)
    server = await peers.server(objects.server)
    await server.say(report)
    assert await server.is_cut()
    await status_of(other, "Started")


async def test_ports_of_a_report_are_kept_as_far_as_they_are_ports(control, peers, objects):
    server, grant = await peers.started(objects.server)
    good = {"id": "default", "port": 7001, "listening": True}
    await server.say(report_on(grant, ports=[good, {"id": 3}, "x", {"id": "sync", "port": 10**9}]))
    assert (await row_that(objects.server, lambda row: row.ports)).ports == [good]


async def test_a_flood_of_messages_cuts_only_who_sends_it(control, peers, objects):
    server = await peers.server(objects.server)
    with contextlib.suppress(wire.WireError):
        for _ in range(20_000):
            await server.say(Report(state="initializing"))
    assert await server.is_cut()
    console = await peers.console()
    await console.say(Ping())
    assert (await console.hears(Pong)).facts["applications"] == 0


@pytest.mark.parametrize("line", [
    b"\x00\xff\n", b"{}\n", b"[" * 5000 + b"\n", b"x" * 100_000, b"\n", b'{"type":"ping"}\n'])
async def test_a_peer_that_speaks_rubbish_is_closed_and_the_others_go_on(control, peers, objects, line):
    reader, writer = await asyncio.open_connection("127.0.0.1", control.port)
    await reader.readline()
    writer.write(line)
    assert await asyncio.wait_for(reader.read(), 8) == b""
    writer.close()
    await peers.started(objects.server)


async def test_a_kind_that_control_does_not_serve_is_refused(control, peers, objects):
    with pytest.raises(wire.RefusedError, match="not 'worker'"):
        await peers.dial("worker", "alpha", objects.host.secret)

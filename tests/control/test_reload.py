"""What the console changes reaches servers and agents at once."""

import pytest
from asgiref.sync import sync_to_async

from control.reload import REMOVED
from protocol import wire
from protocol.messages import ApplicationStatus, Changed, Configuration, Ping, Pong, Supervised
from provisioning.core import control_client
from provisioning.core.control_client import control_secrets
from provisioning.errors import Refused
from provisioning.hosts.services.enrolment import leave
from provisioning.hosts.services.hosts import delete_host
from provisioning.models import Application, Host, HostRuntime, ListeningPort
from provisioning.monitoring.services.keys import rotate_key
from tests import factories

from .conftest import eventually, new_application, processes_of, row_that, status_of

announce_changed = sync_to_async(control_client.announce_changed, thread_sensitive=False)
ping = sync_to_async(control_client.ping, thread_sensitive=False)


async def test_a_changed_application_is_sent_to_its_server_and_its_agent(control, peers, objects):
    agent = await peers.agent(objects.host)
    server, _ = await peers.started(objects.server)
    await ListeningPort.objects.acreate(application=objects.server, port_id="sync", port=7002, ha_sync=True)
    await Application.objects.filter(name="MS").aupdate(auto_restart=True)
    assert await announce_changed(applications=["MS"])
    await server.hears(Configuration, lambda message: len(message.application["ports"]) == 2)
    await agent.hears(Supervised, lambda message: message.applications[0]["auto_restart"])


async def test_an_unchanged_configuration_is_not_sent_again(control, peers, objects):
    server, _ = await peers.started(objects.server)
    await announce_changed(applications=["MS"])
    assert len([message for message in server.heard if isinstance(message, Configuration)]) == 1


async def test_a_new_application_is_shown_as_stopped_when_its_agent_is_there(control, peers, objects):
    agent = await peers.agent(objects.host)
    new = await sync_to_async(new_application)("New", objects.template, objects.host)
    await announce_changed(applications=["New"])
    await agent.hears(Supervised, lambda message: len(message.applications) == 2)
    await agent.say(processes_of())
    await status_of(new, "Stopped")


async def test_a_disabled_application_is_left_running_and_says_so(control, peers, objects):
    await peers.started(objects.server)
    await status_of(objects.server, "Started")
    await Application.objects.filter(name="MS").aupdate(enabled=False)
    await announce_changed(applications=["MS"])

    async def said():
        return "disabled" in (await status_of(objects.server, "Started")).reason
    await eventually(said, "nothing says that it is disabled")


async def test_a_deleted_application_loses_its_connection(control, peers, objects):
    agent = await peers.agent(objects.host)
    server, _ = await peers.started(objects.server)
    await sync_to_async(objects.server.delete)()
    await announce_changed(applications=["MS"])
    assert await server.is_cut()
    await agent.hears(Supervised, lambda message: message.applications == [])


async def test_a_renamed_application_keeps_its_row(control, peers, objects):
    agent = await peers.agent(objects.host)
    await status_of(objects.server, "Stopped")
    await Application.objects.filter(name="MS").aupdate(name="MS_New")
    await announce_changed(applications=["MS", "MS_New"])
    await agent.hears(Supervised, lambda message: message.applications[0]["name"] == "MS_New")
    assert control.solution.world.application("MS") is None
    assert control.solution.world.application("MS_New").facts.id == objects.server.id


async def test_an_application_that_moved_is_taken_from_one_agent_and_given_to_the_other(control, peers, objects):
    beta = await Host.objects.acreate(name="beta", ip_address="127.0.0.2")
    await announce_changed(hosts=["beta"])
    first, second = await peers.agent(objects.host), await peers.agent(beta)
    await Application.objects.filter(name="MS").aupdate(host=beta)
    await announce_changed(applications=["MS"])
    await first.hears(Supervised, lambda message: message.applications == [])
    await second.hears(Supervised, lambda message: len(message.applications) == 1)


async def test_a_deleted_host_loses_its_agent(control, peers, objects):
    beta = await Host.objects.acreate(name="beta", ip_address="127.0.0.2")
    agent = await peers.agent(beta)
    await sync_to_async(delete_host)(actor=factories.ADMINISTRATOR, host_id=beta.pk)
    assert await agent.is_cut()


async def test_a_change_whose_notice_was_lost_is_found_by_comparing(control, peers, objects, monkeypatch):
    server, _ = await peers.started(objects.server)
    await Application.objects.filter(name="MS").aupdate(shutdown_timeout=5, revision=2)
    await control.reign.reloader.compare()
    await server.hears(Configuration, lambda message: message.application["shutdown_timeout"] == 5)


async def test_names_that_are_no_text_or_no_object_change_nothing(control, peers, objects):
    console = await peers.console()
    await console.say(Changed(applications=[1, None, "No such"], hosts=[{}, "none"]))
    assert (await ping())["applications"] == 0


async def test_ping_tells_who_is_connected(control, peers, objects):
    await peers.agent(objects.host)
    await peers.started(objects.server)
    facts = await ping()
    assert (facts["applications"], facts["hosts"], facts["since"]) == (1, 1, control.reign.since)


async def test_ping_says_what_to_do_when_control_is_away(settings, unused_tcp_port):
    settings.PAIRWISE_CONTROL_PORT = unused_tcp_port
    with pytest.raises(control_client.ControlUnavailable, match="Start control"):
        await ping(timeout_s=0.5)
    assert not await announce_changed(applications=["MS"])


async def test_a_console_with_another_key_is_refused(control, peers):
    with pytest.raises(wire.RefusedError, match="PAIRWISE_SECRET_KEY"):
        await peers.dial("console", "console", "another")


async def test_a_console_that_has_the_former_key_or_the_next_one_is_heard_while_it_is_rotated(control, peers, settings):
    former, key = control_secrets()[0], settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "k" * 40, [key]
    for secret in (former, control_secrets()[0]):
        console = await peers.dial("console", "console", secret)
        await console.say(Ping())
        assert (await console.hears(Pong)).facts
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(wire.RefusedError, match="PAIRWISE_SECRET_KEY"):
        await peers.dial("console", "console", former)


async def test_a_key_is_not_rotated_while_control_runs_with_the_former_one_alone(control, peers, monkeypatch):
    """As a command would do with the new key, before anything was restarted."""
    monkeypatch.setattr(control_client, "control_secrets", lambda: ("of the new key",))
    with pytest.raises(control_client.OtherKey):
        await ping()
    rotate = sync_to_async(rotate_key, thread_sensitive=False)
    with pytest.raises(Refused, match=r"Nothing was changed\. Control runs with another key"):
        await rotate(actor=factories.ADMINISTRATOR)


async def test_an_agent_is_told_the_status_of_everything_when_it_connects(control, peers, objects):
    first = await peers.agent(objects.host)
    await status_of(objects.server, "Stopped")
    await first.gone()
    second = await peers.agent(objects.host)
    assert (await second.hears(ApplicationStatus)).application == "MS"


async def test_an_agent_whose_host_got_a_new_secret_is_shut_out(control, peers, objects):
    former = await peers.agent(objects.host)
    await announce_changed(hosts=["alpha"])
    assert not former.ended
    objects.host.secret = "of the machine that joined in its place"
    await sync_to_async(objects.host.save)(update_fields=["secret"])
    await announce_changed(hosts=["alpha"])
    assert await former.is_cut()
    with pytest.raises(wire.RefusedError, match="not known"):
        await peers.dial("host", "alpha", "of the former machine")


async def test_a_new_secret_whose_notice_was_lost_is_found_by_comparing(control, peers, objects):
    former = await peers.agent(objects.host)
    await sync_to_async(objects.host.renew_secret)()
    await control.reign.reloader.compare()
    assert await former.is_cut()


async def test_applications_of_a_host_whose_agent_was_removed_are_not_managed(control, peers, objects):
    agent = await peers.agent(objects.host)
    await status_of(objects.server, "Stopped")
    await sync_to_async(leave)(host=objects.host, origin="192.0.2.7")
    assert await agent.is_cut()
    row = await row_that(objects.server, lambda row: "Not managed" in row.reason)
    assert (row.status, row.reason.partition("Last known: ")[2]) == ("Stopped", "Stopped. No process of it runs.")
    host = await HostRuntime.objects.aget(host=objects.host)
    assert (host.status, host.reason) == ("Disconnected", REMOVED)

"""Where control tells servers and agents to publish their log records, and as whom."""

import pytest
from asgiref.sync import sync_to_async

from control.database import DatabaseAway
from control.log_pairs import LogPairs
from protocol import log_logins
from protocol.messages import Supervised
from protocol.server_messages import Configuration, Event
from provisioning.core import control_client
from provisioning.models import Connection, Console, Host, ListeningPort
from provisioning.models import Event as EventRow

from .conftest import eventually, new_application

announce_changed = sync_to_async(control_client.announce_changed, thread_sensitive=False)
ONCE = "0" * 32


@pytest.fixture
def log_pair(objects):
    """A pair on another host, and its primary's port is secured."""
    beta = Host.objects.create(name="beta", ip_address="10.0.0.2")
    backup = new_application("Log_B", objects.template, beta)
    primary = new_application("Log_P", objects.template, beta, backup_server=backup)
    for row, mode in ((primary, "secured"), (backup, "unsecured")):
        ListeningPort.objects.create(application=row, port_id="default", port=7100 + row.pk, protocol="stomp",
                                     listening_mode=mode)
    return primary, backup


class Here:
    """``LogPairs`` needs a thread of its own to ask."""

    async def run(self, function):
        return await sync_to_async(function)()


async def known():
    found = LogPairs()
    await found.look(Here())
    return found


def choose(row):
    Console.this()
    Console.objects.update(log_to=row)


async def test_the_members_of_the_chosen_pair_are_told_with_a_passcode_of_each(objects, log_pair):
    await sync_to_async(choose)(log_pair[0])
    found = (await known()).of_server(objects.server.pk, "MS", objects.host.pk)
    login = log_logins.server("MS")
    assert (found["name"], found["login"]) == ("Log_P", login)
    assert [(each["name"], each["addresses"], each["port"], each["secured"]) for each in found["members"]] == [
        ("Log_P", ["10.0.0.2", "beta"], 7100 + log_pair[0].pk, True),
        ("Log_B", ["10.0.0.2", "beta"], 7100 + log_pair[1].pk, False)]
    assert [each["passcode"] for each in found["members"]] == [
        log_logins.passcode(row.secret, login) for row in log_pair]
    near = (await known()).of_server(objects.server.pk, "MS", log_pair[0].host_id)
    assert [each["addresses"][0] for each in near["members"]] == ["127.0.0.1", "127.0.0.1"]


async def test_without_a_pair_there_is_nowhere_to_publish(objects, log_pair):
    found = await known()
    assert found.of_server(objects.server.pk, "MS", None) == found.of_agent(objects.host.pk, "alpha") == {}


async def test_a_pair_in_connections_goes_before_the_chosen_one_and_agents_go_by_that_one(objects, log_pair):
    """Whichever of its members the connection names."""
    await sync_to_async(choose)(objects.server)
    await Connection.objects.acreate(application=log_pair[0], server=objects.server)
    await Connection.objects.acreate(application=objects.server, server=log_pair[1])
    found = await known()
    assert found.of_server(objects.server.pk, "MS", None)["name"] == "Log_P"
    assert found.of_server(log_pair[0].pk, "Log_P", None)["name"] == "MS"
    assert found.of_agent(objects.host.pk, "alpha")["name"] == "MS"
    assert found.of_agent(objects.host.pk, "alpha")["login"] == log_logins.agent("alpha")


async def test_who_is_connected_is_told_of_another_pair_at_once(control, peers, objects, log_pair):
    agent = await peers.agent(objects.host)
    server, _ = await peers.started(objects.server)
    await sync_to_async(choose)(log_pair[0])
    await announce_changed(applications=["Log_P"])
    await server.hears(Configuration, lambda message: message.application["log_to"].get("name") == "Log_P")
    await agent.hears(Supervised, lambda message: message.log_to.get("login") == log_logins.agent("alpha"))
    count = len(server.heard)
    await announce_changed(applications=["Log_P"])
    assert not [message for message in server.heard[count:] if isinstance(message, Configuration)]


async def test_who_was_not_told_as_the_database_was_away_meanwhile_is_told_later(control, peers, objects, log_pair,
                                                                                monkeypatch):
    server, _ = await peers.started(objects.server)
    reloader = control.reign.reloader
    with monkeypatch.context() as patch:
        async def away(*_, **__):
            raise DatabaseAway("gone")
        patch.setattr(reloader, "_configure", away)
        await sync_to_async(choose)(log_pair[0])
        with pytest.raises(DatabaseAway):
            await reloader._publishers()
    await reloader._publishers()
    await server.hears(Configuration, lambda message: message.application["log_to"].get("name") == "Log_P")


@pytest.mark.parametrize(("said", "kept"), [(ONCE, ONCE), ("pairwise-event-1-2", ""), ("x" * 500, ""), ("", "")])
async def test_an_event_keeps_what_its_server_publishes_it_as(control, peers, objects, said, kept):
    """And nothing that could pass for a record of somebody else."""
    server, _ = await peers.started(objects.server)
    await server.say(Event(number=5093, level="standard", text="Published.", at=0.0, once=said))

    async def row():
        return await EventRow.objects.filter(text="Published.").afirst()
    assert (await eventually(row, "the event is not there")).once == kept

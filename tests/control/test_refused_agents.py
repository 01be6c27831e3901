"""Agents and servers that control refuses or cuts, and where people read why."""

import asyncio
import json

import pytest
from asgiref.sync import sync_to_async

from control.objects import applications
from protocol import auth, wire
from protocol.messages import Hello, HostFacts, Processes, Supervised
from provisioning.core import control_client
from provisioning.models import Application, Event, Host
from provisioning.models.records import OF_REFUSALS

from .conftest import eventually, host_that, new_application, process, processes_of, status_of


async def test_an_unknown_host_and_a_wrong_secret_are_refused_alike(control, peers, objects):
    sentences = set()
    for name, secret in (("beta", "x"), ("alpha", "x"), ("beta", objects.host.secret)):
        with pytest.raises(wire.RefusedError) as refusal:
            await peers.dial("host", name, secret)
        sentences.add(str(refusal.value).replace("beta", "alpha"))
    assert len(sentences) == 1


async def test_a_second_agent_of_a_host_is_refused(control, peers, objects):
    await peers.agent(objects.host)
    with pytest.raises(wire.RefusedError, match="already connected"):
        await peers.dial("host", "alpha", objects.host.secret, pid=100, started=1)


async def test_an_agent_cannot_speak_for_another_host(control, peers, objects):
    await Application.objects.filter(name="MS").aupdate(host=None)
    control.solution.world.applications[objects.server.id].facts = await _facts(objects.server.id)
    agent = await peers.agent(objects.host)
    await agent.say(process("running"))
    await agent.say(processes_of())
    await host_that(lambda row: row.status == "Running")
    assert control.solution.world.applications[objects.server.id].process is None


@sync_to_async
def _facts(application_id: int):
    return next(facts for facts in applications() if facts.id == application_id)


@pytest.mark.parametrize("message", [
    Processes(processes=[{"application": "MS", "state": "flying"}]), Processes(processes=["MS"]),
    Processes(processes=[], host={"x": "y" * 100_000}), process("running", pid=2**40),
    process("backoff", restart_in_s=float("inf")), process("backoff", restart_in_s=10**400),
    process("exited", exit_code=10**400), HostFacts(host={"time": 10**400}), HostFacts(host={"disk_free_bytes": "x"}),
    HostFacts(host={"agent_version": "a\0b"})])
async def test_an_agent_that_says_nonsense_is_cut(control, peers, objects, message):
    agent = await peers.agent(objects.host)
    await host_that(lambda row: row.status == "Running")
    await agent.say(message)
    assert await agent.is_cut()
    await host_that(lambda row: row.status == "Disconnected")


async def refused_on(host) -> list[str]:
    return [text async for text in Event.objects.filter(host=host, source__in=OF_REFUSALS).order_by("id")
            .values_list("text", flat=True)]


async def test_an_agent_with_another_hosts_secret_is_refused_and_the_hosts_timeline_says_so(control, peers, objects):
    beta = await Host.objects.acreate(name="beta", ip_address="127.0.0.2")
    with pytest.raises(wire.RefusedError):
        await peers.dial("host", "alpha", beta.secret)
    [text] = await eventually(lambda: refused_on(objects.host), "the refusal")
    assert text == ("An agent from 127.0.0.1 that claims to be of host alpha was refused by control: it does not know "
                    "the host's secret.")


async def test_a_replayed_hello_opens_nothing(control, peers, objects):
    reader, writer = await asyncio.open_connection("127.0.0.1", control.port)
    challenge = json.loads(await reader.readline())
    proof = auth.client_proof(objects.host.secret, server_nonce=challenge["nonce"], client_nonce="n" * 32, kind="host",
                              name="alpha")
    hello = wire.encode(Hello(kind="host", name="alpha", nonce="n" * 32, proof=proof))
    writer.write(hello)
    assert json.loads(await reader.readline())["type"] == "welcome"
    writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", control.port)
    await reader.readline()
    writer.write(hello)
    assert json.loads(await reader.readline())["type"] == "refused"
    writer.close()
    assert await eventually(lambda: refused_on(objects.host), "the refusal")


async def test_an_agent_that_speaks_of_another_hosts_application_changes_nothing(control, peers, objects, caplog):
    beta = await Host.objects.acreate(name="beta", ip_address="127.0.0.2")
    await sync_to_async(control_client.announce_changed, thread_sensitive=False)(hosts=["beta"])
    await peers.agent(objects.host)
    await status_of(objects.server, "Stopped")
    foreign = await peers.agent(beta)
    for _ in range(3):
        await foreign.say(process("running"))
    [text] = await eventually(lambda: refused_on(beta), "the refusal")
    assert "spoke of 'MS', which is no application of its host" in text
    assert caplog.text.count("spoke of 'MS'") == 1
    assert (await status_of(objects.server, "Stopped")).pid == 0


async def test_whom_the_lca_port_of_a_host_refused_is_on_its_timeline_once(control, peers, objects):
    agent = await peers.agent(objects.host)
    for heard, number in enumerate((1, 1, 2)):
        await agent.say(HostFacts(host={"cpu_percent": heard, "lca_refused": {"number": number, "text": f"{number}."}}))
        row = await host_that(lambda row, heard=heard: row.facts.get("cpu_percent") == heard)
        assert "lca_refused" not in row.facts

    async def both():
        found = await refused_on(objects.host)
        return found if len(found) >= 2 else None

    assert await eventually(both, "the refusals") == ["alpha: 1.", "alpha: 2."]


async def test_an_agent_that_says_what_is_not_for_it_is_cut_and_the_hosts_timeline_says_why(control, peers, objects):
    agent = await peers.agent(objects.host)
    await host_that(lambda row: row.status == "Running")
    await agent.say(Supervised(applications=[]))
    assert await agent.is_cut()
    row = await host_that(lambda row: row.status == "Disconnected")
    assert "the peer said supervised, which is not for it to say" in row.reason


async def test_a_second_agent_is_on_the_hosts_timeline(control, peers, objects):
    await peers.agent(objects.host)
    with pytest.raises(wire.RefusedError):
        await peers.dial("host", "alpha", objects.host.secret, pid=100, started=1)
    [text] = await eventually(lambda: refused_on(objects.host), "the refusal")
    assert "A second agent of host alpha (pid 100, from 127.0.0.1) was refused" in text


async def test_a_server_with_another_applications_secret_is_refused_and_recorded(control, peers, objects):
    other = await sync_to_async(new_application)("Other", objects.template, objects.host)
    with pytest.raises(wire.RefusedError):
        await peers.dial("application", "MS", other.secret, pid=1, started=1)
    [text] = await eventually(lambda: refused_on(objects.host), "the refusal")
    assert "A server from 127.0.0.1 that claims to be MS was refused by control" in text


async def test_a_word_before_the_hello_is_refused_and_told_on_the_host_that_is_there(control, peers, objects):
    await peers.agent(objects.host)
    await host_that(lambda row: row.status == "Running")
    reader, writer = await asyncio.open_connection("127.0.0.1", control.port)
    await reader.readline()
    writer.write(wire.encode(process("exited")))
    assert await reader.read() == b""
    writer.close()
    [text] = await eventually(lambda: refused_on(objects.host), "the refusal")
    assert text == ("A connection from 127.0.0.1 was refused by control: the peer opened with process_changed, not "
                    "with a hello.")

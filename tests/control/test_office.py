"""One leader at a time, by the database: terms, and what a control may still write when its own is over."""

import asyncio
import time
from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from control import copies, lease, ledger, lineage, office
from control.copies import Batch
from control.database import Deposed
from control.facts import EventRow, StatusRow
from control.ledger import Change, Row
from control.main import Control
from control.office import Office
from protocol.controls import NOT_LEADER
from protocol.messages import Configuration, Grant, Report, Supervised
from protocol.wire import RefusedError
from provisioning.core import control_client
from provisioning.core.control import control_seen
from provisioning.models import Event, RuntimeStatus
from provisioning.record.models import ALIAS, ControlBeat, Generation, Leadership, PairRecord

from .conftest import Peers, eventually, report_on

SQLITE = connections[ALIAS].vendor == "sqlite"


def office_of(name: str) -> Office:
    return Office(name, address=lambda: f"{name}:2020", facts=dict, others=True)


@pytest.fixture
async def offices(transactional_db):
    made = [office_of("a"), office_of("b")]
    yield made
    for each in made:
        await each.close()


async def test_one_of_several_leads_and_the_others_know_where(offices):
    a, b = offices
    await a.look()
    await b.look()
    assert (a.term, b.term, b.leader) == (1, 0, "a:2020")
    assert set(await sync_to_async(list)(ControlBeat.objects.values_list("name", flat=True))) == {"control-standby"}
    await a.look()
    assert await ControlBeat.objects.filter(name="control").acount() == 1


async def test_one_that_leaves_is_followed_at_once(offices):
    a, b = offices
    await a.look()
    await b.look()
    await a.close()
    offices[0] = office_of("c")
    await b.look()
    assert (b.term, b.predecessor) == (2, "")


async def test_several_that_try_at_once_get_different_terms_and_one_leads(offices):
    a, b = offices
    await asyncio.gather(a.look(), b.look())
    for _ in range(2):
        await a.look()
        await b.look()
    assert sorted([bool(a.term), bool(b.term)]) == [False, True]


async def test_a_leader_without_a_sign_of_life_is_replaced_and_resigns(offices, monkeypatch):
    a, b = offices
    monkeypatch.setattr("control.leadership.LAPSE_S", 0.2)
    await a.look()
    await b.look()
    until = time.monotonic() + 5
    while not b.term and time.monotonic() < until:
        await asyncio.sleep(0.05)
        await b.look()
    assert (b.term, b.predecessor) == (2, "a:2020")
    await a.look()
    assert (a.term, a.leader) == (0, "b:2020")


async def test_a_follower_that_was_frozen_itself_does_not_take_over(offices):
    a, b = offices
    await a.look()
    await b.look()
    b._still_since -= 1000
    await a.look()
    await b.look()
    assert b.term == 0


@pytest.mark.skipif(SQLITE, reason="only PostgreSQL knows sessions")
async def test_a_leader_whose_session_has_ended_is_replaced_at_once(offices):
    a, b = offices
    await a.look()
    await b.look()
    assert b.term == 0
    await a._database.run(a._lock.close)
    await b.look()
    assert (b.term, b.predecessor) == (2, "a:2020")


async def test_a_leader_that_does_not_reach_the_database_resigns_only_when_there_are_others(offices, monkeypatch):
    a, _ = offices
    await a.look()
    monkeypatch.setattr(office, "GIVE_UP_S", 0.0)
    assert not a.is_sure
    a.others = False
    assert a.is_sure


def writes(server, term):
    """Everything that control writes, in that term."""
    yield lambda: ledger.write([Change(Row(application_id=server.id, version=1), 0)], term=term)
    yield lambda: ledger.mark_gone([server.id], gone=True, term=term)
    yield lambda: ledger.prune(time.time(), term=term)
    yield lambda: lineage.begin(term=term)
    yield lambda: lease.beat(term=term, address="a", facts={})
    yield lambda: lease.leave(term=term)


def test_copies_are_not_written_over_those_of_a_later_term(objects, term):
    row = StatusRow(application_id=objects.server.id, status="Started")
    copies.begin(term=5)
    for late in (lambda: copies.write(Batch([row], events=[EventRow(at=None, text="late")]), term=4),
                 lambda: copies.prune_events(term=4)):
        with pytest.raises(Deposed):
            late()
    assert not RuntimeStatus.objects.exists()
    assert not Event.objects.exists()
    copies.write(Batch([row]), term=6)
    with pytest.raises(Deposed):
        copies.write(Batch([row]), term=5)


@pytest.mark.parametrize("term_of_writer", [None, 0, 1, 3])
def test_nothing_is_written_in_a_term_that_is_not_the_present_one(objects, term, term_of_writer):
    assert lease.take(lease.read(), holder="b", address="b:2020") == 2
    before = lease.read()
    for write in writes(objects.server, term_of_writer):
        with pytest.raises(Deposed):
            write()
    assert not PairRecord.objects.exists()
    assert not Generation.objects.exists()
    assert lease.read() == before


def test_the_one_that_leads_says_where_it_answers(transactional_db, term):
    lease.beat(term=term, address="control-a:2020", facts={"doubted": 2})
    assert ControlBeat.objects.get().facts == {"doubted": 2, "address": "control-a:2020"}
    assert control_seen().address == "control-a:2020"


def test_a_lease_that_changed_since_it_was_seen_is_not_taken(transactional_db, term):
    seen = lease.read()
    lease.beat(term=term, address="a", facts={})
    assert lease.take(seen, holder="b", address="b:2020") == 0
    assert Leadership.objects.get().term == term


# --- two controls in this process ---------------------------------------------------------------------------


@pytest.fixture
async def standby(control, settings_of_control, tmp_path, settings):
    """A second control, which follows; the console knows both."""
    folder = tmp_path / "standby"
    folder.mkdir()
    controls = (("control-a", 2020), ("control-b", 2020))
    async with Control(replace(settings_of_control, data_dir=folder, controls=controls)) as second:
        settings.PAIRWISE_CONTROLS = (("127.0.0.1", second.port), ("127.0.0.1", control.port))
        control.office.others = second.office.others = True
        yield second


async def test_a_control_that_follows_refuses_with_a_number_of_its_own(standby, objects):
    async with Peers() as peers:
        peers.follow(standby)
        for dial in (peers.server(objects.server), peers.agent(objects.host), peers.console()):
            with pytest.raises(RefusedError, match="does not lead") as refused:
                await dial
            assert refused.value.event == NOT_LEADER
            assert [each["host"] for each in refused.value.controls] == ["control-a", "control-b"]


async def test_servers_and_agents_are_told_all_addresses(control, standby, peers, objects, settings):
    told = [{"host": host, "port": port} for host, port in settings.PAIRWISE_CONTROLS]
    assert (await (await peers.server(objects.server)).hears(Configuration)).application["controls"] == told
    assert (await (await peers.agent(objects.host)).hears(Supervised)).controls == told


async def test_the_console_asks_the_one_that_leads(control, standby):
    facts = await sync_to_async(control_client.ping)(timeout_s=5.0)
    assert facts["term"] == control.office.term


async def test_the_console_waits_a_moment_when_none_leads_yet(control, standby):
    await control.__aexit__()
    facts = await sync_to_async(control_client.ping, thread_sensitive=False)(timeout_s=10.0)
    assert facts["term"] == 2


async def test_a_deposed_control_lets_everybody_go_and_tells_nobody_anything(control, standby, peers, objects):
    server, grant = await peers.started(objects.server)
    deposed = control.reign
    await sync_to_async(Leadership.objects.update)(term=7, holder="somebody", beat=0)
    assert not await _writes(deposed, objects)
    await server.is_cut()
    await eventually(lambda: control.reign is None, "it goes on")
    assert [message for message in server.heard if isinstance(message, Grant)] == [grant]


async def _writes(reign, objects) -> bool:
    try:
        row = reign.ledger.row(objects.server.id)
        await reign.ledger.write(Change(replace(row, version=2, epoch=2), row.version))
    except Deposed:
        return False
    return True


async def test_the_next_control_grants_above_what_the_former_one_granted(control, standby, peers, objects):
    server, grant = await peers.started(objects.server)
    await control.__aexit__()
    await server.is_cut()
    await eventually(lambda: standby.reign, "nobody took over")
    peers.follow(standby)
    again = await peers.server(objects.server, pid=4712, epoch=grant.epoch, record_version=grant.record_version)
    await again.hears(Configuration)
    await again.say(Report(state="ready"))
    second = await again.hears(Grant)
    assert second.epoch == grant.epoch + 1
    await again.say(report_on(second))


@pytest.mark.parametrize("part", ["control.office.Office.look_again", "control.peers.Peers.run",
                                  "control.server.Listener._show_life", "control.writer.Writer.run"])
async def test_when_a_part_of_control_ends_control_ends_so_that_it_is_started_anew(objects, settings_of_control,
                                                                                  monkeypatch, part):
    async def ends(self):
        raise ValueError("nobody expected that")

    monkeypatch.setattr(part, ends)
    async with asyncio.timeout(10), Control(settings_of_control) as control:
        await control.ending.wait()
    assert str(control.failure) == "nobody expected that"

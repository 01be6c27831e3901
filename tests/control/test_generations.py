"""How an older copy of control's database is recognised, and what is decided then."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import sync_to_async
from django.core import serializers

from control.generations import GAP, Generation, History, Seen, read_token, token
from control.main import Control
from control.witnesses import FILE
from protocol.events import Own
from protocol.messages import Generation as Told
from protocol.messages import Grant, PairAnswer, PairRequest, ProcessChanged, Report
from protocol.opening_messages import SPEAKS
from provisioning.models import Event, PairState
from provisioning.record import models

from .conftest import Peers, eventually, report_on

HISTORY = History((Generation(1, "a", 1), Generation(2, "b", 10)))
RESTORED = History((*HISTORY.generations, Generation(2 + GAP, "c", 15, after_restore=True)))


# --- pure --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seen", "knows"), [
    (Seen(1, "a", 9), True), (Seen(1, "a", 10), False), (Seen(2, "b", 12), True), (Seen(2, "b", 13), False),
    (Seen(2, "x", 11), False), (Seen(3, "c", 11), False)])
def test_a_history_knows_what_happened_in_it_and_nothing_else(seen, knows):
    assert HISTORY.knows(seen, 12) is knows
    assert HISTORY.contradicts(seen, 12) is not knows


def test_once_a_restore_is_known_the_history_that_was_lost_proves_nothing_more():
    assert RESTORED.trusted_from == 2 + GAP
    assert not RESTORED.contradicts(Seen(5, "lost", 99), 16)
    # Of two restores in a row the second is noticed as well.
    assert RESTORED.contradicts(Seen(3 + GAP, "lost too", 20), 16)


def test_the_generation_after_a_restore_is_numbered_beyond_everything_that_was_heard_of():
    assert HISTORY.following() == 3
    assert HISTORY.following(Seen(7, "x", 1)) == 7 + GAP


@pytest.mark.parametrize("change", [lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
                                    lambda text: "9" + text, lambda text: "", lambda text: f"{text}.1",
                                    lambda text: text + "0" * 300])
def test_a_token_that_this_console_never_made_is_none(change):
    made = token(Seen(3, "ab", 14))
    assert read_token(made) == Seen(3, "ab", 14)
    assert read_token(change(made)) is None


# --- with peers --------------------------------------------------------------------------------------


@sync_to_async
def copied() -> list:
    rows = [row for model in (models.PairRecord, models.Generation, models.Leadership) for row in model.objects.all()]
    return list(serializers.deserialize("python", serializers.serialize("python", rows)))


@sync_to_async
def put_back(copy: list) -> None:
    for model in (models.PairRecord, models.Generation):
        model.objects.all().delete()
    for row in copy:
        row.save()


@sync_to_async
def state_of(server) -> PairState | None:
    return PairState.objects.filter(primary=server).first()


@asynccontextmanager
async def started(settings_of_control, settings) -> AsyncIterator[tuple[Control, Peers]]:
    async with Control(settings_of_control) as control, Peers() as peers:
        settings.PAIRWISE_CONTROL_HOST, settings.PAIRWISE_CONTROL_PORT = "127.0.0.1", control.port
        peers.follow(control)
        yield control, peers


@pytest.fixture
async def older(objects, backup, settings_of_control, settings) -> tuple[list, str]:
    """A copy of the record that says "in sync", and the token that an agent keeps of what came after it."""
    async with started(settings_of_control, settings) as (control, peers):
        a, grant = await peers.started(objects.server, pid=11, started=1)
        await peers.started(backup, pid=12, started=1)
        said = report_on(grant, copy="a", standby="synced", standby_version=grant.record_version, standby_copy="b")
        await a.say(said)
        await eventually(in_sync(objects.server), "it is not in sync")
        copy, copied_at = await copied(), control.solution.ledger.position
        agent = await peers.agent(objects.host, speaks=SPEAKS)
        await a.say(report_on(grant, copy="a", standby="alone", standby_version=grant.record_version + 5))
        told = await agent.hears(Told, lambda told: read_token(told.token).position > copied_at)
    (settings_of_control.data_dir / FILE).unlink(missing_ok=True)
    return copy, told.token


def in_sync(server):
    async def look():
        state = await state_of(server)
        return state is not None and state.standby_in_sync
    return look


async def the_standby_alone(peers, backup, agent, **hello):
    b = await peers.server(backup, pid=22, started=2, copy="b", **hello)
    await b.say(Report(state="ready", copy="b"))
    await agent.say(ProcessChanged(application="MS", state="exited", pid=11, signal=9))
    return b


async def test_what_one_agent_remembers_keeps_the_member_that_knows_less_from_being_promoted(
        objects, backup, older, settings_of_control, settings):
    copy, kept = older
    await put_back(copy)
    async with started(settings_of_control, settings) as (control, peers):
        agent = await peers.agent(objects.host, speaks=SPEAKS, generation=kept)
        b = await the_standby_alone(peers, backup, agent)

        async def disputed():
            state = await state_of(objects.server)
            return state if "put back, and MS might know more" in state.reason else None

        state = await eventually(disputed, "nobody disputes it")
        assert state.disputed
        assert not state.standby_in_sync
        assert control.solution.pairs.doubted() == [objects.server.id]
        assert not [said for said in b.heard if isinstance(said, Grant)]
        assert await sync_to_async(Event.objects.filter(number=Own.RESTORED).count)() == 1
        # It keeps what it knows: the newer one may be put back.
        assert not [said for said in agent.heard if isinstance(said, Told)]


async def test_this_machine_remembers_as_well(objects, backup, older, settings_of_control, settings):
    copy, kept = older
    await put_back(copy)
    (settings_of_control.data_dir / FILE).write_text(kept)
    async with started(settings_of_control, settings) as (control, _):
        assert control.solution.pairs.doubted() == [objects.server.id]
        assert await eventually(lambda: is_disputed(objects.server), "pages do not say so while nobody is there")
    assert (settings_of_control.data_dir / FILE).read_text() == kept


async def is_disputed(server) -> bool:
    return (await state_of(server)).disputed


async def test_members_that_agree_go_on_and_their_record_can_be_made_to_count(
        objects, backup, older, settings_of_control, settings):
    copy, kept = older
    await put_back(copy)
    async with started(settings_of_control, settings) as (control, peers):
        agent = await peers.agent(objects.host, speaks=SPEAKS, generation=kept)
        a, b = [await peers.server(row, pid=pid, started=2) for row, pid in ((objects.server, 21), (backup, 22))]
        for peer, copy in ((a, "a"), (b, "b")):
            await peer.say(Report(state="ready", copy=copy))
        await a.hears(Grant, lambda grant: grant.role == "primary")
        # The grant was a write of the new generation.
        assert control.solution.pairs.doubted() == []
        assert (await agent.hears(Told)).token != kept


async def test_records_in_doubt_are_confirmed_on_demand_as_far_as_their_members_agree(
        objects, backup, older, settings_of_control, settings):
    copy, kept = older
    await put_back(copy)
    async with started(settings_of_control, settings) as (control, peers):
        await peers.agent(objects.host, speaks=SPEAKS, generation=kept)
        console = await peers.console()
        await console.say(PairRequest(verb="restored", application="", by="ann"))
        assert (await console.hears(PairAnswer)).facts == {"confirmed": 0, "left": 1}
        assert control.solution.pairs.doubted() == [objects.server.id]


async def test_a_peer_of_the_former_version_names_no_generation_and_proves_nothing(
        objects, backup, older, settings_of_control, settings):
    copy, _ = older
    await put_back(copy)
    async with started(settings_of_control, settings) as (control, peers):
        agent = await peers.agent(objects.host)
        b = await the_standby_alone(peers, backup, agent)
        assert (await b.hears(Grant, lambda grant: grant.role == "primary")).epoch == 2
        assert control.solution.ledger.trusted_from == 0
        # It is told nothing that it would not understand.
        assert not [said for said in agent.heard if isinstance(said, Told)]


async def test_the_same_database_is_no_older_one(objects, backup, older, settings_of_control, settings):
    _, kept = older
    async with started(settings_of_control, settings) as (control, peers):
        agent = await peers.agent(objects.host, speaks=SPEAKS, generation=kept)
        await agent.hears(Told)
        assert control.solution.ledger.trusted_from == 0

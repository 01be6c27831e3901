"""A pair as control leads it: promotion, what is recorded of the standby, and what people ask for."""

import asyncio
from dataclasses import dataclass

import pytest
from asgiref.sync import sync_to_async

from control import status
from control.questions import Questions
from control.stability import HELD_UP_S, LOOK_S, Flaps, Pauses
from protocol.events import Own
from protocol.messages import (
    Configuration,
    Grant,
    PairAnswer,
    PairRequest,
    Probe,
    Probed,
    ProcessChanged,
    Recorded,
    StepDown,
)
from provisioning.models import Event
from provisioning.record.models import PairRecord

from .conftest import Objects, Peer, eventually, report_on, row_that


@dataclass
class Pair:
    """Both members started, A primary in epoch 1, B its backup."""

    objects: Objects
    a: Peer
    b: Peer
    agent: Peer
    console: Peer
    grant: Grant

    async def say(self, role: str, **values) -> None:
        """A ("primary") or B ("backup") reports that it acts in its role."""
        peer, copy = (self.a, "a") if role == "primary" else (self.b, "b")
        await peer.say(report_on(self.grant, **{"role": role, "copy": copy, **values}))

    async def in_sync(self) -> Recorded:
        await self.say("primary", standby="synced", standby_version=self.grant.record_version, standby_copy="b",
                       link="catching_up")
        return await self.a.hears(Recorded, lambda said: said.in_sync)

    async def ask(self, verb: str, **values) -> PairAnswer:
        self.console.heard.clear()
        await self.console.say(PairRequest(verb=verb, application="MS", by="ann", **values))
        return await self.console.hears(PairAnswer)

    async def ended(self, name: str, pid: int) -> None:
        await self.agent.say(ProcessChanged(application=name, state="exited", pid=pid, signal=9))

    @sync_to_async
    def record(self) -> PairRecord:
        return PairRecord.objects.get(application_id=self.objects.server.id)

    @sync_to_async
    def events(self, number: int) -> list[str]:
        return [*Event.objects.filter(number=number, application=self.objects.server).values_list("text", flat=True)]


@pytest.fixture
async def pair(objects, backup, control, peers) -> Pair:
    agent = await peers.agent(objects.host, ProcessChanged(application="MS", state="running", pid=11, started=1),
                              ProcessChanged(application="MS_B", state="running", pid=12, started=1))
    a, grant = await peers.started(objects.server, pid=11, started=1)
    b, _ = await peers.started(backup, pid=12, started=1)
    return Pair(objects, a, b, agent, await peers.console(), grant)


async def test_both_members_learn_how_to_reach_each_other_and_share_a_secret(pair):
    to_a = (await pair.a.hears(Configuration)).application["peer"]
    to_b = (await pair.b.hears(Configuration)).application["peer"]
    assert (to_a["name"], to_a["addresses"], to_a["port"]) == ("MS_B", ["127.0.0.1"], 8002)
    assert (to_b["name"], to_b["addresses"], to_b["port"]) == ("MS", ["127.0.0.1"], 7002)
    assert to_a["secret"] == to_b["secret"] not in (pair.objects.server.secret, "")


async def test_a_standby_in_sync_is_recorded_before_the_active_server_hears_of_it(pair):
    told = await pair.in_sync()
    record = await pair.record()
    assert (record.version, record.standby_in_sync, record.standby_copy) == (told.record_version, True, "b")
    assert told.record_version > pair.grant.record_version
    await eventually(lambda: pair.events(Own.IN_SYNC), "the timeline does not tell")


async def test_a_late_claim_counts_for_nothing_after_the_wish_to_go_alone(pair):
    told = await pair.in_sync()
    await pair.say("primary", standby="alone", standby_version=pair.grant.record_version, record_version=2,
                   link="down", link_reason="MS_B is lost")
    alone = await pair.a.hears(Recorded, lambda said: not said.in_sync)
    assert alone.record_version > told.record_version
    # The old claim again, as from a line that was late.
    await pair.say("primary", standby="synced", standby_version=pair.grant.record_version, standby_copy="b")
    await pair.say("primary")
    assert not (await pair.record()).standby_in_sync
    assert await eventually(lambda: pair.events(Own.OUT_OF_SYNC), "the timeline does not tell") == [
        "MS goes on alone: MS_B is lost."]


async def test_a_pair_goes_on_by_itself_once_the_newer_database_is_restored(pair):
    await pair.say("primary", record_version=9)
    [text] = await eventually(lambda: pair.events(Own.DISPUTED), "the timeline does not tell")
    assert "Nothing is decided until the newer one is there again" in text
    await sync_to_async(PairRecord.objects.filter(application_id=pair.objects.server.id).update)(version=9)
    await pair.say("primary", record_version=9, standby="synced", standby_version=9, standby_copy="b")
    assert (await pair.a.hears(Recorded, lambda said: said.in_sync)).record_version == 10


async def test_the_standby_in_sync_takes_over_once_the_agent_attests_the_end(pair):
    await pair.say("backup")
    await pair.in_sync()
    await pair.ended("MS", 11)
    grant = await pair.b.hears(Grant, lambda grant: grant.role == "primary")
    record = await pair.record()
    assert (grant.epoch, record.epoch, record.active_id, record.standby_in_sync) == (
        2, 2, pair.objects.server.backup_server_id, False)
    [text] = await eventually(lambda: pair.events(Own.ROLE_CHANGED), "the timeline does not tell")
    assert text.startswith("MS_B is the active server in epoch 2: MS has ended")


async def test_a_primary_that_was_just_lost_is_not_shown_once_the_standby_was_granted(pair, control, monkeypatch):
    monkeypatch.setattr(status, "LOST_GRACE_S", 60.0)
    await pair.say("backup")
    await pair.in_sync()
    await row_that(pair.objects.server, lambda row: row.mode == "Primary")
    for peer in (pair.agent, pair.a):
        await peer.gone()
    lost = control.solution.world.application("MS")
    await eventually(lambda: lost.silent_since, "its end was not noticed")
    assert lost.verdict.mode == "Primary"
    lost.silent_since -= 10
    control.solution.pairs.wake(lost.pair_id)
    await pair.b.hears(Grant, lambda grant: grant.role == "primary")
    row = await row_that(pair.objects.server, lambda row: row.mode != "Primary")
    assert (row.mode, row.reason) == ("", status.REPLACED)


async def test_signs_of_life_of_the_standby_alone_witness_that_the_active_server_is_silent(pair, control):
    await pair.a.gone()
    lost, standby = (control.solution.world.application(name) for name in ("MS", "MS_B"))
    await eventually(lambda: lost.silent_since, "its end was not noticed")
    lost.silent_since = standby.connection.peer.heard_at - 0.5

    async def witnessed() -> bool:
        return (await control.solution.pairs.snapshot(lost.pair_id)).is_witnessed

    assert not await witnessed()
    await eventually(witnessed, "the standby shows no sign of life")


async def test_a_standby_with_another_store_than_the_recorded_one_is_not_promoted(pair):
    await pair.in_sync()
    await pair.say("backup", copy="other")
    await pair.ended("MS", 11)
    await row_that(pair.objects.server, lambda row: row.status == "Stopped")
    await pair.say("backup", copy="other", reason="Looked at again.")
    assert (await pair.record()).epoch == 1
    assert not [said for said in pair.b.heard if isinstance(said, Grant) and said.role == "primary"]


async def test_a_switchover_lets_the_active_server_finish_first(pair):
    await pair.say("backup")
    await pair.in_sync()
    asked = asyncio.create_task(pair.ask("switchover"))
    order = await pair.a.hears(StepDown)
    assert order.epoch == 1
    assert not [said for said in pair.b.heard if isinstance(said, Grant) and said.role == "primary"]
    await pair.a.say(report_on(pair.grant, state="ready", role="", copy="a"))
    grant = await pair.b.hears(Grant, lambda grant: grant.role == "primary")
    pair.grant = grant
    await pair.b.say(report_on(grant, copy="b"))
    answer = await asked
    assert (answer.ok, answer.facts["active"], answer.facts["epoch"]) == (True, "MS_B", 2)
    assert await eventually(lambda: pair.events(Own.ASKED), "not told")
    assert (await pair.a.hears(Grant, lambda grant: grant.epoch == 2)).role == "backup"


async def test_a_switchover_to_a_standby_that_is_not_in_sync_is_refused(pair):
    await pair.say("backup")
    answer = await pair.ask("switchover")
    assert not answer.ok
    assert "not in sync" in answer.reason


async def test_a_promotion_is_refused_while_somebody_serves_and_done_when_nobody_does(pair):
    await pair.say("backup")
    await pair.say("primary")
    assert "serves" in (await pair.ask("promote")).reason
    await pair.a.gone()
    await pair.ended("MS", 11)
    asked = asyncio.create_task(pair.ask("promote", reason="The disk of MS is gone"))
    grant = await pair.b.hears(Grant, lambda grant: grant.role == "primary")
    assert "ann accepted that messages may be lost" in grant.reason
    await pair.b.say(report_on(grant, copy="b"))
    assert (await asked).ok


async def test_paused_nothing_fails_over_by_itself_and_resumed_it_does(pair):
    await pair.say("backup")
    await pair.in_sync()
    assert (await pair.ask("pause", reason="New cables")).ok
    record = await pair.record()
    assert (record.automatic_failover, record.paused_by, record.paused_reason) == (False, "ann", "New cables")
    await pair.ended("MS", 11)
    await pair.say("backup")
    assert (await pair.record()).epoch == 1
    assert (await pair.ask("resume")).ok
    await pair.b.hears(Grant, lambda grant: grant.role == "primary")
    assert (await pair.record()).paused_at is None


async def test_a_probe_asks_both_members(pair):
    async def answer(peer: Peer, accepts: bool):
        probe = await peer.hears(Probe)
        await peer.say(Probed(id=probe.id, accepts=accepts, reason="" if accepts else "this server stands by"))

    await pair.say("backup")
    answers = asyncio.gather(answer(pair.a, True), answer(pair.b, False))
    found = (await pair.ask("probe")).facts["members"]
    await answers
    assert [(each["name"], each["accepts"], each["role"]) for each in found] == [
        ("MS", True, "primary"), ("MS_B", False, "backup")]


async def test_nobody_answers_a_probe_in_another_ones_place(pair):
    """B hears the number that A was asked by, and still it is no answer."""
    asked = asyncio.create_task(pair.ask("probe"))
    probe, own = await pair.a.hears(Probe), await pair.b.hears(Probe)
    for _ in range(2):
        await pair.b.say(Probed(id=probe.id, accepts=True))
    await pair.b.say(Probed(id=own.id, accepts=False, reason="this server stands by"))

    def refused():
        return Event.objects.filter(source="refused").acount()

    await eventually(refused, "the timeline does not tell")
    await pair.a.say(Probed(id=probe.id, accepts=False, reason="its own word"))
    a, b = (await asked).facts["members"]
    assert (a["accepts"], a["reason"], b["reason"]) == (False, "its own word", "this server stands by")
    [event] = [each async for each in Event.objects.filter(source="refused")]
    assert event.text == "MS_B answered a probe that it was not asked. Control took no notice."


async def test_an_answer_that_comes_late_is_no_foreign_one():
    questions = Questions()
    number, waiting = questions.ask()
    waiting.cancel()
    assert questions.answered(number, "late")
    assert not questions.answered(number + 1, "foreign")


async def test_what_control_does_not_know_is_refused_with_a_sentence(pair):
    for values in ({"verb": "switchover", "application": "Nobody"}, {"verb": "dance", "application": "MS"}):
        pair.console.heard.clear()
        await pair.console.say(PairRequest(**values))
        answer = await pair.console.hears(PairAnswer)
        assert (answer.ok, bool(answer.reason)) == (False, True)


def test_a_process_that_was_held_up_believes_no_silence_for_a_while(monkeypatch):
    now = 100.0
    monkeypatch.setattr("control.stability.time.monotonic", lambda: now)
    pauses = Pauses()
    pauses.looked(now - LOOK_S - HELD_UP_S, now)
    assert not pauses.recent
    pauses.looked(now - LOOK_S - HELD_UP_S - 0.01, now)
    assert pauses.recent
    now += 5
    assert not pauses.recent


def test_a_pair_that_changes_twice_within_the_window_flaps_until_it_was_quiet_for_as_long():
    flaps = Flaps(10.0)
    assert [flaps.changed(1, at) for at in (0.0, 20.0, 25.0, 26.0)] == [0, 0, 2, 0]
    assert flaps.changed(2, 26.0) == 0
    assert flaps.is_stable_again(1, 30.0) is None
    assert flaps.is_stable_again(1, 36.0) is True
    assert flaps.is_stable_again(1, 50.0) is False

"""After an older copy of control's database was put back: what is decided, what members are asked, who goes on."""

import asyncio
from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async

from control.restored import BEYOND, Log, Loss, lost_with, meeting_point, raised, read_log, refusal
from control.snapshot import Snapshot
from protocol.messages import Grant, PairAnswer, Probe, Probed, Recorded
from provisioning.models import PairState
from provisioning.record.models import PairRecord

from .conftest import Peer, eventually
from .snapshots import IN_SYNC, A, B, ready, serving
from .test_pairs import Pair, pair  # noqa: F401 - the fixture

OLD = replace(IN_SYNC, version=2, epoch=1)


def snapshot(a, b, record=OLD) -> Snapshot:
    return Snapshot(record, (a, b))


# --- pure --------------------------------------------------------------------------------------------


def test_the_record_is_raised_above_everything_that_both_have_seen():
    record = raised(snapshot(ready(A, epoch=7, version=20, copy="a"), ready(B, epoch=9, version=12)), "A")
    assert (record.active, record.active_copy, record.epoch, record.version) == ("A", "a", 9, 21)
    assert (record.standby_in_sync, record.standby_copy) == (False, "")


def test_while_a_member_is_away_the_record_is_raised_far_beyond_what_the_other_has_seen():
    record = raised(snapshot(ready(A, epoch=7, version=20), B), "A")
    assert (record.epoch, record.version) == (7 + BEYOND, 21 + BEYOND)


@pytest.mark.parametrize(("a", "b", "sentence"), [
    (ready(A), ready(B), ""),
    (ready(A), B, ""),
    (A, ready(B), "A is not connected to control, so it cannot go on. Start it first."),
    (replace(A, connected=True), ready(B), "A is not connected to control, so it cannot go on. Start it first."),
    (ready(A, epoch=5), serving(B, 5, 9), "B serves. Let it go on and use Switch Over afterwards, or stop B first."),
    (serving(A, 6, 9), serving(B, 5, 9), ""),
])
def test_who_can_go_on(a, b, sentence):
    assert refusal(snapshot(a, b), "A") == sentence


def test_a_name_of_another_pair_is_refused():
    assert refusal(snapshot(ready(A), ready(B)), "C") == "C is not a member of this pair."


def test_what_is_lost_is_what_only_the_other_one_has():
    a, b = Log(1, 100, ((1, 1), (5, 81))), Log(1, 90, ((1, 1),))
    assert meeting_point([a, b]) == 80
    assert lost_with(a, b, 80, proven=True) == Loss(before=0, after=10)
    assert lost_with(b, a, 80, proven=True) == Loss(before=0, after=20)


def test_a_copy_that_begins_later_loses_the_beginning_as_well():
    a, later = Log(1, 100, ((1, 1),)), Log(71, 90, ((1, 1),))
    assert lost_with(later, a, 90, proven=True) == Loss(before=70, after=10)
    assert lost_with(a, later, 90, proven=True) == Loss(before=0, after=0)


def test_an_empty_copy_loses_what_the_other_one_still_has_and_not_what_retention_has_removed():
    a, empty = Log(51, 100, ((1, 51),)), Log(1, 0, ())
    assert lost_with(empty, a, 0, proven=True) == Loss(before=0, after=50)


@pytest.mark.parametrize(("other", "common", "proven"), [(None, 80, True), (Log(1, 9, ()), None, True),
                                                         (Log(1, 90, ()), 80, False)])
def test_what_nobody_can_tell_is_not_called_nothing(other, common, proven):
    assert lost_with(Log(1, 90, ()), other, common, proven=proven) is None


@pytest.mark.parametrize("body", [{}, {"first_seq": 1, "last_seq": "2", "epochs": []},
                                  {"first_seq": 1, "last_seq": 2, "epochs": [[1]]}])
def test_a_log_that_is_none_is_not_believed(body):
    assert read_log(body) is None


# --- with peers --------------------------------------------------------------------------------------


@pytest.fixture
async def disputed(pair: Pair) -> Pair:  # noqa: F811
    """Both are there, and A has seen more than the record says."""
    await pair.say("backup")
    await pair.say("primary", record_version=9)
    await eventually(copy_that(pair, disputed=True), "the dispute is not shown")
    return pair


def copy_that(pair: Pair, **values):  # noqa: F811
    return lambda: sync_to_async(PairState.objects.filter(primary=pair.objects.server, **values).exists)()


async def answer_with(peer: Peer, last_seq: int, epochs: list, digest: str) -> None:
    """Answer both probes of a look: what it has, then the digest at the common record."""
    for answered in range(2):
        asked = await peer.hears(Probe, lambda said, n=answered: [
            each for each in peer.heard if isinstance(each, Probe) and each.log][n:])
        await peer.say(Probed(id=asked.id, accepts=False, log={
            "first_seq": 1, "last_seq": last_seq, "epochs": epochs, "digest": digest if asked.at else ""}))


async def looked(pair: Pair, digest_of_b: str = "d") -> dict:  # noqa: F811
    members = [asyncio.create_task(answer_with(pair.a, 12, [[1, 1]], "d")),
               asyncio.create_task(answer_with(pair.b, 10, [[1, 1]], digest_of_b))]
    answer = await pair.ask("record")
    await asyncio.gather(*members)
    return answer.facts


async def test_a_disputed_pair_never_counts_as_in_sync(pair):  # noqa: F811
    await pair.say("backup")
    await pair.in_sync()
    await eventually(copy_that(pair, standby_in_sync=True), "it is not shown as in sync")
    await pair.say("primary", record_version=99)
    await eventually(copy_that(pair, standby_in_sync=False, disputed=True), "it is shown as in sync")
    assert (await pair.record()).standby_in_sync, "the record itself stays as it is"


async def test_a_look_tells_what_each_has_and_what_the_other_one_would_lose(disputed):
    found = await looked(disputed)
    assert found["disputed"]
    assert [(each["name"], each["connected"], each["first_seq"], each["last_seq"], each["lost"])
            for each in found["members"]] == [("MS", True, 1, 12, 0), ("MS_B", True, 1, 10, 2)]


async def test_copies_that_prove_no_common_record_may_lose_anything(disputed):
    found = await looked(disputed, digest_of_b="another")
    assert [each["lost"] for each in found["members"]] == [None, None]


async def test_whoever_is_chosen_goes_on_above_what_was_seen(disputed):
    answer = await disputed.ask("restored", target="MS", reason="The disk is gone.")
    assert (answer.ok, answer.facts) == (True, {"active": "MS", "version": 10, "epoch": 1})
    assert answer.reason == ("ann said that MS goes on after an older database was put back. Reason: The disk is gone.")
    said = await disputed.a.hears(Recorded, lambda said: said.record_version == 10)
    assert not said.in_sync
    await eventually(copy_that(disputed, disputed=False), "the dispute is still shown")


async def test_a_standby_does_not_go_on_while_the_other_one_serves(disputed):
    answer = await disputed.ask("restored", target="MS_B")
    assert (answer.ok, answer.reason) == (
        False, "MS serves. Let it go on and use Switch Over afterwards, or stop MS first.")
    assert (await disputed.record()).version == 1


async def test_the_standby_goes_on_once_the_one_that_served_is_gone(disputed):
    await disputed.a.gone()
    await disputed.ended("MS", 11)
    await disputed.say("backup", record_version=9)
    await eventually(copy_that(disputed, reason__contains="MS_B has seen version 9"), "the dispute is not B's")
    answer = await disputed.ask("restored", target="MS_B")
    grant = await disputed.b.hears(Grant, lambda grant: grant.role == "primary")
    assert (grant.epoch, answer.facts["version"]) == (2 + BEYOND, 10 + BEYOND)


@pytest.mark.parametrize("verb", ["pause", "resume", "switchover", "promote"])
async def test_no_other_verb_changes_a_record_that_is_disputed(disputed, verb):
    answer = await disputed.ask(verb, reason="work")
    assert (answer.ok, (await disputed.record()).version) == (False, 1)
    assert "Restored Database" in f"{answer.reason} {answer.advice}"


async def test_where_nothing_is_in_dispute_nothing_is_changed(pair):  # noqa: F811
    version = (await pair.record()).version
    answer = await pair.ask("restored", target="MS_B")
    assert (answer.ok, answer.facts) == (True, {"active": "MS", "already": True})
    assert (await pair.record()).version == version


async def test_a_pair_whose_record_is_not_there_any_more_is_shown_as_disputed(pair):  # noqa: F811
    await sync_to_async(PairRecord.objects.all().delete)()
    await sync_to_async(PairState.objects.all().delete)()
    await pair.say("primary", record_version=9)
    await eventually(copy_that(pair, disputed=True), "the dispute is not shown")
    answer: PairAnswer = await pair.ask("restored", target="MS")
    assert answer.ok

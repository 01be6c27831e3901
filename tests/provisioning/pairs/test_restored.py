"""Restored Database: what a person sees of each member, what he has to type, what is asked of control."""

import json

import pytest

from protocol.messages import PairAnswer
from provisioning.errors import NotAllowed, Refused, Unanswered
from provisioning.models import HistoryEntry, PairState
from provisioning.pairs.rules.restored import found_of
from provisioning.pairs.services import restored
from provisioning.record.models import ControlBeat
from tests.commands import run
from tests.factories import ADMINISTRATOR, OPERATOR, SUPPORT, control_answers, make_application, make_pair

pytestmark = pytest.mark.django_db
REASON = "An older control database was put back. An administrator says under Restored Database which server goes on."


def member(name, **values) -> dict:
    return {"name": name, "connected": True, "state": "ready", "role": "", "epoch": 3, "version": 9, "first_seq": 1,
            "last_seq": 1200, "why_not": "", "lost": 0, **values}


def facts(primary: dict, backup: dict, *, disputed=True) -> PairAnswer:
    return PairAnswer(ok=True, facts={"disputed": disputed, "reason": REASON if disputed else "", "members": [
        member("MS_Primary", **primary), member("MS_Backup", **backup)]})


NOTHING_LOST = facts({}, {"last_seq": 1150, "lost": 50})
AWAY = facts({"lost": None}, {"connected": False, "first_seq": None, "last_seq": None, "lost": None,
                              "why_not": "MS_Backup is not connected to control, so it cannot go on. Start it first."})


@pytest.fixture
def pair():
    primary, backup = make_pair(in_sync=False)
    PairState.objects.update(disputed=True, reason=REASON)
    return primary, backup


@pytest.fixture
def asked(control):
    control.answers |= {"record": NOTHING_LOST, "restored": lambda request: PairAnswer(
        ok=True, reason=f"{request.target} goes on.", facts={"active": request.target, "epoch": 4, "version": 10})}
    return control


def restores(control) -> list:
    return [(each.application, each.target, each.by, each.reason) for each in control.requests
            if each.verb == "restored"]


def history() -> list[str]:
    return [*HistoryEntry.objects.values_list("reason", flat=True)]


# --- what is said ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "name", "loss", "to_type"), [
    (NOTHING_LOST, "MS_Primary", "Nothing is lost: MS_Backup has no record that MS_Primary does not have.", ""),
    (NOTHING_LOST, "MS_Backup", "Of MS_Primary 50 records (1,151 to 1,200) are given up: MS_Backup does not have them.",
     "MS_Primary"),
    (facts({}, {"lost": 1}), "MS_Backup", "Of MS_Primary record 1,200 is given up: MS_Backup does not have it.",
     "MS_Primary"),
    (facts({}, {"first_seq": 701, "lost": 702, "lost_before": 700}), "MS_Backup",
     "Of MS_Primary 2 records (1,199 to 1,200) and 700 records (1 to 700) are given up: MS_Backup does not have them.",
     "MS_Primary"),
    (AWAY, "MS_Primary", "What is lost cannot be told: MS_Backup is not connected, and what it has is not known. Start "
     "it first if it can be started.", "MS_Backup"),
    (facts({"lost": None}, {"last_seq": None, "lost": None}), "MS_Primary",
     "What is lost cannot be told: MS_Backup did not say what it has.", "MS_Backup"),
    (facts({"lost": None}, {"lost": None}), "MS_Primary",
     "What is lost cannot be told: no record is proven to be the same on both.", "MS_Backup"),
])
def test_what_would_be_lost_is_named(answer, name, loss, to_type):
    choice = found_of(answer.facts).choice(name)
    assert (choice.loss, choice.to_type) == (loss, to_type)


def test_a_single_server_loses_nothing():
    [choice] = found_of({"disputed": True, "members": [member("Alone")]}).choices
    assert (choice.to_type, choice.loss) == ("", "Nothing is lost: there is no other server that could have more.")


def test_what_is_no_answer_shows_nobody():
    assert found_of({"members": ["x", {"name": 3}], "disputed": "yes"}).copies == ()


# --- the service -------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [0, 1])
def test_without_a_loss_nothing_has_to_be_typed(asked, pair, which):
    answer = restored.go_on(actor=ADMINISTRATOR, application_id=pair[which].pk, server="MS_Primary",
                            reason="the newer one\nis lost")
    assert answer.facts["active"] == "MS_Primary"
    assert restores(asked) == [("MS_Primary", "MS_Primary", "ada", "the newer one is lost")]
    assert history() == ["Let MS_Primary go on after an older control database was put back. Nothing is lost: "
                         "MS_Backup has no record that MS_Primary does not have. the newer one is lost"]


@pytest.mark.parametrize(("found", "server", "typed"), [(NOTHING_LOST, "MS_Backup", "MS_Primary"),
                                                        (AWAY, "MS_Primary", "MS_Backup")])
def test_what_is_lost_or_may_be_has_to_be_typed(asked, pair, found, server, typed):
    asked.answers["record"] = found
    for wrong in ("", server, typed.lower(), f"{typed} "):
        with pytest.raises(Refused, match=f"records are given up: {typed}\\. Nothing was changed") as caught:
            restored.go_on(actor=ADMINISTRATOR, application_id=pair[0].pk, server=server, accept_data_loss=wrong)
        assert caught.value.refusals[0].field == "accept_data_loss"
    assert restores(asked) == history() == []
    restored.go_on(actor=ADMINISTRATOR, application_id=pair[0].pk, server=server, accept_data_loss=typed)
    assert [target for _, target, *_ in restores(asked)] == [server]


def test_who_cannot_go_on_is_refused_with_control_s_reason(asked, pair):
    asked.answers["record"] = AWAY
    with pytest.raises(Refused, match="MS_Backup is not connected to control, so it cannot go on"):
        restored.go_on(actor=ADMINISTRATOR, application_id=pair[0].pk, server="MS_Backup",
                       accept_data_loss="MS_Primary")
    with pytest.raises(Refused, match="Nobody is not a member of this pair: name MS_Primary or MS_Backup"):
        restored.go_on(actor=ADMINISTRATOR, application_id=pair[0].pk, server="")
    assert restores(asked) == []


def test_where_nothing_is_in_dispute_nothing_is_asked_for_or_written_down(asked, pair):
    asked.answers["record"] = facts({}, {"lost": 50}, disputed=False)
    answer = restored.go_on(actor=ADMINISTRATOR, application_id=pair[0].pk, server="MS_Backup")
    assert answer.facts == {"already": True}
    assert restores(asked) == history() == []


def test_a_dispute_that_ended_after_the_look_is_not_written_down(asked, pair):
    asked.answers["restored"] = PairAnswer(ok=True, facts={"active": "MS_Primary", "already": True})
    restored.go_on(actor=ADMINISTRATOR, application_id=pair[0].pk, server="MS_Primary")
    assert history() == []


@pytest.mark.parametrize("actor", [OPERATOR, SUPPORT])
def test_only_who_may_accept_a_loss_says_who_goes_on(asked, pair, actor):
    assert restored.look(actor=actor, application_id=pair[0].pk).disputed
    with pytest.raises(NotAllowed):
        restored.go_on(actor=actor, application_id=pair[0].pk, server="MS_Primary")
    with pytest.raises(NotAllowed):
        restored.confirm_all(actor=actor)


def test_that_control_is_away_is_said_and_a_look_is_not_written_down(no_control, pair):
    with pytest.raises(Unanswered, match="Start control"):
        restored.look(actor=SUPPORT, application_id=pair[0].pk)
    assert history() == []


# --- the command -------------------------------------------------------------------------------------


def test_the_command_lists_what_is_in_dispute(pair):
    code, out, _ = run("restored")
    assert (code, out) == (1, f"MS_Primary and MS_Backup: {REASON}\n")
    PairState.objects.update(disputed=False)
    assert run("restored")[:2] == (0, "Nothing is in dispute.\n")


def test_the_command_tells_of_records_that_count_only_while_all_agree(pair):
    control_answers()
    ControlBeat.objects.update(facts={"doubted": 3})
    body = json.loads(run("restored", "--json")[1])
    assert (body["doubted"], [row["primary"] for row in body["disputed"]]) == (3, ["MS_Primary"])
    assert "3 records are older than the restore" in run("restored")[1]


def test_the_command_confirms_records_with_which_all_agree(control, pair):
    control.answers["restored"] = PairAnswer(ok=True, reason="3 records are confirmed, 1 are left.",
                                             facts={"confirmed": 3, "left": 1})
    assert run("restored", "--confirm")[:2] == (0, "3 records are confirmed, 1 are left.\n")
    assert [(each.verb, each.application) for each in control.requests] == [("restored", "")]


def test_the_command_shows_what_each_has_and_how_it_goes_on(asked, pair):
    code, out, _ = run("restored", "MS_Backup")
    assert code == 1
    assert "MS_Primary: connected, records 1 to 1,200, epoch 3." in out
    assert "To go on so: manage.py restored 'MS_Backup' --server 'MS_Primary'\n" in out
    assert "--server 'MS_Backup' --accept-data-loss 'MS_Primary'" in out


def test_the_command_lets_one_go_on(asked, pair):
    code, _, err = run("restored", "MS_Primary", "--server", "MS_Backup")
    assert (code, restores(asked)) == (2, [])
    assert "type the name" in err
    code, out, _ = run("restored", "MS_Primary", "--server", "MS_Backup", "--accept-data-loss", "MS_Primary")
    assert (code, out) == (0, "MS_Backup goes on.\n")


def test_a_single_server_in_dispute_has_the_same_way_out(asked, db):
    alone = make_application("Alone")
    PairState.objects.create(primary=alone, disputed=True, reason=REASON)
    asked.answers["record"] = PairAnswer(ok=True, facts={"disputed": True, "members": [member("Alone")]})
    assert run("restored")[1] == f"Alone: {REASON}\n"
    assert run("restored", "Alone", "--server", "Alone")[0] == 0
    assert [target for _, target, *_ in restores(asked)] == ["Alone"]

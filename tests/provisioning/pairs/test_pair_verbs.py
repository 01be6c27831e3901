"""Switch Over, pause, resume, promote and probe: what control is asked, what is written down, what is refused."""

import json

import pytest
from django.db import OperationalError

from protocol.messages import PairAnswer
from provisioning.core import control_client
from provisioning.core.permissions import os_account
from provisioning.errors import NotAllowed, NotFound, Refused, Unanswered
from provisioning.history import history as history_of
from provisioning.models import Application, HistoryEntry, PairState, RuntimeStatus
from provisioning.pairs.services import pairs as services
from provisioning.pairs.services import requests
from tests.commands import run
from tests.factories import ADMINISTRATOR, OPERATOR, SUPPORT, make_application, make_pair

pytestmark = pytest.mark.django_db

DONE = PairAnswer(ok=True, reason="MS_Backup took over.", facts={"active": "MS_Backup", "epoch": 4, "took_ms": 87.4})


def history():
    return [(entry.user_name, entry.action, entry.object_name, entry.reason) for entry in HistoryEntry.objects.all()]


def asked(control):
    return [(request.verb, request.application, request.by, request.reason) for request in control.requests]


@pytest.mark.parametrize("member", [0, 1])
def test_switch_over_asks_for_the_pair_whichever_member_is_named(control, pair, member):
    control.answers["switchover"] = DONE
    answer = services.switch_over(actor=OPERATOR, application_id=pair[member].pk, reason=" kernel \n update ")
    assert answer.facts["epoch"] == 4
    assert asked(control) == [("switchover", "MS_Primary", "otto", "kernel update")]
    assert history() == [("otto", "operated", "MS_Primary",
                          "Switched over from MS_Primary to MS_Backup (epoch 4). kernel update")]


@pytest.mark.parametrize(("to", "target"), [("", "MS_Backup"), ("MS_Primary", "MS_Primary")])
def test_control_is_told_who_is_to_serve_so_that_asking_twice_does_not_switch_back(control, pair, to, target):
    control.answers["switchover"] = DONE
    services.switch_over(actor=OPERATOR, application_id=pair[0].pk, to=to)
    assert [request.target for request in control.requests] == [target]


def test_pause_and_resume_are_written_down_with_their_reason(control, pair):
    control.answers |= {"pause": PairAnswer(ok=True), "resume": PairAnswer(ok=True)}
    services.pause_failover(actor=OPERATOR, application_id=pair[0].pk, reason="new switch in rack 4")
    PairState.objects.update(automatic_failover=False)
    services.resume_failover(actor=OPERATOR, application_id=pair[1].pk)
    assert [row[3] for row in history()] == ["Resumed automatic failover.",
                                             "Paused automatic failover. new switch in rack 4"]
    assert asked(control) == [("pause", "MS_Primary", "otto", "new switch in rack 4"),
                              ("resume", "MS_Primary", "otto", "")]


def test_resume_of_what_was_not_paused_says_so_and_does_nothing(control, pair):
    answer = services.resume_failover(actor=OPERATOR, application_id=pair[0].pk)
    assert (answer.ok, answer.reason) == (True, "Automatic failover of MS_Primary and MS_Backup is on already. "
                                                "Nothing was changed.")
    assert asked(control) == history() == []


@pytest.mark.parametrize(("reason", "sentence"), [("  ", "Say why"), ("x" * 1001, "1001 characters; 1000 fit")])
def test_a_pause_needs_a_reason_that_can_be_kept(control, pair, reason, sentence):
    with pytest.raises(Refused, match=sentence) as caught:
        services.pause_failover(actor=OPERATOR, application_id=pair[0].pk, reason=reason)
    assert caught.value.refusals[0].field == "reason"
    assert control.requests == []


def test_promote_needs_the_name_of_the_server_whose_messages_are_given_up(control, pair):
    control.answers["promote"] = DONE
    for typed in ("", "MS_Backup", "ms_primary", "MS_Primary "):
        with pytest.raises(Refused, match="type the name of the server whose newest messages are given up: "
                                          "MS_Primary\\. Nothing was changed"):
            services.promote(actor=ADMINISTRATOR, application_id=pair[1].pk, accept_data_loss=typed)
    assert control.requests == []
    services.promote(actor=ADMINISTRATOR, application_id=pair[1].pk, accept_data_loss="MS_Primary")
    assert [request.target for request in control.requests] == ["MS_Backup"]
    assert history() == [("ada", "operated", "MS_Primary",
                          "Promoted MS_Backup although it was not in sync; what only MS_Primary had was given up "
                          "(epoch 4).")]


def test_an_active_server_that_came_back_with_another_store_can_be_the_one_that_serves(control, pair):
    control.answers["promote"] = DONE
    with pytest.raises(Refused, match="Nobody is not a member"):
        services.promote(actor=ADMINISTRATOR, application_id=pair[0].pk, accept_data_loss="MS_Primary", server="Nobody")
    services.promote(actor=ADMINISTRATOR, application_id=pair[0].pk, accept_data_loss="MS_Primary", server="MS_Primary")
    assert [request.target for request in control.requests] == ["MS_Primary"]
    assert "with the store it has now" in history()[0][3]


def test_after_a_switchover_the_other_name_is_to_be_typed(control, pair):
    PairState.objects.update(active=pair[1])
    control.answers["promote"] = DONE
    with pytest.raises(Refused, match="given up: MS_Backup"):
        services.promote(actor=ADMINISTRATOR, application_id=pair[0].pk, accept_data_loss="MS_Primary")
    services.promote(actor=ADMINISTRATOR, application_id=pair[0].pk, accept_data_loss="MS_Backup")


def test_nothing_is_promoted_before_control_recorded_an_active_server(control):
    primary, _ = make_pair(record=False)
    with pytest.raises(Refused, match="nothing to promote"):
        services.promote(actor=ADMINISTRATOR, application_id=primary.pk, accept_data_loss="MS_Primary")


def test_what_control_refuses_is_refused_with_its_reason_and_advice(control, pair):
    control.answers["switchover"] = PairAnswer(ok=False, reason="MS_Backup is not in sync.", advice="Wait until it is.")
    with pytest.raises(Refused) as caught:
        services.switch_over(actor=OPERATOR, application_id=pair[0].pk)
    assert str(caught.value) == "MS_Backup is not in sync. Wait until it is."
    assert history() == []


def test_when_control_is_away_it_is_said_and_written_down_that_nobody_knows(no_control, pair):
    with pytest.raises(Unanswered, match="Start control"):
        services.switch_over(actor=OPERATOR, application_id=pair[0].pk)
    assert [row[3] for row in history()] == ["Switch Over was asked for and control did not answer."]


def test_a_control_that_does_not_answer_is_given_up_on(control, pair, monkeypatch):
    monkeypatch.setattr(control_client.ask_pair, "__kwdefaults__",
                        {**control_client.ask_pair.__kwdefaults__, "timeout_s": 0.3})
    control.answers["probe"] = None
    with pytest.raises(Unanswered, match="timed out"):
        services.probe(actor=SUPPORT, application_id=pair[0].pk)
    assert history() == []


def test_a_switchover_that_the_database_kept_from_happening_says_so(control, pair, monkeypatch, settings):
    settings.RECORD_IS_APART = False
    control.answers["switchover"] = PairAnswer(ok=False, reason="MS_Backup has not taken over within 10 s.",
                                               advice="Look at the states of both servers.")
    held = "Locked: another program has held the Configuration Database for 12 s at least."
    monkeypatch.setattr(requests, "database_trouble", lambda: held)
    with pytest.raises(Refused) as caught:
        services.switch_over(actor=OPERATOR, application_id=pair[0].pk)
    assert str(caught.value) == f"MS_Backup has not taken over within 10 s. {held} Look at the states of both servers."


def test_that_nobody_answered_is_said_though_it_cannot_be_written_down(pair, no_control, monkeypatch):
    def locked(**entry):
        raise OperationalError("database is locked")

    monkeypatch.setattr(history_of, "record_verb", locked)
    with pytest.raises(Unanswered, match="did not answer"):
        services.switch_over(actor=OPERATOR, application_id=pair[0].pk)


@pytest.mark.django_db(transaction=True)
def test_what_was_done_while_another_program_holds_the_database_is_said_to_be_done(control, pair, locked, monkeypatch):
    monkeypatch.setattr(requests, "RECORD_S", 0.02)
    control.answers["switchover"] = DONE
    with locked():
        code, out, err = run("switchover", "MS_Primary")
        _, as_json, _ = run("switchover", "MS_Primary", "--json")
    assert (code, out) == (0, "MS_Backup is the active server after 87 ms.\n")
    assert err == ("It is done, but History does not tell of it and pages show it later. Another program holds the "
                   "Configuration Database.\n")
    assert json.loads(as_json)["unrecorded"] == err.strip()
    assert history() == []


def test_an_application_without_a_partner_is_refused_with_what_to_do(control):
    single = make_application("Alone")
    with pytest.raises(Refused, match="Alone is no member of a pair\\. Open the server") as caught:
        services.switch_over(actor=OPERATOR, application_id=single.pk)
    assert caught.value.refusals[0].links[0].name == "Alone"
    with pytest.raises(NotFound):
        services.switch_over(actor=OPERATOR, application_id=0)


def test_who_may_do_what(control, pair):
    key = pair[0].pk
    for verb in (lambda actor: services.switch_over(actor=actor, application_id=key),
                 lambda actor: services.pause_failover(actor=actor, application_id=key, reason="x"),
                 lambda actor: services.resume_failover(actor=actor, application_id=key)):
        with pytest.raises(NotAllowed):
            verb(SUPPORT)
    for actor in (SUPPORT, OPERATOR):
        with pytest.raises(NotAllowed, match="goes on after a restore\\. Ask for the role Administrator"):
            services.promote(actor=actor, application_id=key, accept_data_loss="MS_Primary")
    assert control.requests == []


# --- commands


def switches(primary, backup):
    """What a switchover does, as control would write it."""
    def answer(request):
        return DONE
    PairState.objects.filter(primary=primary).update(active=backup, epoch=4)
    RuntimeStatus.objects.filter(application=primary).update(mode="Backup")
    RuntimeStatus.objects.filter(application=backup).update(mode="Primary")
    return answer


def probed(**accepts):
    return PairAnswer(ok=True, facts={"members": [
        {"name": name, "connected": True, "role": "primary" if yes else "backup", "epoch": 4, "accepts": yes,
         "reason": "" if yes else "It is the backup.", "took_ms": 1.5} for name, yes in accepts.items()]})


def test_switchover_command_answers_in_words_and_in_json(control, pair):
    control.answers["switchover"] = DONE
    assert run("switchover", "MS_Backup") == (0, "MS_Backup is the active server after 87 ms.\n", "")
    code, out, _ = run("switchover", "MS_Primary", "--json")
    assert (code, json.loads(out)["active"], json.loads(out)["primary"]) == (0, "MS_Backup", "MS_Primary")


def test_switchover_waits_until_both_roles_are_proven(control, pair):
    control.answers |= {"switchover": switches(*pair), "probe": probed(MS_Primary=False, MS_Backup=True)}
    code, out, _ = run("switchover", "MS_Primary", "--wait")
    assert (code, out) == (
        0, "Waiting for control to switch MS_Primary over, then for the pair to be whole again: 60 s at most.\n"
           "MS_Backup is the active server after 87 ms.\nIt has proven itself, and MS_Primary is in sync.\n")


def test_switchover_that_is_not_whole_in_time_says_what_is_missing(control, pair):
    control.answers |= {"switchover": switches(*pair), "probe": probed(MS_Primary=True, MS_Backup=True)}
    code, out, _ = run("switchover", "MS_Primary", "--wait", "--timeout", "0.1", "--json")
    body = json.loads(out)
    assert (code, body["proven"], body["active"]) == (1, False, "MS_Backup")
    assert "did not prove both roles" in body["reason"]
    PairState.objects.update(standby_in_sync=False)
    code, out, err = run("switchover", "MS_Primary", "--wait", "--timeout", "0.1")
    assert code == 1
    assert out.splitlines()[2:] == ["MS_Primary is not in sync yet."], "each thing that is missing, once"
    assert "The pair is not whole again within 0.1 s: MS_Primary is not in sync yet." in err


def test_commands_say_who_asked_and_exit_2_when_refused_and_1_without_an_answer(control, pair, settings):
    control.answers |= {"pause": PairAnswer(ok=True), "resume": PairAnswer(ok=True),
                        "promote": PairAnswer(ok=False, reason="MS_Backup is in sync.", advice="Use Switch Over.")}
    assert run("pause_failover", "MS_Backup", "--reason", "work on the rack")[0] == 0
    assert run("resume_failover", "MS_Backup", "--json")[0] == 0
    code, _, err = run("promote", "MS_Backup", "--accept-data-loss", "MS_Primary")
    assert (code, err) == (2, "MS_Backup is in sync. Use Switch Over.\n")
    assert run("promote", "MS_Backup")[0] == 2
    assert {request.by for request in control.requests} == {"command line"}
    settings.PAIRWISE_CONTROL_PORT = 1
    assert run("switchover", "MS_Primary")[0] == 1
    assert run("switchover", "Nobody")[:1] == (2,)
    assert HistoryEntry.objects.filter(origin=f"manage.py pause_failover as {os_account()}").count() == 1
    assert Application.objects.count() == 2

"""The verbs of a pair as the Pair page asks for them: switch over, pause, resume, promote."""

import re

import pytest
from django.urls import reverse

from protocol.messages import PairAnswer
from provisioning.models import HistoryEntry, PairState, RuntimeStatus
from tests import factories
from tests.provisioning.posted import script

from .pages import detail, text_of

pytestmark = pytest.mark.django_db


def test_switch_over_asks_first_and_names_what_is_hit(operator, pair):
    RuntimeStatus.objects.filter(application=pair[0]).update(clients=4)
    text = text_of(operator.get(reverse("pair-switchover", args=[pair[0].pk])))
    assert "Switch over to MS_Backup?" in text
    assert "4 clients of MS_Primary reconnect to MS_Backup." in text


def test_switch_over_is_done_by_control_and_recorded(operator, pair, control):
    control.answers["switchover"] = PairAnswer(ok=True, facts={"active": "MS_Backup", "epoch": 4, "took_ms": 730})
    answer = operator.post(reverse("pair-switchover", args=[pair[0].pk]), {"reason": "kernel update"}, headers=script())
    assert "MS_Backup serves now, in epoch 4. It took 0.7 s." in answer.content.decode()
    assert '"dialog-close": true' in answer["HX-Trigger"]
    assert (control.requests[0].application, control.requests[0].by) == ("MS_Primary", "operator")
    assert control.requests[0].reason == "kernel update"
    assert "kernel update" in HistoryEntry.objects.get().reason


def test_a_plain_form_switches_over_too_and_comes_back_to_the_page(operator, pair, control):
    control.answers["switchover"] = PairAnswer(ok=True, facts={"active": "MS_Backup", "epoch": 4})
    assert operator.post(reverse("pair-switchover", args=[pair[0].pk])).url == detail(pair[0])


def test_what_control_refuses_is_said_in_the_dialog(operator, pair, control):
    control.answers["switchover"] = PairAnswer(ok=False, reason="MS_Backup is not ready.", advice="Start it.")
    answer = operator.post(reverse("pair-switchover", args=[pair[0].pk]), headers=script())
    assert answer.status_code == 422
    assert "MS_Backup is not ready. Start it." in answer.content.decode()


def test_control_that_does_not_answer_is_said_in_the_dialog(operator, pair, no_control):
    answer = operator.post(reverse("pair-switchover", args=[pair[0].pk]), headers=script())
    assert answer.status_code == 422
    assert "did not answer" in answer.content.decode()


def test_pausing_needs_a_reason(operator, pair, control):
    address = reverse("pair-pause", args=[pair[0].pk])
    answer = operator.post(address, {"reason": " "}, headers=script())
    assert answer.status_code == 422
    assert "Say why: everybody sees it until failover is resumed." in answer.content.decode()
    assert control.requests == []
    control.answers["pause"] = PairAnswer(ok=True)
    assert operator.post(address, {"reason": "kernel update"}, headers=script()).status_code == 200
    assert control.requests[0].reason == "kernel update"


def test_resume_stands_where_pause_stood(operator, control):
    primary, _ = factories.make_pair(automatic_failover=False, paused_by="otto", paused_reason="kernel update")
    body = operator.get(detail(primary)).content.decode()
    assert "Paused by otto: kernel update." in body
    assert 'id="pair-resume"' in body
    assert 'id="pair-pause"' not in body
    control.answers["resume"] = PairAnswer(ok=True)
    operator.post(reverse("pair-resume", args=[primary.pk]))
    assert [request.verb for request in control.requests] == ["resume"]


def test_promotion_wants_the_name_of_the_server_whose_messages_are_given_up(administrator, lost, control):
    primary, _ = lost
    address = reverse("pair-promote", args=[primary.pk])
    page = administrator.get(address).content.decode()
    assert "at least 30 records (121 to 150)" in page
    answer = administrator.post(address, {"accept_data_loss": "MS_Backup"}, headers=script())
    assert answer.status_code == 422
    assert "type the name of the server whose newest messages are given up" in text_of(answer)
    assert control.requests == []
    control.answers["promote"] = PairAnswer(ok=True, facts={"active": "MS_Backup", "epoch": 4, "took_ms": 50})
    assert administrator.post(address, {"accept_data_loss": "MS_Primary"}, headers=script()).status_code == 200
    assert [request.verb for request in control.requests] == ["promote"]


@pytest.fixture
def replaced():
    """A pair whose active member came back with an empty store while its standby lacks messages."""
    primary, backup = factories.make_pair(in_sync=False, active_copy="old")
    RuntimeStatus.objects.filter(application=primary).update(status="Initializing", mode="", last_seq=0, copy="new")
    return primary, backup


def test_the_active_server_itself_is_promoted_where_its_store_was_replaced(administrator, replaced, control):
    primary, _ = replaced
    body = administrator.get(detail(primary)).content.decode()
    assert "Nobody serves: MS_Primary came back without the messages that it served with." in body
    assert {"pair-promote", "pair-promote-active"} <= set(re.findall(r'id="(pair-promote[^"]*)"', body))
    address = reverse("pair-promote-active", args=[primary.pk])
    assert "serves with the store that it has now (no record)" in administrator.get(address).content.decode()
    assert administrator.post(address, {"accept_data_loss": "MS_Backup"}, headers=script()).status_code == 422
    assert control.requests == []
    control.answers["promote"] = PairAnswer(ok=True, facts={"active": "MS_Primary", "epoch": 4, "took_ms": 50})
    assert administrator.post(address, {"accept_data_loss": "MS_Primary"}, headers=script()).status_code == 200
    assert [(request.verb, request.target) for request in control.requests] == [("promote", "MS_Primary")]


def test_the_active_server_is_not_promoted_while_its_store_is_the_same(administrator, lost):
    assert "pair-promote-active" not in administrator.get(detail(lost[0])).content.decode()
    page = administrator.get(reverse("pair-promote-active", args=[lost[0].pk])).content.decode()
    assert 'aria-disabled="true" title="MS_Primary has the store that it served with.' in page


def test_promotion_is_offered_only_when_messages_would_be_lost(administrator, pair):
    assert 'id="pair-promote"' not in administrator.get(detail(pair[0])).content.decode()
    RuntimeStatus.objects.filter(application=pair[0]).update(status="Gave Up", mode="")
    PairState.objects.update(standby_in_sync=False)
    assert 'id="pair-promote"' in administrator.get(detail(pair[0])).content.decode()


def test_buttons_that_are_off_say_why(operator, lost):
    body = operator.get(detail(lost[0])).content.decode()
    assert re.search(r'id="pair-promote"[^>]*aria-disabled="true" title="Your role does not let you promote', body)
    assert re.search(r'id="pair-switchover"[^>]*aria-disabled="true" title="MS_Backup is not in sync', body)


def test_support_sees_why_it_may_not(support, lost):
    body = support.get(detail(lost[0])).content.decode()
    assert re.search(r'id="pair-pause"[^>]*aria-disabled="true" title="Your role does not let you start', body)


ALLOWED = {"switchover": {"administrator", "operator"}, "pause": {"administrator", "operator"},
           "resume": {"administrator", "operator"}, "promote": {"administrator"}, "promote-active": {"administrator"}}


@pytest.mark.parametrize("role", ["administrator", "operator", "support"])
@pytest.mark.parametrize("verb", ALLOWED)
@pytest.mark.parametrize("method", ["get", "post"])
def test_verbs_are_for_the_roles_that_have_them(request, role, verb, method, pair, control):
    control.answers = dict.fromkeys([*ALLOWED, "promote"],
                                    PairAnswer(ok=True, facts={"active": "MS_Backup", "epoch": 4}))
    PairState.objects.update(automatic_failover=verb != "resume")
    client = request.getfixturevalue(role)
    form = {"reason": "why not", "accept_data_loss": "MS_Primary"}
    answer = getattr(client, method)(reverse(f"pair-{verb}", args=[pair[0].pk]), form if method == "post" else None)
    allowed = role in ALLOWED[verb]
    assert answer.status_code == (403 if not allowed else 302 if method == "post" else 200)
    assert len(control.requests) == (1 if allowed and method == "post" else 0)


def test_a_server_without_a_backup_has_no_verbs(operator, control):
    single = factories.make_application("MS_Solo", status="Started", mode="Primary")
    assert operator.post(reverse("pair-switchover", args=[single.pk])).status_code == 302
    assert control.requests == []

"""The pages of failover drills: the button, the dialog, a drill while it runs, its report, the list, the schedule."""

import re
from datetime import time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.drills.selectors import get_drill
from provisioning.drills.services.drills import ScheduleDraft, set_schedule, start_drill
from provisioning.models import Drill, DrillSchedule, DrillStep
from provisioning.states import DrillPhase, DrillState
from tests import factories
from tests.provisioning.pairs.pages import detail, part, text_of
from tests.provisioning.posted import script

pytestmark = pytest.mark.django_db
FIGURES = {"sent": 240, "acknowledged": 240, "delivered": 240, "lost": 0, "duplicated": 0, "outage_over_ms": 412.0,
           "outage_back_ms": 380.0}
CONDITIONS = [
    {"code": "started", "label": "Both Started", "state": "no", "sentence": "MS_Backup is Stopped.",
     "advice": "Start it.", "necessary": True},
    {"code": "hosts", "label": "Different hosts", "state": "no", "sentence": "Both are on one host.", "advice": "Move.",
     "necessary": False}]


def ended(pair, state=DrillState.PASSED, **fields):
    now = timezone.now()
    drill = Drill.objects.create(primary=pair[0], primary_name="MS_Primary", backup_name="MS_Backup", state=state, **{
        "asked_by": "ada", "figures": FIGURES, "started_at": now - timedelta(seconds=12), "finished_at": now,
        "served_before": "MS_Primary", "serves_now": "MS_Primary", **fields})
    Drill.objects.filter(pk=drill.pk).update(created_at=drill.started_at)
    return drill


@pytest.fixture
def running(pair):
    return start_drill(actor=factories.OPERATOR, application_id=pair[0].pk)


def button(answer, ident):
    """The tag with this id."""
    return re.search(rf'<[^>]*id="{ident}"[^>]*>', answer.content.decode())[0]


def test_the_dialog_names_both_servers_what_follows_and_what_it_cost_last_time(operator, pair):
    ended(pair)
    text = text_of(operator.get(reverse("pair-drill", args=[pair[1].pk]), headers=script()))
    assert "Drill MS_Primary and MS_Backup?" in text
    assert "MS_Primary hands over to MS_Backup" in text
    assert "The last one that passed took 12 s; senders waited 0.41 s and 0.38 s." in text


def test_starting_leads_to_the_page_of_the_drill(operator, pair):
    answer = operator.post(reverse("pair-drill", args=[pair[0].pk]))
    assert answer.url == reverse("drill-detail", args=[Drill.objects.get().pk])


@pytest.mark.parametrize(("change", "why"), [
    ({"status": "Stopped"}, "Start both members first"), ({"in_sync": False}, "does not stand by in sync"),
    ({"automatic_failover": False}, "Resume it first")])
def test_the_button_is_off_with_the_reason_when_the_pre_flight_would_fail_anyway(operator, change, why):
    primary, _ = factories.make_pair(**change)
    tag = button(operator.get(detail(primary)), "pair-drill")
    assert 'aria-disabled="true"' in tag
    assert why in tag


def test_support_sees_the_button_off_and_the_reports(support, pair):
    drill = ended(pair)
    assert "Ask for the role Administrator or Operator" in button(support.get(detail(pair[0])), "pair-drill")
    assert support.get(reverse("drill-detail", args=[drill.pk])).status_code == 200


def test_while_a_drill_runs_the_pair_says_so_and_its_other_verbs_are_off(operator, pair, running):
    answer = operator.get(detail(pair[0]))
    assert f"Failover drill {running.pk} is running: roles switch over and back." in text_of(answer)
    for verb in ("switchover", "pause", "drill"):
        assert f"Failover drill {running.pk} of MS_Primary and MS_Backup is running" in button(answer, f"pair-{verb}")


def test_the_pair_tells_its_last_drill(support, pair):
    assert "No drill has proven it yet." in text_of(support.get(part(pair[0], "drill")))
    ended(pair)
    text = text_of(support.get(part(pair[0], "drill")))
    assert re.search(r"Last drill: passed [0-9.]+ s ago , outage 0.41 s, no loss", text), text


def test_the_page_of_a_running_drill_keeps_itself_up_to_date(operator, running):
    DrillStep.objects.filter(drill=running, phase=DrillPhase.PREFLIGHT).update(state="done", sentence="All hold.")
    Drill.objects.update(figures=FIGURES | {"lost": None})
    answer = operator.get(reverse("drill-detail", args=[running.pk]))
    assert f'data-live-topic="drill:{running.pk}"' in answer.content.decode()
    text = text_of(answer)
    assert "The drill waits for the console worker." in text
    assert "Pre-flight All hold." in text
    assert "Lost –" in text
    live = operator.get(reverse("drill-detail", args=[running.pk]), headers=script("drill-status")).content.decode()
    assert live.startswith("\n<div") or live.startswith("<div")
    assert 'id="drill-state" role="status" hx-swap-oob' in live


def test_the_report_has_outcome_figures_and_what_was_missing(support, pair):
    drill = ended(pair, DrillState.REFUSED, sentence="The pre-flight failed.", preflight=CONDITIONS, figures={})
    answer = support.get(reverse("drill-detail", args=[drill.pk]))
    text = text_of(answer)
    assert "data-live-topic=\"drill" not in answer.content.decode()
    assert f"1 of {len(CONDITIONS)} conditions does not hold or is not known" in text
    assert "MS_Backup is Stopped. Start it." in text
    passed = text_of(support.get(reverse("drill-detail", args=[ended(pair).pk])))
    assert "Outage over 0.41 s Outage back 0.38 s Sent 240" in passed


def test_a_report_outlives_its_pair(support, pair):
    drill = ended(pair)
    pair[0].delete()
    assert "MS_Primary" in text_of(support.get(reverse("drill-detail", args=[drill.pk])))


def test_cancelling_asks_first_and_is_told_on_the_page(operator, running):
    address = reverse("drill-cancel", args=[running.pk])
    assert "Nothing has been switched over yet" in text_of(operator.get(address, headers=script()))
    assert operator.post(address).url == reverse("drill-detail", args=[running.pk])
    assert get_drill(running.pk).cancel_requested_by == "operator"
    assert "Cancelled by operator" in text_of(operator.get(reverse("drill-detail", args=[running.pk])))


def test_the_list_has_every_drill_with_outcome_and_outage(support, pair):
    ended(pair)
    ended(pair, DrillState.INTERRUPTED, sentence="Cancelled by ada.", figures={})
    text = text_of(support.get(reverse("pair-drills", args=[pair[1].pk])))
    assert "Passed 0.41 s 0.38 s 240, no loss" in text
    assert "Interrupted – – –" in text
    assert "Drills do not start by themselves." in text


def test_a_schedule_is_set_in_a_dialog_and_told_on_the_list(operator, pair):
    address = reverse("pair-drill-schedule", args=[pair[0].pk])
    assert "Every" in text_of(operator.get(address, headers=script()))
    sent = {"enabled": "on", "every_days": "7", "at": "03:00", "until": "03:00"}
    assert operator.post(address, sent).status_code == 422
    assert operator.post(address, sent | {"until": "noon"}).status_code == 422
    assert operator.post(address, sent | {"until": "05:00"}).status_code == 302
    assert DrillSchedule.objects.get().set_by == "operator"
    text = text_of(operator.get(reverse("pair-drills", args=[pair[0].pk])))
    assert "A drill starts every 7 days between 03:00 and 05:00 UTC, next on" in text
    assert "the next one starts by itself" in text_of(operator.get(detail(pair[0])))


SENT = {"enabled": "on", "every_days": "1", "at": "03:00", "until": "05:00"}


def schedule_of(pair):
    return DrillSchedule.objects.filter(primary=pair[0]).values_list("enabled", "every_days", "at").first()


def looked_at(answer):
    return {"seen": re.search(r'name="seen" value="([^"]*)"', answer.text)[1]}


@pytest.mark.parametrize("before", [None, SENT])
def test_a_schedule_that_somebody_else_saved_meanwhile_is_compared_and_not_written_over(operator, pair, before):
    address = reverse("pair-drill-schedule", args=[pair[0].pk])
    if before:
        operator.post(address, before)
    seen = looked_at(operator.get(address, headers=script()))
    off = ScheduleDraft(enabled=False, every_days=1, at=time(3), until=time(5))
    set_schedule(actor=factories.ADMINISTRATOR, application_id=pair[0].pk, draft=off)
    answer = operator.post(address, SENT | {"at": "04:00"} | seen, headers=script())
    assert answer.status_code == 409
    text = text_of(answer)
    assert text.count(f"{factories.ADMINISTRATOR.name} saved") == 1
    for words in (f"{factories.ADMINISTRATOR.name} saved this schedule of drills in the meantime",
                  "Drills start by themselves no yes", "From 03:00 UTC 04:00 UTC", "Keep mine", "Take theirs"):
        assert words in text
    assert schedule_of(pair) == (False, 1, time(3))
    # It is known now what is stored: the same once more is meant.
    assert operator.post(address, SENT | {"at": "04:00"} | looked_at(answer)).status_code == 302
    assert schedule_of(pair) == (True, 1, time(4))


@pytest.mark.parametrize("sent", [
    SENT, SENT | {"seen": "on 1 03:00:00 05:00:00"}, {**SENT, "at": "04:00", "seen": "on 7 04:00:00 05:00:00"}])
def test_a_schedule_is_saved_when_nobody_else_saved_another_one(operator, pair, sent):
    stored = ScheduleDraft(enabled=True, every_days=1, at=time.fromisoformat(sent["at"]), until=time(5))
    set_schedule(actor=factories.ADMINISTRATOR, application_id=pair[0].pk, draft=stored)
    assert operator.post(reverse("pair-drill-schedule", args=[pair[0].pk]), sent).status_code == 302
    assert DrillSchedule.objects.get().set_by == "operator"

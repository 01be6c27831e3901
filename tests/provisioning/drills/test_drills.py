"""Failover drills in the database: who may start one, what is refused, what becomes of one that nobody carries on."""

import re
from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone

from protocol.events import Own
from provisioning.drills import selectors
from provisioning.drills.services import drills
from provisioning.drills.services.drills import ScheduleDraft
from provisioning.drills.services.run import run_drill
from provisioning.drills.worker import row as rows
from provisioning.errors import NotAllowed, NotFound, Refused
from provisioning.models import Drill, DrillSchedule, Event, HistoryEntry, PairState
from provisioning.pairs.services import pairs
from provisioning.states import DrillPhase, DrillState
from provisioning.verbs.services import jobs
from tests import factories
from tests.factories import ADMINISTRATOR, OPERATOR, SUPPORT

pytestmark = pytest.mark.django_db


@pytest.fixture
def drill(pair):
    return drills.start_drill(actor=OPERATOR, application_id=pair[0].pk)


def age(drill, **seconds):
    Drill.objects.filter(pk=drill.pk).update(**{
        name: timezone.now() - timedelta(seconds=value) for name, value in seconds.items()})
    drill.refresh_from_db()


def test_an_operator_starts_a_drill_from_either_member(pair):
    drill = drills.start_drill(actor=OPERATOR, application_id=pair[1].pk)
    assert (drill.primary, drill.backup_name, drill.asked_by) == (pair[0], "MS_Backup", "otto")
    assert [step.phase for step in drill.steps.all()] == list(DrillPhase)
    assert f"Failover drill {drill.pk} was started." in HistoryEntry.objects.latest("pk").reason


@pytest.mark.parametrize("ask", [
    lambda pk: drills.start_drill(actor=SUPPORT, application_id=pk),
    lambda pk: drills.cancel_drill(actor=SUPPORT, drill_id=1),
    lambda pk: drills.set_schedule(actor=SUPPORT, application_id=pk, draft=draft())])
def test_support_only_looks_at_drills(pair, ask):
    with pytest.raises(NotAllowed, match="failover drills"):
        ask(pair[0].pk)


def test_a_single_server_has_no_drill():
    with pytest.raises(Refused, match="no member of a pair"):
        drills.start_drill(actor=OPERATOR, application_id=factories.make_application().pk)


def test_the_console_runs_one_drill_at_a_time(drill):
    with pytest.raises(Refused, match=f"Failover drill {drill.pk} of MS_Primary and MS_Backup is running"):
        drills.start_drill(actor=ADMINISTRATOR, application_id=drill.primary_id)


def test_a_drill_does_not_begin_while_a_job_works_on_a_member(pair):
    factories.make_job(pair[1], kind="restart", state="running")
    with pytest.raises(Refused, match=re.escape("Restart of MS_Backup is running (running).")):
        drills.start_drill(actor=OPERATOR, application_id=pair[0].pk)


@pytest.mark.parametrize("ask", [
    lambda pair: pairs.switch_over(actor=ADMINISTRATOR, application_id=pair[0].pk),
    lambda pair: pairs.pause_failover(actor=ADMINISTRATOR, application_id=pair[0].pk, reason="x"),
    lambda pair: pairs.resume_failover(actor=ADMINISTRATOR, application_id=pair[1].pk),
    lambda pair: pairs.promote(actor=ADMINISTRATOR, application_id=pair[0].pk, accept_data_loss="MS_Primary"),
    lambda pair: jobs.stop_application(actor=ADMINISTRATOR, application_id=pair[0].pk),
    lambda pair: jobs.start_application(actor=ADMINISTRATOR, application_id=pair[1].pk),
    lambda pair: jobs.install_application(actor=ADMINISTRATOR, application_id=pair[1].pk)])
def test_meanwhile_nobody_else_touches_the_pair(pair, drill, ask):
    with pytest.raises(Refused, match=f"Failover drill {drill.pk} of MS_Primary and MS_Backup is running") as refused:
        ask(pair)
    assert refused.value.refusals[0].links[0].kind == "drill"


def test_another_pair_goes_its_way_meanwhile(drill):
    other = factories.make_application("other", host=factories.make_host(), installed=True, status="Started")
    assert jobs.stop_application(actor=OPERATOR, application_id=other.pk).kind == "stop"


@pytest.mark.parametrize("limit", [2, 601])
def test_a_limit_out_of_bounds_is_refused(pair, limit):
    with pytest.raises(Refused, match="between 3 and 600"):
        drills.start_drill(actor=OPERATOR, application_id=pair[0].pk, limit_s=limit)


# --- its end


@pytest.mark.usefixtures("no_broker")
def test_what_the_broker_does_not_take_is_refused_and_says_so(pair, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        drill = drills.start_drill(actor=OPERATOR, application_id=pair[0].pk)
    drill.refresh_from_db()
    assert drill.state == DrillState.REFUSED
    assert "nothing was done" in drill.sentence


def test_a_drill_without_control_is_refused_before_anything_is_switched(drill, no_control):
    run_drill(drill_id=drill.pk)
    drill.refresh_from_db()
    assert drill.state == DrillState.REFUSED
    assert "did not answer" in drill.sentence
    assert drill.sentence.endswith("No switchover was made.")
    assert [step.state for step in drill.steps.all()] == ["failed"] + ["skipped"] * 7
    assert {row["code"] for row in drill.preflight if row["state"] != "ok"} >= {"control", "proof"}
    assert drill.served_before == drill.serves_now == "MS_Primary"


def test_a_drill_whose_pair_is_none_any_more_switches_nothing(pair, drill):
    pair[0].backup_server = None
    pair[0].save()
    run_drill(drill_id=drill.pk)
    drill.refresh_from_db()
    assert drill.state == DrillState.REFUSED
    assert "is no member of a pair" in drill.sentence


def test_a_drill_that_was_cancelled_before_it_began_switches_nothing(drill):
    drills.cancel_drill(actor=ADMINISTRATOR, drill_id=drill.pk)
    with pytest.raises(Refused, match="cancelled already"):
        drills.cancel_drill(actor=ADMINISTRATOR, drill_id=drill.pk)
    run_drill(drill_id=drill.pk)
    drill.refresh_from_db()
    assert (drill.state, drill.sentence) == ("interrupted", "Cancelled by ada. No switchover was made.")
    with pytest.raises(Refused, match="has ended already"):
        drills.cancel_drill(actor=ADMINISTRATOR, drill_id=drill.pk)


def test_a_drill_that_is_delivered_again_is_not_run_again(drill):
    assert rows.claim(drill.pk)
    run_drill(drill_id=drill.pk)
    drill.refresh_from_db()
    assert drill.is_running
    assert not drill.preflight


def test_a_drill_that_no_worker_takes_is_refused(drill):
    assert rows.reap() == 0
    age(drill, created_at=61)
    assert rows.reap() == 1
    drill.refresh_from_db()
    assert drill.state == DrillState.REFUSED


@pytest.mark.parametrize(("serves", "words", "advice"), [
    ("MS_Primary", "MS_Primary serves as before.", ""),
    ("MS_Backup", "MS_Backup serves now; before the drill MS_Primary did.", "Switch Over")])
def test_a_drill_whose_worker_ended_says_who_serves_now_and_whether_to_switch_back(pair, drill, serves, words, advice):
    rows.claim(drill.pk)
    rows.note(drill, served_before="MS_Primary", figures={"sent": 30, "acknowledged": 30, "delivered": 30, "lost": 0})
    rows.step(drill, DrillPhase.OVER, "running")
    PairState.objects.update(active=next(row for row in pair if row.name == serves))
    assert rows.reap() == 0
    age(drill, heard_at=46)
    assert rows.reap() == 1
    drill.refresh_from_db()
    assert (drill.state, drill.serves_now, drill.figures["lost"]) == ("interrupted", serves, None)
    assert 'ended during "Switch over".' in drill.sentence
    assert words in drill.sentence
    assert advice in drill.advice
    with pytest.raises(rows.Ended):
        rows.note(drill, served_before="somebody")
    assert not rows.finish(drill, DrillState.PASSED, "All well.")


@pytest.mark.parametrize(("state", "told"), [
    (DrillState.PASSED, [Own.DRILL_PASSED]), (DrillState.FAILED, [Own.DRILL_FAILED]), (DrillState.REFUSED, []),
    (DrillState.INTERRUPTED, [])])
def test_its_end_stands_in_the_timeline_of_the_primary(drill, state, told):
    rows.finish(drill, state, "So it ended.")
    found = Event.objects.filter(application=drill.primary)
    assert [event.number for event in found] == told
    assert all(event.text == f"Failover drill {drill.pk}: So it ended." for event in found)


def test_the_last_drill_of_each_pair_is_told_in_one_query(pair, django_assert_num_queries):
    def ended(state):
        return Drill.objects.create(primary=pair[0], primary_name="MS_Primary", backup_name="MS_Backup", state=state,
                                    asked_by="ada")

    ended(DrillState.PASSED)
    failed = ended(DrillState.FAILED)
    ended(DrillState.REFUSED)
    ended(DrillState.RUNNING)
    with django_assert_num_queries(1):
        assert selectors.last_drills() == {pair[0].pk: failed}
    assert selectors.last_drills([pair[1].pk]) == {}
    assert selectors.last_passed(pair[0].pk).state == DrillState.PASSED
    with pytest.raises(NotFound):
        selectors.get_drill(0)


# --- schedules


def draft(**changes):
    return ScheduleDraft(**{"enabled": True, "every_days": 7, "at": time(3), "until": time(5), **changes})


@pytest.fixture
def schedule(pair):
    made = drills.set_schedule(actor=ADMINISTRATOR, application_id=pair[1].pk, draft=draft())
    DrillSchedule.objects.update(set_at=datetime(2026, 11, 1, tzinfo=UTC))
    made.refresh_from_db()
    return made


NIGHT = datetime(2026, 11, 2, 3, 10, tzinfo=UTC)


def test_a_schedule_starts_a_drill_within_its_window_once(schedule):
    assert drills.start_due(now=NIGHT - timedelta(hours=1)) is None
    drill = drills.start_due(now=NIGHT)
    assert (drill.primary_id, drill.scheduled, drill.asked_by) == (schedule.pk, True, "schedule of ada")
    rows.finish(drill, DrillState.REFUSED, "No.")
    assert drills.start_due(now=NIGHT + timedelta(minutes=5)) is None
    assert drills.start_due(now=NIGHT + timedelta(days=7))


def test_what_stood_in_the_way_of_a_scheduled_drill_is_told_and_it_is_tried_again(pair, schedule):
    job = factories.make_job(pair[0], kind="restart", state="running")
    assert drills.start_due(now=NIGHT) is None
    schedule.refresh_from_db()
    assert "Restart of MS_Primary is running" in schedule.note
    job.delete()
    assert drills.start_due(now=NIGHT + timedelta(minutes=1))
    schedule.refresh_from_db()
    assert schedule.note == ""


def test_a_scheduled_drill_waits_for_the_one_that_runs(schedule, drill):
    assert drills.start_due(now=NIGHT) is None


@pytest.mark.parametrize(("changes", "field"), [({"every_days": 0}, "every_days"), ({"until": time(3)}, "until")])
def test_a_schedule_that_makes_no_sense_is_refused(pair, changes, field):
    with pytest.raises(Refused) as refused:
        drills.set_schedule(actor=ADMINISTRATOR, application_id=pair[0].pk, draft=draft(**changes))
    assert refused.value.refusals[0].field == field


def test_who_set_a_schedule_is_in_the_history(schedule):
    assert HistoryEntry.objects.latest("pk").reason == (
        "A failover drill starts every 7 days between 03:00 and 05:00 UTC.")

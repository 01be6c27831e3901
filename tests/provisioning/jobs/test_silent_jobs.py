"""Nothing is running for ever: jobs that nobody takes or reports any more."""

import logging
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from provisioning import tasks
from provisioning.jobs.worker import reaper, reports
from provisioning.jobs.worker.dispatch import NOT_HANDED_OVER
from provisioning.models import ComponentHeartbeat, Job, JobReport
from provisioning.states import JobState

from .host_reports import lines, report, step_states

pytestmark = pytest.mark.django_db


def aged(job, **seconds):
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(**{name: now - timedelta(seconds=s) for name, s in seconds.items()})


def state_of(job):
    return Job.objects.get(pk=job.pk).state


@pytest.mark.parametrize("state", ["claimed", "running"])
def test_silent_job_is_lost_and_says_what_is_unknown(job, state, settings):
    Job.objects.update(state=state)
    aged(job, heard_at=settings.JOB_LOST_AFTER_S - 5)
    assert reaper.reap() == 0
    aged(job, heard_at=settings.JOB_LOST_AFTER_S + 5)
    assert reaper.reap() == 1
    lost = Job.objects.get(pk=job.pk)
    assert (lost.state, lost.finished_at is not None) == ("lost", True)
    assert "Host alpha has not reported for 35 s. It is not known whether the server runs" in lost.reason
    assert "Retry" in lost.advice
    assert step_states(lost) == ["skipped", "skipped"]


def test_alive_reports_keep_a_job(job):
    Job.objects.update(state="running")
    aged(job, heard_at=60)
    report(job, 1, "alive")
    assert reaper.reap() == 0


def test_host_that_speaks_again_knows_better_than_the_reaper(job):
    Job.objects.update(state="lost")
    assert report(job, 1, "alive").state == "lost"
    assert report(job, 2, "finished", state="succeeded", result={}).state == "succeeded"


def test_end_of_a_lost_job_counts_even_when_reports_before_it_are_missing(job):
    Job.objects.update(state="lost")
    assert report(job, 7, "finished", state="failed", reason="It ended.").state == "failed"


def test_job_that_no_worker_takes_is_lost(job, settings):
    aged(job, enqueued_at=settings.JOB_UNCLAIMED_AFTER_S - 5)
    assert reaper.reap() == 0
    aged(job, enqueued_at=settings.JOB_UNCLAIMED_AFTER_S + 5)
    assert reaper.reap() == 1
    assert Job.objects.get(pk=job.pk).reason.startswith("No worker of host alpha took the job within 15 minutes.")


@pytest.fixture
def handed(monkeypatch, django_capture_on_commit_callbacks):
    """``handed()`` reaps and returns the verbs that the broker was asked."""
    asked = []
    for verb in ("hand_over", "hand_over_again", "revoke"):
        monkeypatch.setattr(reaper.dispatch, verb, lambda job, verb=verb, **_: asked.append(verb))

    def reap():
        asked.clear()
        with django_capture_on_commit_callbacks(execute=True):
            reaper.reap()
        return asked

    return reap


def test_job_that_the_broker_did_not_get_is_handed_over_by_itself(job, handed):
    Job.objects.update(enqueued_at=None, reason=NOT_HANDED_OVER)
    assert handed() == ["hand_over"]
    assert state_of(job) == "queued"


def test_job_whose_console_died_before_it_handed_it_over_is_handed_over(job, handed):
    Job.objects.update(enqueued_at=None)
    assert handed() == []
    aged(job, created_at=reaper.NOT_SENT_AFTER_S + 1)
    assert handed() == ["hand_over"]


def test_job_that_the_broker_did_not_get_for_too_long_is_lost_and_not_run_out_of_the_blue(job, handed, settings):
    Job.objects.update(enqueued_at=None, reason=NOT_HANDED_OVER)
    aged(job, created_at=settings.JOB_UNCLAIMED_AFTER_S + 1)
    assert handed() == []
    lost = Job.objects.get(pk=job.pk)
    assert (lost.state, lost.reason) == ("lost", "The broker could not be reached for 15 minutes after the job was "
                                                 "asked for, so no host has seen it. Nothing was done.")


@pytest.mark.parametrize(("waits_s", "asked"), [(8, []), (11, ["hand_over_again"]), (16, []),
                                                (62, ["hand_over_again"])])
def test_job_that_no_host_takes_is_looked_for_in_the_broker_now_and_then(job, handed, waits_s, asked):
    aged(job, enqueued_at=waits_s)
    assert handed() == asked


@pytest.mark.parametrize(("silent_s", "asked"), [(8, []), (11, ["hand_over_again"]), (16, []),
                                                 (22, ["hand_over_again"])])
def test_host_that_says_nothing_of_a_job_is_asked_for_its_end_which_a_broker_may_have_lost(
        job, handed, silent_s, asked):
    Job.objects.update(state="running")
    aged(job, heard_at=silent_s)
    assert handed() == asked


def test_silence_while_the_console_was_away_is_not_held_against_hosts(job, settings):
    Job.objects.update(state="running")
    reaper.reap(timezone.now() - timedelta(minutes=20))
    aged(job, heard_at=20 * 60)
    assert reaper.reap() == 0
    for after_s, lost in ((10, 0), (20, 0), (settings.JOB_LOST_AFTER_S + 1, 1)):
        assert reaper.reap(timezone.now() + timedelta(seconds=after_s)) == lost


def test_job_that_a_host_may_have_taken_while_the_console_was_away_is_not_lost_at_once(job, settings, handed):
    reaper.reap(timezone.now() - timedelta(minutes=20))
    aged(job, enqueued_at=settings.JOB_UNCLAIMED_AFTER_S + 1)
    handed()
    assert state_of(job) == "queued"
    for after_s in (10, 20, settings.JOB_LOST_AFTER_S + 1):
        reaper.reap(timezone.now() + timedelta(seconds=after_s))
    assert state_of(job) == "lost"


def test_host_that_does_not_end_a_cancelled_job_loses_it(job):
    Job.objects.update(state="running", heard_at=timezone.now())
    aged(job, cancel_requested_at=reaper.CANCEL_ANSWER_S + 1)
    assert reaper.reap() == 1
    assert "was asked to end the job and did not" in Job.objects.get(pk=job.pk).reason


def test_gap_in_the_reports_is_given_up_after_a_while(job, settings):
    Job.objects.update(state="running")
    report(job, 3, "finished", state="succeeded", result={})
    assert reaper.reap() == 0
    waiting = JobReport.objects.get()
    waiting.body["received"] -= settings.JOB_LOST_AFTER_S + 1
    waiting.save()
    reaper.reap()
    assert state_of(job) == "succeeded"
    assert lines(job) == [(1, "Report 1 to 2 of the host never arrived; the log has a gap.")]


def test_job_of_a_deleted_host_is_lost(job):
    Job.objects.update(host=None)
    assert reaper.reap() == 1


def test_waiting_reports_of_ended_jobs_are_removed(job):
    JobReport.objects.create(job=job, seq=9, body={"received": 0})
    Job.objects.update(state="failed")
    reaper.reap()
    assert not JobReport.objects.exists()


def test_heartbeat_stands_for_worker_and_beat():
    tasks.heartbeat()
    tasks.heartbeat()
    assert set(ComponentHeartbeat.objects.values_list("name", flat=True)) == {"console-worker", "beat"}
    assert (timezone.now() - ComponentHeartbeat.objects.get(name="beat").at).total_seconds() < 5


def test_a_heartbeat_that_the_database_does_not_take_is_a_line_and_no_trace(monkeypatch, caplog):
    def away(*_, **__):
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(ComponentHeartbeat, "show", away)
    with caplog.at_level(logging.INFO, logger="provisioning.tasks"):
        tasks.heartbeat()
    [record] = caplog.records
    assert (record.getMessage(), record.exc_info) == (
        "the console worker shows no sign of life: disk I/O error", None)


def test_cancelled_job_that_a_host_took_all_the_same_is_ended_there(job, monkeypatch,
                                                                    django_capture_on_commit_callbacks):
    asked = []
    monkeypatch.setattr(reports.dispatch, "revoke", lambda key, *, terminate: asked.append((key, terminate)))
    Job.objects.update(state=JobState.CANCELLED)
    with django_capture_on_commit_callbacks(execute=True):
        report(job, 1, "claimed", worker="w")
    assert asked == [(job, True)]

"""A job has ended for people once control says what it was asked for; its last report comes a moment later."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from protocol.jobs import sign_report
from provisioning.applications.selectors.applications import application_draft, get_application
from provisioning.applications.services import applications
from provisioning.drills.worker import row as drill_rows
from provisioning.errors import Refused
from provisioning.fleet.services import batches
from provisioning.jobs.kinds import KINDS
from provisioning.jobs.selectors.readiness import why_not
from provisioning.jobs.worker.reports import record_report
from provisioning.models import Application, Job, RuntimeStatus
from provisioning.pairs.selectors.page import pair_facts
from provisioning.pairs.selectors.pairs import get_pair
from provisioning.states import JobKind
from provisioning.verbs.services import jobs, last_reports
from tests.factories import ADMINISTRATOR, OPERATOR, make_application, make_host, make_job, make_pair, make_runtime

NOW = timezone.now()
BEFORE, AFTER = NOW - timedelta(minutes=1), NOW + timedelta(seconds=1)


@pytest.mark.parametrize(("kind", "status", "started_at", "done"), [
    ("start", "Started", AFTER, True), ("start", "Initializing", None, False),
    ("start", "Service Unavailable", None, False), ("start", "Stopped", None, False),
    ("start", "Initializing", AFTER, True), ("start", "Unknown", AFTER, True), ("start", "Initializing", BEFORE, False),
    ("restart", "Unknown", AFTER, True), ("restart", "Service Unavailable", BEFORE, False),
    ("stop", "Stopped", None, True), ("stop", "Gave Up", None, True), ("stop", "Stop Pending", None, False),
    ("stop", "Unknown", None, False),
    ("restart", "Started", AFTER, True), ("restart", "Started", BEFORE, False), ("restart", "Stopped", None, False),
    ("restart", "Started", None, False),
    ("install", "Started", AFTER, False), ("collect_facts", "Stopped", None, False),
])
def test_when_only_the_last_report_is_missing(kind, status, started_at, done):
    assert KINDS[kind].is_done(NOW, status, started_at) is done


def running(row, kind):
    """The job at work; the row's word of control follows it."""
    return make_job(row, kind=kind, state="running")


def says(row, status, **fields):
    fields = {"changed_at": timezone.now(), "started_at": timezone.now() if status == "Started" else None, **fields}
    RuntimeStatus.objects.update_or_create(application=row, defaults={"status": status, **fields})


def last_report(job):
    body = {"job": str(job.pk), "host": job.host.name, "seq": job.last_seq + 1, "at": time.time(), "kind": "finished",
            "state": "succeeded", "result": {}}
    record_report(body, sign_report(job.host.secret, body))


class Clock:
    """Time goes on only while somebody waits; what is to happen meanwhile happens during the first pause."""

    def __init__(self, meanwhile=lambda: None):
        self.now, self.pauses, self._meanwhile = 0.0, 0, meanwhile

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        self.pauses += 1
        if self.pauses == 1:
            self._meanwhile()


@pytest.fixture
def waits(monkeypatch):
    def waits(meanwhile=lambda: None):
        clock = Clock(meanwhile)
        monkeypatch.setattr(last_reports, "time", clock)
        return clock
    return waits


@pytest.fixture
def row(db, no_broker, no_control):
    return make_application("MS", host=make_host("alpha"), installed=True)


VERBS = {
    "start": lambda row: jobs.start_application(actor=OPERATOR, application_id=row.pk),
    "stop": lambda row: jobs.stop_application(actor=OPERATOR, application_id=row.pk),
    "restart": lambda row: jobs.restart_application(actor=OPERATOR, application_id=row.pk),
    "check start files": lambda row: jobs.check_start_files(actor=OPERATOR, application_id=row.pk),
}
NEXT = [("start", "Started", "stop"), ("start", "Started", "restart"), ("restart", "Started", "stop"),
        ("stop", "Stopped", "start"), ("stop", "Gave Up", "start"), ("stop", "Stopped", "check start files")]


@pytest.mark.parametrize(("kind", "status", "verb"), NEXT)
def test_the_next_verb_waits_for_the_last_report_instead_of_refusing(row, waits, kind, status, verb):
    job = running(row, kind)
    says(row, status)
    clock = waits(lambda: last_report(job))
    new = VERBS[verb](row)
    job.refresh_from_db()
    assert (job.state, new.state, clock.pauses) == ("succeeded", "queued", 1)


@pytest.mark.parametrize(("kind", "status", "verb"), NEXT)
def test_the_buttons_of_the_next_verb_are_on_meanwhile(row, kind, status, verb):
    running(row, kind)
    says(row, status)
    shown = get_application(row.pk)
    said = why_not([shown], [verb.replace(" ", "_"), "delete"])[row.pk]
    assert set(said) == ({"delete"} if status == "Started" else set())


def test_a_report_that_does_not_come_is_waited_for_a_moment_only(row, waits):
    running(row, "start")
    says(row, "Started")
    clock = waits()
    with pytest.raises(Refused, match="Start MS has done its work, but its last report has not arrived yet"):
        VERBS["stop"](row)
    assert last_reports.PATIENCE_S <= clock.now < last_reports.PATIENCE_S + 1
    assert Job.objects.count() == 1


@pytest.mark.parametrize(("kind", "status"), [("start", "Initializing"), ("stop", "Stop Pending"),
                                              ("install", "Stopped"), ("restart", "Stopped")])
def test_a_job_at_work_is_not_waited_for(row, waits, kind, status):
    running(row, kind)
    says(row, status)
    clock = waits()
    with pytest.raises(Refused, match="Another job works on MS"):
        VERBS["check start files"](row)
    assert clock.pauses == 0


def test_a_restart_of_which_the_former_server_still_is_started_is_at_work(row, waits):
    says(row, "Started", started_at=timezone.now() - timedelta(hours=1))
    running(row, "restart")
    clock = waits()
    with pytest.raises(Refused, match="Another job works on MS"):
        VERBS["stop"](row)
    assert clock.pauses == 0


def test_of_two_who_waited_one_gets_the_next_job(row, waits):
    job = running(row, "start")
    says(row, "Started")

    def meanwhile():
        last_report(job)
        # Somebody else who waited was faster.
        make_job(row, kind=JobKind.CHECK_START_FILES)

    waits(meanwhile)
    with pytest.raises(Refused, match="Another job works on MS: Check start files, queued"):
        VERBS["stop"](row)


def test_many_are_waited_for_together(db, no_broker, waits):
    rows = [make_application(f"MS{n}", host=make_host(), installed=True) for n in range(4)]
    for each in rows:
        running(each, "start")
        says(each, "Started")
    last = list(Job.objects.all()[:3])
    clock = waits(lambda: [last_report(job) for job in last])
    asked = batches.stop_applications(actor=OPERATOR, application_ids=[each.pk for each in rows])
    assert (len(asked.jobs), len(asked.refusals)) == (3, 1)
    assert clock.now < last_reports.PATIENCE_S + 1


# --- what does not make a job does not wait


def test_what_is_stopped_can_be_changed_and_deleted_before_the_last_report(row):
    running(row, "stop")
    says(row, "Stopped")
    fresh = Application.objects.get(pk=row.pk)
    applications.update_application(actor=ADMINISTRATOR, application_id=row.pk, revision=fresh.revision,
                                    draft=replace(application_draft(fresh), name="Other"))
    assert Application.objects.get(pk=row.pk).name == "Other"
    assert applications.delete_applications(actor=ADMINISTRATOR, application_ids=[row.pk]) == 1
    last_report(Job.objects.get())
    assert Job.objects.get().state == "succeeded"


def test_a_pair_whose_start_is_done_can_be_drilled_and_started(db):
    primary, backup = make_pair(status="Started")
    running(primary, "start")
    assert list(drill_rows.jobs_on(get_pair(primary.pk))) == []
    assert pair_facts(primary.pk).primary.job is None
    RuntimeStatus.objects.filter(application=backup).delete()
    make_runtime(backup, status="Initializing")
    running(backup, "start")
    assert len(list(drill_rows.jobs_on(get_pair(primary.pk)))) == 1
    assert pair_facts(primary.pk).backup.job.name == "Start MS_Backup"

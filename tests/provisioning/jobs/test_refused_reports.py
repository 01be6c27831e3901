"""Reports that are not believed, that make no sense, or that meet an error of the console or its database."""

import contextlib
import sqlite3
import time
import uuid

import psycopg
import pytest
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, InternalError, OperationalError

from protocol.jobs import sign_report
from provisioning import tasks
from provisioning.jobs.worker import reports
from provisioning.jobs.worker.reports import ReportRefused, record_report
from provisioning.models import Event, Job, JobReport
from tests.factories import make_host

from .host_reports import lines, report

pytestmark = pytest.mark.django_db


@pytest.fixture
def failing(monkeypatch):
    """The console meets an error of its own with what a host says of steps, and with the end of a job."""
    def fail(*args, **kwargs):
        raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")

    monkeypatch.setattr(reports.outcome, "finish", fail)
    monkeypatch.setattr(reports, "_steps", fail)


def test_a_last_report_that_leads_to_an_error_ends_its_job_with_a_sentence_and_is_not_asked_for_again(job, failing):
    ended = report(job, 1, "finished", state="succeeded", result={})
    assert (ended.state, ended.last_seq) == ("error", 1)
    assert ended.reason == ("The host ended its work on the start of MS. Report 1 of the host could not be recorded: "
                            "it led to the error UnicodeEncodeError.")
    assert "log of the console worker" in ended.advice
    assert lines(ended) == [(1, "Report 1 of the host could not be recorded: it led to the error UnicodeEncodeError.")]
    assert Event.objects.filter(host=job.host, text__contains="led to the error UnicodeEncodeError").count() == 1


def test_a_report_in_between_that_leads_to_an_error_is_told_of_and_the_job_goes_on(job, failing):
    assert report(job, 1, "claimed", worker="w").state == "claimed"
    going_on = report(job, 2, "step", number=0, state="running", at=time.time())
    assert (going_on.state, going_on.last_seq) == ("claimed", 2)
    report(job, 3, "log", lines=[[time.time(), "info", "It goes on."]])
    assert [text[:30] for _, text in lines(job)] == ["Report 2 of the host could not", "It goes on."]


def test_reports_that_waited_and_lead_to_an_error_hold_up_nothing(job, failing):
    report(job, 3, "finished", state="succeeded", result={})
    report(job, 2, "step", number=0, state="running", at=time.time())
    assert report(job, 1, "claimed", worker="w").state == "error"
    assert not JobReport.objects.exists()


# --- who may report


def test_wrong_signature_is_refused(job):
    body = {"job": str(job.pk), "host": "alpha", "seq": 1, "at": 0, "kind": "claimed"}
    for signature in ("", "0" * 64, sign_report("another secret", body), None):
        with pytest.raises(ReportRefused, match=r"not signed|no report"):
            record_report(body, signature)
    with pytest.raises(ReportRefused):
        record_report({**body, "seq": 2}, sign_report(job.host.secret, body))
    assert Job.objects.get(pk=job.pk).state == "queued"


def test_a_host_does_not_report_on_the_jobs_of_another(job):
    other = make_host("beta")
    body = {"job": str(job.pk), "host": "beta", "seq": 1, "at": 0, "kind": "claimed"}
    with pytest.raises(ReportRefused, match="Host beta has no job"):
        record_report(body, sign_report(other.secret, body))


@pytest.mark.parametrize("change", [
    {"job": "x"}, {"job": None}, {"job": str(uuid.uuid4())}, {"seq": 0}, {"seq": "1"}, {"seq": True}, {"seq": 10**9}])
def test_report_that_names_nothing_is_refused(job, change):
    body = {"job": str(job.pk), "host": "alpha", "seq": 1, "at": 0, "kind": "claimed", **change}
    with pytest.raises(ReportRefused):
        record_report(body, sign_report(job.host.secret, body))


@pytest.mark.parametrize("body", [None, [], "x", {}, {"host": 1}])
def test_what_is_no_report_is_refused(body):
    with pytest.raises(ReportRefused):
        record_report(body, "x")


def test_the_task_logs_what_was_refused_and_goes_on(caplog):
    tasks.record_report({"host": "nobody"}, "x")
    assert "not signed with the secret of host 'nobody'" in caplog.text


def _as_django_raises(kind, cause):
    error = kind(str(cause))
    error.__cause__ = cause
    return error


def _malformed():
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        try:
            database.deserialize(b"This is no database at all." * 99)
            database.execute("SELECT * FROM sqlite_master")
        except sqlite3.DatabaseError as error:
            return _as_django_raises(DatabaseError, error)


@pytest.mark.parametrize(("error", "calls"), [
    (_malformed(), 2),
    (_as_django_raises(InterfaceError, psycopg.InterfaceError("the connection is closed")), 2),
    (_as_django_raises(InternalError, psycopg.errors.DataCorrupted("invalid page in block 7")), 2),
    (OperationalError("no such table: provisioning_job"), 2),
    (_as_django_raises(IntegrityError, psycopg.errors.UniqueViolation("duplicate key")), 1),
    (_as_django_raises(DataError, psycopg.errors.NumericValueOutOfRange("out of range")), 1),
    (ValueError("a fault of the console"), 1),
], ids=lambda each: type(each).__name__)
def test_a_report_is_recorded_later_when_the_database_is_in_trouble_and_only_then(monkeypatch, error, calls):
    asked = []

    def record_report(report, signature):
        asked.append(report)
        if len(asked) == 1:
            raise error

    monkeypatch.setattr(reports, "record_report", record_report)
    tasks.record_report.apply(({"seq": 7}, "x"))
    assert asked == [{"seq": 7}] * calls

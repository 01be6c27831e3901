"""What hosts report about jobs: verified, in order, each once; and what the end of a job does."""

import contextlib
import json
import sqlite3
import time
import uuid
from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, InternalError, OperationalError
from django.utils import timezone

from hostagent.jobs.reporter import LINE_LIMIT, LINES_PER_REPORT
from protocol.jobs import sign_report
from protocol.said import TEXT_MAX
from provisioning import tasks
from provisioning.core import control_client
from provisioning.jobs.worker import reaper, reports
from provisioning.jobs.worker.dispatch import NOT_HANDED_OVER
from provisioning.jobs.worker.reports import MAX_LINES, MAX_WAITING, ReportRefused, record_report
from provisioning.models import Application, ComponentHeartbeat, Event, HistoryEntry, Host, Job, JobLine, JobReport
from provisioning.states import JOB_TRANSITIONS, JobState
from tests.factories import asked_to_install, make_application, make_host, make_job

pytestmark = pytest.mark.django_db

INSTALLED = {"working_directory": "/srv/pairwise/MS", "command_line": "./MessageServer",
             "command_line_arguments": "-host 127.0.0.1 -port 2020 -app MS", "version": "8.5.100.02", "backup": "",
             "facts": {"python": "3.11"}}


@pytest.fixture
def job():
    return make_job(make_application("MS", host=make_host("alpha")), enqueued_at=timezone.now())


@pytest.fixture
def install_job():
    return make_job(make_application("MS", host=make_host("alpha")), kind="install", steps=6)


def report(job, seq, kind, **fields):
    body = {"job": str(job.pk), "host": job.host_name, "seq": seq, "at": time.time(), "kind": kind, **fields}
    record_report(body, sign_report(job.host.secret, body))
    return Job.objects.get(pk=job.pk)


def step_states(job):
    return list(job.steps.values_list("state", flat=True))


def lines(job):
    return list(job.lines.values_list("number", "text"))


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


# --- the way of a job


def test_job_goes_from_claimed_over_its_steps_to_succeeded(job):
    claimed = report(job, 1, "claimed", worker="worker@alpha")
    assert (claimed.state, claimed.worker) == ("claimed", "worker@alpha")
    assert report(job, 2, "step", number=0, state="running").state == "running"
    report(job, 3, "log", lines=[[time.time(), "info", "Starting."], [time.time(), "odd", "Started."]])
    report(job, 4, "step", number=0, state="done")
    report(job, 5, "step", number=1, state="running")
    done = report(job, 6, "finished", state="succeeded", reason="", advice="", reference="",
                  result={"pid": 4711, "mode": "Primary"})
    assert (done.state, done.result, done.last_seq) == ("succeeded", {"pid": 4711, "mode": "Primary"}, 6)
    assert step_states(done) == ["done", "done"]
    assert lines(done) == [(1, "Starting."), (2, "Started.")]
    assert done.started_at <= done.finished_at


def test_job_that_a_host_took_is_not_said_to_be_stuck(job):
    Job.objects.update(enqueued_at=None, reason=NOT_HANDED_OVER, advice="x")
    claimed = report(job, 1, "claimed", worker="w")
    assert (claimed.state, claimed.reason, claimed.advice) == ("claimed", "", "")


def test_failed_job_says_why_and_what_to_do(job):
    report(job, 1, "step", number=0, state="running")
    done = report(job, 2, "finished", state="failed", reason="It ended.", advice="Look.", reference="ab12", result={})
    assert (done.state, done.reason, done.advice, done.reference) == ("failed", "It ended.", "Look.", "ab12")
    assert step_states(done) == ["failed", "skipped"]


def test_report_that_comes_twice_counts_once(job):
    for _ in range(2):
        report(job, 1, "log", lines=[[time.time(), "info", "once"]])
    assert lines(job) == [(1, "once")]


def test_reports_that_overtake_each_other_are_applied_in_order(job):
    report(job, 3, "log", lines=[[0, "info", "third"]])
    report(job, 4, "finished", state="succeeded", result={})
    assert report(job, 2, "log", lines=[[0, "info", "second"]]).state == "queued"
    done = report(job, 1, "claimed", worker="w")
    assert (done.state, done.last_seq) == ("succeeded", 4)
    assert lines(job) == [(1, "second"), (2, "third")]
    assert not JobReport.objects.exists()


def test_too_many_waiting_reports_give_the_missing_one_up(job):
    for seq in range(2, MAX_WAITING + 3):
        body = {"job": str(job.pk), "host": "alpha", "seq": seq, "at": 0, "kind": "alive", "received": 0}
        JobReport.objects.create(job=job, seq=seq, body=body)
    report(job, MAX_WAITING + 3, "alive")
    assert Job.objects.get(pk=job.pk).last_seq == MAX_WAITING + 3
    assert lines(job) == [(1, "Report 1 of the host never arrived; the log has a gap.")]


def large(length):
    """Log lines that have ``length`` bytes, or a few more, as JSON."""
    around = len('[0, "info", ""], ')
    texts = [min(TEXT_MAX, left) - around for left in range(length, around, -TEXT_MAX)]
    return {"lines": [[0, "info", "x" * text] for text in texts]}


def test_of_reports_that_wait_no_more_is_kept_than_some_megabytes(job):
    each = reports.SAID_MEANWHILE_BYTES_MAX - 1000
    for seq in (2, 3):
        report(job, seq, "log", **large(each))
    for seq in (4, 5):
        with pytest.raises(ReportRefused, match="may hold 4 MB together"):
            report(job, seq, "log", **large(each))
    assert each * 2 < reports.waiting_bytes(job) <= reports.WAITING_BYTES_MAX
    assert report(job, 1, "claimed", worker="w").last_seq == 3
    assert not JobReport.objects.exists()


def test_the_end_of_a_job_is_recorded_however_large_it_and_what_waits_is(job):
    report(job, 3, "log", **large(reports.SAID_MEANWHILE_BYTES_MAX - 1000))
    ended = report(job, 9, "finished", state="succeeded", result={"facts": ["x" * TEXT_MAX] * 220})
    assert (ended.state, ended.last_seq) == ("succeeded", 9)
    assert lines(job) == [(1, "Report 1 to 8 of the host never arrived; the log has a gap.")]
    assert not JobReport.objects.exists()


def test_what_does_not_end_a_job_is_no_larger_than_hosts_send_it(job):
    with pytest.raises(ReportRefused, match="bytes, and one that does not end its job has 2097152 at most"):
        report(job, 1, "log", **large(reports.SAID_MEANWHILE_BYTES_MAX))
    most = [[0, "info", "x" * LINE_LIMIT]] * LINES_PER_REPORT
    assert report(job, 1, "several", items=[{"kind": "log", "at": 0, "lines": most}]).last_seq == 1


def test_looking_since_when_reports_wait_reads_none_of_them(job, monkeypatch):
    other, read, real = make_job(make_application("MS_O", host=job.host)), [], json.loads
    for seq in (2, 3):
        report(job, seq, "log", **large(100_000))
    first = job.waiting_reports.get(seq=2).body["received"]
    monkeypatch.setattr(json, "loads", lambda text, **how: read.append(len(text)) or real(text, **how))
    found = reaper._first_waiting([job, other])
    assert {key: at.timestamp() for key, at in found.items()} == {job.pk: pytest.approx(first, abs=0.001)}
    assert max(read, default=0) < 100


@pytest.mark.parametrize("fields", [
    {"kind": "dance"}, {"kind": None}, {"kind": "step"}, {"kind": "step", "number": 0, "state": "odd"},
    {"kind": "log", "lines": "x"}, {"kind": "log", "lines": [1, [1], [1, 2, 3, 4]]}, {"kind": "alive", "at": "x"}])
def test_report_without_sense_moves_nothing_but_the_count(job, fields):
    after = report(job, 1, **fields)
    assert (after.state, after.last_seq, lines(job)) == ("queued", 1, [])


def test_unknown_end_is_an_error(job):
    assert report(job, 1, "finished", state="exploded").state == "error"


def test_log_is_bounded_and_says_that_it_was_cut(job):
    now = timezone.now()
    JobLine.objects.bulk_create(JobLine(job=job, number=n, at=now, text="x") for n in range(1, MAX_LINES - 1))
    report(job, 1, "log", lines=[[0, "info", f"line {n}"] for n in range(5)])
    report(job, 2, "log", lines=[[0, "info", "more"]])
    assert lines(job)[-2:] == [(MAX_LINES - 1, "line 0"),
                               (MAX_LINES, f"The log is cut here: {MAX_LINES} lines are kept.")]


def test_long_lines_are_cut_and_what_is_no_text_is_replaced(job):
    report(job, 1, "log", lines=[[0, "info", "x" * 5000], [0, "info", "a\x00b"]])
    assert [len(text) for _, text in lines(job)] == [4000, 3]


@pytest.mark.parametrize("state", ["succeeded", "failed", "error", "cancelled"])
def test_nothing_moves_a_job_that_has_ended(job, state):
    Job.objects.update(state=state)
    report(job, 1, "step", number=0, state="running")
    assert report(job, 2, "finished", state="succeeded", result={}).state == state


def test_every_state_has_a_way_to_an_end():
    ends = {state for state, following in JOB_TRANSITIONS.items() if not following}
    assert ends == {"succeeded", "failed", "error", "cancelled"}
    assert all(set(following) & ends for state, following in JOB_TRANSITIONS.items() if state not in ends)


# --- install


def test_finished_install_fills_in_the_application_with_history(install_job, monkeypatch,
                                                                django_capture_on_commit_callbacks):
    told = []
    monkeypatch.setattr(control_client, "announce_changed", lambda applications=(), hosts=(): told.extend(applications))
    with django_capture_on_commit_callbacks(execute=True):
        done = report(install_job, 1, "finished", state="succeeded", result=INSTALLED)
    row = Application.objects.get(name="MS")
    assert (row.working_directory, row.command_line) == ("/srv/pairwise/MS", "./MessageServer")
    assert row.command_line_arguments == "-host 127.0.0.1 -port 2020 -app MS"
    assert (row.version, row.revision, row.is_installed) == ("8.5.100.02", 2, True)
    assert done.result["facts"] == {"python": "3.11"}
    entry = HistoryEntry.objects.get(object_type="application")
    assert entry.reason == f"Installed by job {install_job.pk} on host alpha."
    assert (entry.before["working_directory"], entry.after["working_directory"]) == (".", "/srv/pairwise/MS")
    assert (entry.user_name, entry.origin, told) == ("ada", "job on alpha", ["MS"])


def test_failed_install_leaves_the_application_as_it_was(install_job):
    report(install_job, 1, "finished", state="failed", reason="No Configuration Server.", result=INSTALLED)
    row = Application.objects.get(name="MS")
    assert (row.working_directory, row.revision) == (".", 1)
    assert not HistoryEntry.objects.exists()


@pytest.mark.parametrize("change", [
    {"working_directory": "relative"}, {"working_directory": ""}, {"version": None}, {"version": "8.5.100.03"},
    {"command_line": "a\nb"}, {"command_line_arguments": 7}, {"command_line": "/bin/sh"}, {"command_line": ["x"]},
    {"command_line_arguments": "-c 'id > /tmp/x'"}, {"working_directory": "/srv"},
    {"working_directory": "/srv/pairwise/MS/"},
    {"command_line_arguments": "-host 127.0.0.1 -port 2020 -app OTHER"}])
def test_an_install_that_says_anything_but_what_was_asked_is_an_error_and_fills_nothing_in(
        install_job, change):
    done = report(install_job, 1, "finished", state="succeeded", result={**INSTALLED, **change})
    assert (done.state, "the installation of MS as finished, but" in done.reason) == ("error", True)
    assert Application.objects.get(name="MS").revision == 1
    assert "as finished, but" not in (event := Event.objects.get(host=install_job.host)).text
    assert "Install MS: its " in event.text


@pytest.mark.parametrize(("root", "said", "taken"), [
    ("", "/anywhere/MS", True), ("", "/anywhere/OTHER", False), ("", "relative/MS", False), ("", "/a/../MS", False),
    ("", None, False), ("/opt/pairwise-agent/apps", "/opt/pairwise-agent/apps/MS", True),
    ("/opt/pairwise-agent/apps", "/anywhere/MS", False)])
def test_a_directory_of_its_own_is_where_the_host_said_at_its_join(install_job, root, said, taken):
    Host.objects.update(install_root=root)
    Job.objects.update(arguments=asked_to_install(directory=""))
    done = report(install_job, 1, "finished", state="succeeded", result={**INSTALLED, "working_directory": said})
    assert done.state == ("succeeded" if taken else "error")
    assert (Application.objects.get(name="MS").working_directory == said) is taken


def test_late_install_does_not_undo_a_newer_one(install_job):
    Job.objects.update(state="lost", created_at=timezone.now() - timedelta(hours=1))
    newer = make_job(install_job.application, kind="install", steps=6, arguments=asked_to_install("9"))
    report(newer, 1, "finished", state="succeeded", result={**INSTALLED, "version": "9"})
    late = report(install_job, 1, "finished", state="succeeded", result=INSTALLED)
    assert (late.state, Application.objects.get(name="MS").version) == ("succeeded", "9")


def test_reinstall_with_the_same_result_leaves_no_second_history_entry(install_job):
    report(install_job, 1, "finished", state="succeeded", result=INSTALLED)
    again = make_job(install_job.application, kind="install", steps=6)
    report(again, 1, "finished", state="succeeded", result=INSTALLED)
    assert HistoryEntry.objects.count() == 1


# --- nothing is running for ever


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


def test_cancelled_job_that_a_host_took_all_the_same_is_ended_there(job, monkeypatch,
                                                                    django_capture_on_commit_callbacks):
    asked = []
    monkeypatch.setattr(reports.dispatch, "revoke", lambda key, *, terminate: asked.append((key, terminate)))
    Job.objects.update(state=JobState.CANCELLED)
    with django_capture_on_commit_callbacks(execute=True):
        report(job, 1, "claimed", worker="w")
    assert asked == [(job, True)]


# --- several things in one report


def test_what_travelled_together_is_recorded_in_order(install_job):
    job = report(install_job, 1, "several", items=[
        {"kind": "claimed", "at": 1_700_000_000, "worker": "w"},
        {"kind": "step", "at": 1_700_000_001, "number": 0, "state": "running"},
        {"kind": "log", "at": 1_700_000_001, "lines": [[1_700_000_001, "info", "Fetching."]]},
        {"kind": "step", "at": 1_700_000_002, "number": 0, "state": "done"},
        {"kind": "step", "at": 1_700_000_002, "number": 1, "state": "running"}])
    assert (job.state, job.worker, job.last_seq) == ("running", "w", 1)
    assert step_states(job)[:3] == ["done", "running", "waiting"]
    assert job.steps.first().finished_at.timestamp() == 1_700_000_002
    assert lines(job) == [(1, "Fetching.")]


def test_many_lines_and_steps_in_one_report_cost_few_queries(install_job, django_assert_max_num_queries):
    report(install_job, 1, "claimed", worker="w")
    items = []
    for number in range(6):
        items += [{"kind": "step", "number": number, "state": "running"},
                  *({"kind": "log", "lines": [[1_700_000_001, "info", f"Line {line}."]]} for line in range(10)),
                  {"kind": "step", "number": number, "state": "done"}]
    # Savepoint, host, job, state, six steps, last line, new lines (savepoint of its own), number; the test's own.
    with django_assert_max_num_queries(18):
        job = report(install_job, 2, "several", items=items)
    assert step_states(job) == ["done"] * 6
    assert [number for number, _ in lines(job)] == list(range(1, 61))


@pytest.mark.parametrize(("item", "said"), [
    ({"kind": "unknown"}, "holds 1000 unknown items"),
    ({"kind": "step", "number": "a", "state": "running"}, "names no step (1000 "),
])
def test_what_makes_no_sense_in_one_report_is_one_line_of_the_log(job, caplog, item, said):
    report(job, 1, "several", items=[item | {"n": number} for number in range(1000)])
    [line] = [record.getMessage() for record in caplog.records if record.name == reports.__name__]
    assert said in line


@pytest.mark.parametrize("items", [None, "all", [None, 7, {}, {"kind": []}, {"kind": "several", "items": []},
                                                 {"kind": "finished", "state": "succeeded"}]])
def test_what_may_not_travel_together_is_left_out(job, items):
    assert (report(job, 1, "several", items=items).state, Job.objects.get().last_seq) == ("queued", 1)


def test_a_cancelled_job_that_a_host_took_is_reminded_by_a_report_of_several_as_well(
        job, monkeypatch, django_capture_on_commit_callbacks):
    reminded = []
    monkeypatch.setattr(reports.dispatch, "revoke", lambda *given, **how: reminded.append(how))
    Job.objects.update(state=JobState.CANCELLED)
    with django_capture_on_commit_callbacks(execute=True):
        report(job, 1, "several", items=[{"kind": "claimed", "worker": "w"}])
    assert reminded == [{"terminate": True}]

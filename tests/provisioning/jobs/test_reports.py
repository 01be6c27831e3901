"""What hosts report of jobs counts in order, each once, and within bounds."""

import json
import time

import pytest
from django.utils import timezone

from hostagent.jobs.reporter import LINE_LIMIT, LINES_PER_REPORT
from protocol.said import TEXT_MAX
from provisioning.jobs.worker import reaper, reports
from provisioning.jobs.worker.dispatch import NOT_HANDED_OVER
from provisioning.jobs.worker.reports import MAX_LINES, MAX_WAITING, ReportRefused
from provisioning.models import Job, JobLine, JobReport
from provisioning.states import JOB_TRANSITIONS, JobState
from tests.factories import make_application, make_job

from .host_reports import lines, report, step_states

pytestmark = pytest.mark.django_db


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

"""What became worse or better about a pair is told once it has lasted, and where nothing else explains it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from protocol.events import Own
from provisioning.audit.worker import told as worker
from provisioning.audit.worker.run import run_audit
from provisioning.audit.worker.told import tell_of_verdicts
from provisioning.audit.worsening import moved
from provisioning.models import Event, Finding, Job, PairAudit
from provisioning.states import AuditTrigger, JobKind, JobState, Verdict
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]
MINUTE = timedelta(seconds=61)
CODE = "A30"
"""What is wrong with the pair of these tests."""


def run():
    run_audit(trigger=AuditTrigger.DEMAND)


def became_broken(was=Verdict.READY, unknown=(), ago=MINUTE):
    """The pair as an audit left it that found it so."""
    run()
    PairAudit.objects.update(told={"verdict": str(was), "unknown": list(unknown)}, since=timezone.now() - ago)


def told():
    return list(Event.objects.filter(number__in=(Own.AUDIT_WORSE, Own.AUDIT_BETTER)).order_by("id").values_list(
        "number", "application__name", "text"))


def look(after=timedelta()):
    tell_of_verdicts(timezone.now() + after)
    return len(told())


def test_what_is_worse_is_told_once_after_a_minute(pair):
    became_broken(ago=timedelta())
    assert (look(), look(MINUTE), look(2 * MINUTE)) == (0, 1, 1)
    assert told() == [(Own.AUDIT_WORSE, "MS_Primary", "Audit: Ready → Broken, errors: 2, warnings: 0.")]


def test_what_the_worker_of_another_machine_tells_at_the_same_moment_is_told_once(pair, monkeypatch):
    became_broken()
    decided = worker._decided

    def other_worker(rows, now):
        found = decided(rows, now)
        monkeypatch.setattr(worker, "_decided", decided)
        tell_of_verdicts(now)
        return found

    # Between its look and its word.
    monkeypatch.setattr(worker, "_decided", other_worker)
    assert look() == 1


def test_what_is_over_within_a_minute_is_not_told(pair):
    became_broken(ago=MINUTE / 2)
    assert look() == 0
    PairAudit.objects.update(errors=0, digest="another", since=timezone.now())
    Finding.objects.all().delete()
    assert look(MINUTE) == 0
    assert PairAudit.objects.get().settled


def test_what_is_better_is_told_after_it_has_lasted_and_the_time_goes_on_while_other_details_change(pair):
    became_broken(was=Verdict.READY)
    assert look() == 1
    since = PairAudit.objects.get().since
    PairAudit.objects.update(digest="another")
    run()
    row = PairAudit.objects.get(is_latest=True)
    assert (row.since, row.told["verdict"], row.settled) == (since, "broken", False)
    assert look() == 1
    row.findings.all().delete()
    PairAudit.objects.filter(pk=row.pk).update(settled=False)
    assert (look(), told()[-1][0]) == (2, Own.AUDIT_BETTER)


def test_the_first_result_of_a_pair_is_what_the_next_ones_are_compared_with(pair):
    run()
    assert look(MINUTE) == 0
    assert PairAudit.objects.get().told["verdict"] == "broken"


def test_a_job_of_a_member_explains_what_is_worse_until_a_minute_after_its_end(pair):
    job = factories.make_job(pair[1], kind=JobKind.INSTALL, state=JobState.RUNNING)
    became_broken()
    assert look() == 0
    job.state, job.finished_at = JobState.SUCCEEDED, timezone.now()
    job.save()
    assert (look(), look(MINUTE)) == (0, 1)


@pytest.mark.parametrize("about", [{"application": "MS_Backup"}, {"application": "", "host": "alpha"}])
def test_an_alarm_that_lasts_explains_it_until_a_minute_after_its_end(pair, about):
    about = about | ({"host": pair[0].host.name} if "host" in about else {})
    alarm = factories.make_alarm(ends_at=None, **about)
    became_broken()
    assert look() == 0
    alarm.cleared_at = timezone.now()
    alarm.save()
    assert (look(), look(MINUTE)) == (0, 1)


def test_an_alarm_of_something_that_is_over_explains_nothing(pair):
    factories.make_alarm()
    factories.make_alarm(application="Other", ends_at=None)
    became_broken()
    assert look() == 1


def test_what_somebody_had_stopped_is_taken_for_granted(pair):
    became_broken(ago=2 * MINUTE)
    ended = timezone.now() - 2 * MINUTE
    factories.make_job(pair[0], kind=JobKind.STOP, state=JobState.SUCCEEDED, finished_at=ended)
    Job.objects.update(created_at=ended)
    assert look() == 0
    assert PairAudit.objects.get().told["verdict"] == "broken"


def test_what_is_worse_for_long_is_not_told_just_after_a_switchover_that_raises_no_alarm(pair):
    became_broken(ago=10 * MINUTE)
    Event.objects.create(at=timezone.now(), number=Own.ASKED, application=pair[0], text="ada asked for a switchover.")
    assert (look(), look(MINUTE)) == (0, 1)


def test_what_was_not_known_before_is_no_worsening(pair):
    became_broken(unknown=[CODE])
    assert look() == 0
    row = PairAudit.objects.get()
    assert row.told["verdict"] == "broken"
    assert set(row.told["unknown"]) == {code for each in row.unknown for code in each["codes"]}
    assert CODE not in row.told["unknown"]


ERROR, WARNING = ("A30", "error"), ("C01", "warning")


@pytest.mark.parametrize(("was", "unknown", "found", "number"), [
    (Verdict.READY, (), [WARNING], Own.AUDIT_WORSE), (Verdict.AT_RISK, (), [ERROR, WARNING], Own.AUDIT_WORSE),
    (Verdict.BROKEN, (), [WARNING], Own.AUDIT_BETTER), (Verdict.BROKEN, (), [ERROR, WARNING], None),
    (Verdict.READY, (), [], None), (Verdict.READY, ("C01",), [WARNING], None),
    (Verdict.READY, ("C01",), [WARNING, ERROR], Own.AUDIT_WORSE), (Verdict.BROKEN, ("A30",), [ERROR], None)])
def test_the_verdict_counts_and_not_how_much_was_found(was, unknown, found, number):
    assert moved(was, unknown, found) == number

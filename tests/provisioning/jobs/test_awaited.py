"""Work that has not ended says what it waits for, and whether anything moves."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning.jobs.rules.awaited import Facts, Why
from provisioning.jobs.rules.awaited import awaited as judge
from provisioning.jobs.selectors import waiting
from provisioning.jobs.selectors.awaited import awaited, silent_hosts
from provisioning.jobs.selectors.waiting import STANDS_S, Standstill
from provisioning.jobs.worker import reaper, silence
from provisioning.models import ComponentHeartbeat, HostRuntime, Job
from tests import factories

WELL = {"host": "op1", "host_status": "Running", "heard_s": 2.0}
AWAY = "The console worker was last heard of 12 s ago. What hosts report is not read meanwhile."
QUEUED = [
    ({}, Why.WORK, "op1 has not taken it yet."),
    ({"is_deleted": True, "is_sent": False}, Why.HOST_DELETED, "op1 was deleted: nobody takes it any more."),
    ({"is_sent": False, "console_worker": AWAY}, Why.BROKER, "so op1 has not seen it. Start Redis"),
    ({"behind": "The database takes no write.", "console_worker": AWAY}, Why.DATABASE, "The database takes no write."),
    ({"console_worker": AWAY, "host_status": "Disconnected"}, Why.CONSOLE_WORKER, AWAY),
    ({"host_status": "Disconnected", "heard_s": 40.9, "host_reason": "Its link ended"}, Why.AGENT,
     "The agent of op1 is away: it was last heard of 40 s ago. Its link ended. Is the machine on"),
    ({"host_status": "", "heard_s": None}, Why.AGENT, "The agent of op1 is away: it was never heard of."),
    ({"worker_runs": False, "silent_s": 7.0}, Why.WORKER_ENDED, "is connected, but its worker does not run."),
    ({"silent_s": 0.2}, Why.WORKER_SILENT, "The worker of op1 has not answered over the broker yet."),
    ({"silent_s": 25.4}, Why.WORKER_SILENT, "The worker of op1 has not answered over the broker for 25 s."),
    ({"silent_s": 25.4, "control": "Control does not answer.", "host_status": "Unknown"}, Why.WORKER_SILENT,
     "has not answered over the broker"),
    ({"control": "Control does not answer.", "host_status": "Unknown", "worker_runs": False}, Why.CONTROL,
     "Whether op1 can take it is not known. Control does not answer. Start control"),
    ({"others": ("Install A", "Start B")}, Why.OTHER_JOBS,
     "op1 works on Install A and Start B, and takes the next one when one of them has ended."),
    ({"others": ("Install A", "Start B"), "before": 1}, Why.OTHER_JOBS, "has ended; 1 more is before this one."),
    ({"others": tuple("ABCDE"), "before": 4}, Why.OTHER_JOBS,
     "op1 works on A and B and C and 2 more, and takes the next one when one of them has ended; 4 more are before"),
]
TAKEN = [
    ({}, Why.WORK, "op1 works on it."),
    ({"said_s": 14.0}, Why.WORK, "op1 works on it."),
    ({"said_s": 21.0}, Why.HOST_SILENT, "op1 works on it and has said nothing for 21 s."),
    ({"is_cancelled": True}, Why.ENDING, "op1 was asked to end it."),
    ({"console_worker": AWAY, "said_s": 40.0}, Why.CONSOLE_WORKER, AWAY),
    ({"host_status": "Disconnected"}, Why.WORK, "op1 works on it."),
]
MOVES = {Why.WORK, Why.OTHER_JOBS, Why.HOST_SILENT, Why.ENDING}


@pytest.mark.parametrize(("state", "facts", "why", "text"), [
    *(("queued", *case) for case in QUEUED), *(("running", *case) for case in TAKEN)])
def test_the_first_thing_that_is_in_the_way_is_named(state, facts, why, text):
    found = judge(Facts(**{"state": state, **WELL, **facts}))
    assert found.why is why
    assert text in found.text
    assert found.is_stuck == (why not in MOVES)
    assert not found.is_stuck or found.advice or why is Why.HOST_DELETED, "what is stuck says what to do"


def test_waiting_is_of_no_use_once_nothing_has_moved_for_long():
    now = 0.0
    standstill = Standstill(lambda: now)
    stuck, moves = (judge(Facts(state="queued", host="op1", host_status=status))
                    for status in ("Disconnected", "Running"))
    assert not standstill.lasts(stuck)
    now = STANDS_S - 1
    assert not standstill.lasts(stuck)
    assert not standstill.lasts(moves), "it moved"
    now = 2 * STANDS_S
    assert not standstill.lasts(stuck), "counted anew"
    now = 3 * STANDS_S
    assert standstill.lasts(stuck)
    assert not standstill.lasts(None)


# --- read for many


@pytest.fixture
def worker():
    """The console worker, just heard of."""
    for name in ("console-worker", "report-reader"):
        ComponentHeartbeat.objects.create(name=name, at=timezone.now())


@pytest.fixture
def host():
    return factories.make_host("op1")


def queued(host, name="", **fields):
    return factories.make_job(factories.make_application(name, host=host),
                              **{"enqueued_at": timezone.now(), **fields})


def why_of(job):
    return awaited([job])[job.pk].why


@pytest.mark.django_db
@pytest.mark.usefixtures("worker")
class TestFacts:
    def test_a_job_that_has_ended_waits_for_nothing_and_costs_nothing(self, host, django_assert_num_queries):
        job = queued(host, state="failed")
        with django_assert_num_queries(0):
            assert awaited([job]) == {}

    def test_a_host_that_is_well_takes_it(self, host):
        assert why_of(queued(host)) is Why.WORK

    def test_what_the_agent_is_like_is_what_control_says(self, host):
        job = queued(host)
        HostRuntime.objects.update(worker_alive=False)
        assert why_of(job) is Why.WORKER_ENDED
        HostRuntime.objects.update(status="Disconnected")
        assert why_of(job) is Why.AGENT
        factories.control_answers(ago_s=60)
        assert why_of(job) is Why.CONTROL

    def test_without_the_console_worker_nobody_hears_of_it(self, host):
        job = queued(host)
        ComponentHeartbeat.objects.filter(name="report-reader").update(at=timezone.now() - timedelta(seconds=20))
        found = awaited([job])[job.pk]
        assert found.why is Why.CONSOLE_WORKER
        assert "last heard of 20 s ago" in found.sentence

    def test_a_host_that_has_enough_to_do_is_named_with_what_it_does(self, host):
        queued(host, "A", state="running", kind="install")
        second = queued(host, "B", state="claimed", kind="stop")
        waiting = [queued(host) for _ in range(2)]
        texts = [awaited([job])[job.pk].text for job in waiting]
        assert texts[0] == "op1 works on Install A and Stop B, and takes the next one when one of them has ended."
        assert texts[1].endswith("; 1 more is before this one.")
        Job.objects.filter(pk=second.pk).update(state="succeeded")
        assert why_of(waiting[0]) is Why.WORK

    def test_a_silent_worker_is_told_while_somebody_asks_it(self, host):
        job, now = queued(host), timezone.now()
        ComponentHeartbeat.objects.create(name="reaper", at=now, facts={"silent": {
            "op1": (now - timedelta(seconds=30)).timestamp()}})
        assert awaited([job])[job.pk].sentence == "The worker of op1 has not answered over the broker for 30 s."
        ComponentHeartbeat.objects.filter(name="reaper").update(at=now - timedelta(minutes=1))
        assert why_of(job) is Why.WORK

    def test_many_cost_what_one_costs(self, host):
        jobs = [queued(host), *[queued(factories.make_host()) for _ in range(20)]]
        few, many = (queries_of(lambda some=some: awaited(some)) for some in (jobs[:1], jobs))
        assert few == many


def queries_of(work):
    with CaptureQueriesContext(connection) as seen:
        work()
    return len(seen)


# --- who is silent


@pytest.mark.django_db
class TestSilence:
    def look(self, jobs, known=(), *, after_s=10, **answers):
        now = timezone.now() + timedelta(seconds=after_s)
        self.asked = []

        def ask(host):
            self.asked.append(host)
            return answers.get(host, False)

        return silence.look(jobs, dict(known), now, ask=ask), now.timestamp()

    def test_a_host_is_asked_about_a_job_that_it_does_not_take(self, host):
        job = queued(host)
        found, now = self.look([job])
        assert found == {"op1": now}
        assert self.look([job], {"op1": 1.0})[0] == {"op1": 1.0}
        assert self.look([job], {"op1": 1.0}, op1=True)[0] == {}

    def test_nobody_is_asked_about_others(self, host):
        gone = queued(host)
        gone.host = None
        jobs = [queued(host, state="running"), queued(host, enqueued_at=None), gone]
        assert self.look(jobs, {"op1": 1.0})[0] == {}
        assert self.look([queued(host)], after_s=1)[0] == {}
        assert self.asked == []

    def test_a_broker_that_is_away_says_nothing_of_hosts(self, host):
        job = queued(host)
        assert self.look([job], op1=None)[0] == {}
        assert self.look([job], {"op1": 1.0}, op1=None)[0] == {"op1": 1.0}

    def test_of_many_hosts_those_are_asked_of_whom_nothing_is_known(self):
        jobs = [queued(factories.make_host()) for _ in range(silence.ASKED_MOST + 5)]
        first, _ = self.look(jobs)
        assert len(self.asked) == len(first) == silence.ASKED_MOST
        second, _ = self.look(jobs, first)
        assert len(second) == len(jobs)

    def test_the_reaper_keeps_it(self, host, monkeypatch):
        queued(host)
        monkeypatch.setattr(silence, "look", lambda jobs, known, now: {"op1": now.timestamp() - 5})
        now = timezone.now()
        reaper.reap(now)
        assert silent_hosts(now) == {"op1": pytest.approx(5.0, abs=0.01)}
        monkeypatch.setattr(silence, "look", lambda jobs, known, now: {})
        reaper.reap(now)
        assert silent_hosts(now) == {}


@pytest.mark.django_db
def test_a_program_is_answered_when_nothing_moves(host, monkeypatch):
    HostRuntime.objects.update(status="Disconnected")
    monkeypatch.setattr(waiting, "STANDS_S", 0.0)
    job = queued(host)
    assert waiting.ended(job, 3600.0).state == "queued"

"""Looks on hosts: who asks for them and when, what is kept of them, and that they are in nobody's way."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from protocol.jobs import SIGNATURES, STEPS, sign_report
from provisioning.audit.loader import load
from provisioning.errors import NotAllowed, Refused
from provisioning.jobs.selectors.jobs import job_list
from provisioning.jobs.selectors.start_files import start_files
from provisioning.jobs.worker import reports
from provisioning.looks import services
from provisioning.looks import worker as looks
from provisioning.looks.due import Seen, due, look_around
from provisioning.models import Application, FoundOnHost, HostRuntime, Job
from provisioning.states import JobKind, JobState
from provisioning.verbs.services import jobs
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVERY = timedelta(minutes=15)


@pytest.fixture
def handed(monkeypatch):
    """Keys of the jobs that were given to the broker."""
    given = []
    monkeypatch.setattr("provisioning.jobs.worker.dispatch.hand_over", lambda key: given.append(key) or True)
    return given


@pytest.fixture
def pair(handed):
    members = factories.make_pair()
    HostRuntime.objects.update(facts={"looks": True, "reports": SIGNATURES})
    return members


def looks_of(row: Application):
    return Job.objects.filter(kind=JobKind.COLLECT_FACTS, host=row.host)


def ask(row: Application, actor=factories.SUPPORT) -> Job:
    return services.look_at_host(actor=actor, host_id=row.host_id)


def facts_of(row: Application, **changes) -> dict:
    return {"name": row.name, "directory": {"present": True, "path": row.working_directory, "owner": "pw"},
            "listeners": {}, "runs": True, "version": "8.5.100.01", "changed": [], **changes}


def tell(job: Job, seq: int, **fields) -> None:
    report = {"job": str(job.pk), "host": job.host_name, "seq": seq, "at": timezone.now().timestamp(), **fields}
    reports.record_report(report, sign_report(job.host.secret, report))


def end(job: Job, *, state="succeeded", **found) -> Job:
    tell(job, 1, kind="claimed", worker="w")
    tell(job, 2, kind="finished", state=state, reason="", result={"found": {
        "applications": [], "names": {}, "reverse": {}, "clock_synchronized": True, **found}})
    job.refresh_from_db()
    return job


def test_one_job_a_host_looks_at_all_its_applications(pair, handed, django_capture_on_commit_callbacks):
    second = factories.make_application("MS_Second", host=pair[0].host, installed=True, ports={"default": 7201})
    factories.make_application("MS_New", host=pair[0].host, ports={"default": 7301})
    with django_capture_on_commit_callbacks(execute=True):
        job = ask(pair[0])
    assert (job.application_id, job.application_name, str(job)) == (None, "", f"Look on the host {pair[0].host.name}")
    assert [each["name"] for each in job.arguments["applications"]] == ["MS_Primary", "MS_Second"]
    asked = job.arguments["applications"][0]
    assert asked["hosts"] == {each.host.name: each.host.ip_address for each in pair}
    assert asked["ports"] == [7001, 7002]
    assert [step.name for step in job.steps.all()] == list(STEPS["collect_facts"])
    assert handed == [job.pk]
    assert second.pk == job.arguments["applications"][1]["id"]


def test_a_look_neither_blocks_a_job_of_an_application_nor_waits_for_one(pair):
    ask(pair[0])
    stop = jobs.stop_application(actor=factories.OPERATOR, application_id=pair[0].pk)
    assert stop.state == JobState.QUEUED
    assert ask(pair[1]).state == JobState.QUEUED


def test_at_most_one_look_at_a_time_works_on_a_host(pair):
    assert ask(pair[0]) == ask(pair[0])
    assert looks_of(pair[0]).count() == 1


def test_who_may_not_audit_may_not_look(pair):
    with pytest.raises(NotAllowed):
        ask(pair[0], factories.OPERATOR)


def test_an_agent_that_does_not_know_how_is_not_asked_and_it_is_said(pair):
    HostRuntime.objects.update(facts={})
    with pytest.raises(Refused, match="older than this console and cannot look"):
        ask(pair[0])
    looked = services.look_at_pairs(actor=factories.SUPPORT, primary_ids=[pair[0].pk])
    assert looked.refusals.keys() == {row.host_id for row in pair}
    assert look_around() == 0


def test_a_host_that_is_not_connected_or_has_nothing_to_look_at_is_refused(pair):
    with pytest.raises(Refused, match="there is nothing to look at"):
        services.look_at_host(actor=factories.SUPPORT, host_id=_empty().pk)
    HostRuntime.objects.filter(host=pair[0].host).update(status="Disconnected")
    with pytest.raises(Refused, match="is not connected"):
        ask(pair[0])


def _empty():
    host = factories.make_host()
    HostRuntime.objects.filter(host=host).update(facts={"looks": True, "reports": SIGNATURES})
    return host


def test_what_was_found_is_kept_with_each_application_and_read_by_the_audit(pair):
    job = end(ask(pair[0]), applications=[facts_of(pair[0], process={"pid": 5, "account": "pw", "arguments": []})],
              names={pair[1].host.name: [pair[1].host.ip_address], "elsewhere": ["10.9.9.9"]},
              reverse={pair[1].host.ip_address: "b", "10.9.9.9": "elsewhere"})
    assert (job.state, job.result) == (JobState.SUCCEEDED, {})
    facts = load([pair[0].pk])[0]
    found = facts.found_at(facts.primary)
    assert (found.version, found.process.pid, found.clock_synchronized) == ("8.5.100.01", 5, True)
    assert found.names == {pair[1].host.name: (pair[1].host.ip_address,)}
    assert found.reverse == {pair[1].host.ip_address: "b"}
    assert facts.found_at(facts.backup) is None


def test_a_host_says_nothing_about_applications_that_it_was_not_asked_about(pair):
    end(ask(pair[0]), applications=[facts_of(pair[1]), {"name": 5}, "x"])
    assert not FoundOnHost.objects.exists()


@pytest.mark.parametrize("field", ["working_directory", "command_line", "log_on_as"])
def test_what_was_found_for_another_directory_program_or_account_says_nothing_of_the_present_one(pair, field):
    end(ask(pair[0]), applications=[facts_of(pair[0])])
    Application.objects.filter(pk=pair[0].pk).update(**{field: "/another"})
    facts = load([pair[0].pk])[0]
    assert facts.found_at(facts.primary) is None


def test_a_look_that_says_nothing_usable_is_an_error(pair):
    job = ask(pair[0])
    tell(job, 1, kind="finished", state="succeeded", result={"found": {"applications": 7}})
    job.refresh_from_db()
    assert (job.state, "did not say what it found" in job.reason) == (JobState.ERROR, True)


def test_a_look_that_was_thought_lost_does_not_overwrite_a_later_one(pair):
    old = ask(pair[0])
    Job.objects.filter(pk=old.pk).update(state=JobState.LOST)
    end(ask(pair[0]), applications=[facts_of(pair[0], version="8.5.2")])
    end(old, applications=[facts_of(pair[0], version="8.5.1")])
    assert FoundOnHost.objects.get(application=pair[0]).body["version"] == "8.5.2"


def test_after_a_job_of_an_application_its_host_is_looked_at(pair):
    stop = jobs.stop_application(actor=factories.OPERATOR, application_id=pair[0].pk)
    tell(stop, 1, kind="finished", state="succeeded", result={})
    assert looks_of(pair[0]).get().created_by == looks.BY_ITSELF


def test_while_somebody_waits_for_other_jobs_the_schedule_looks_instead(pair, settings):
    assert look_around() == 2
    for row in pair:
        end(looks_of(row).get())
    first, second = (jobs.stop_application(actor=factories.OPERATOR, application_id=row.pk) for row in pair)
    tell(first, 1, kind="finished", state="succeeded", result={})
    assert not looks_of(pair[0]).filter(state=JobState.QUEUED).exists()
    assert look_around() == 1
    assert looks_of(pair[0]).filter(state=JobState.QUEUED).exists()
    settings.PAIRWISE_LOOK_MINUTES = 0
    third = factories.make_job(pair[0], kind="stop")
    tell(second, 1, kind="finished", state="succeeded", result={})
    assert third.is_active
    assert looks_of(pair[1]).filter(state=JobState.QUEUED).exists()


def test_a_look_during_which_a_job_ended_is_followed_by_another(pair):
    look = ask(pair[0])
    tell(look, 1, kind="claimed", worker="w")
    stop = jobs.stop_application(actor=factories.OPERATOR, application_id=pair[0].pk)
    tell(stop, 1, kind="finished", state="succeeded", result={})
    tell(look, 2, kind="finished", state="succeeded", result={"found": {"applications": []}})
    assert looks_of(pair[0]).filter(state=JobState.QUEUED).count() == 1
    end(looks_of(pair[0]).get(state=JobState.QUEUED))
    assert not looks_of(pair[0]).filter(state=JobState.QUEUED).exists()


def test_the_last_few_looks_are_kept(pair):
    for _ in range(looks.KEEP + 3):
        end(ask(pair[0]))
    assert looks_of(pair[0]).count() == looks.KEEP


def test_looks_are_not_among_the_jobs_unless_asked_for(pair):
    ask(pair[0])
    stop = jobs.stop_application(actor=factories.OPERATOR, application_id=pair[0].pk)
    assert list(job_list()) == [stop]
    assert job_list(state="active").count() == 1
    assert job_list(kind=JobKind.COLLECT_FACTS).count() == 1


def test_a_look_can_be_cancelled_and_run_again(pair, monkeypatch):
    monkeypatch.setattr("provisioning.jobs.worker.dispatch.revoke", lambda job, terminate: True)
    job = ask(pair[0])
    assert jobs.cancel_job(actor=factories.SUPPORT, job_id=job.pk).state == JobState.CANCELLED
    again = jobs.retry_job(actor=factories.SUPPORT, job_id=job.pk)
    assert (again.retry_of, again.kind, again.host) == (job, JobKind.COLLECT_FACTS, pair[0].host)


def test_the_newest_word_on_start_files_counts_wherever_it_comes_from(pair):
    def said(sentence):
        return {"application": "MS_Primary", "directory": pair[0].working_directory,
                "configuration_server": looks.configuration_server(), "files": [{
                    "name": "run.sh", "starts": True, "equal": True, "sentence": sentence}]}

    check = factories.make_job(pair[0], kind=JobKind.CHECK_START_FILES, state=JobState.SUCCEEDED,
                               result={"start_files": said("checked")}, finished_at=timezone.now())
    end(ask(pair[0]), applications=[facts_of(pair[0], start_files=said("looked"))])
    assert start_files([pair[0]])[pair[0].pk].run_sh.sentence == "looked"
    assert not start_files([pair[0]])[pair[0].pk].outdated
    Job.objects.filter(pk=check.pk).update(finished_at=timezone.now() + timedelta(seconds=1))
    assert start_files([pair[0]])[pair[0].pk].run_sh.sentence == "checked"
    assert load([pair[0].pk])[0].primary.found.start_files.run_sh.sentence == "checked"


# --- the schedule

def test_hosts_are_due_when_it_is_their_turn_longest_first():
    seen = [Seen(1, NOW - EVERY), Seen(2, NOW - timedelta(minutes=5)), Seen(3, NOW - timedelta(hours=1)), Seen(4, None)]
    assert due(seen, NOW, every=EVERY) == [4, 3, 1]


def test_a_host_where_something_was_changed_since_is_due_at_once():
    seen = [Seen(1, NOW - timedelta(minutes=2), changed=NOW - timedelta(minutes=1)),
            Seen(2, NOW - timedelta(minutes=2), changed=NOW - timedelta(minutes=3))]
    assert due(seen, NOW, every=EVERY) == [1]


def test_many_hosts_are_spread_over_the_period():
    hosts = dict.fromkeys(range(1000))
    at, most = NOW, 0
    while at < NOW + EVERY:
        asked = due([Seen(key, last) for key, last in hosts.items()], at, every=EVERY)
        most = max(most, len(asked))
        hosts |= dict.fromkeys(asked, at)
        at += looks.TICK
    assert None not in hosts.values()
    assert most <= 34


def test_what_was_stamped_while_the_clock_was_ahead_holds_no_look_up_and_asks_for_none_again_and_again(pair):
    assert look_around() == 2
    ahead = timezone.now() + timedelta(days=40)
    Job.objects.update(created_at=ahead, heard_at=ahead, state=JobState.FAILED)
    Application.objects.update(changed_at=ahead)
    assert look_around() == 2
    Job.objects.filter(created_at__lt=ahead).update(state=JobState.FAILED)
    assert look_around() == 0


def test_the_schedule_asks_for_what_is_due_and_for_nothing_twice(pair):
    assert look_around() == 2
    assert look_around() == 0
    for row in pair:
        end(looks_of(row).get())
    assert look_around() == 0
    Job.objects.filter(kind=JobKind.COLLECT_FACTS).update(created_at=timezone.now() - timedelta(minutes=16))
    Application.objects.update(changed_at=timezone.now() - timedelta(hours=1))
    assert look_around() == 2


def test_the_schedule_can_be_switched_off(pair, settings):
    settings.PAIRWISE_LOOK_MINUTES = 0
    assert look_around() == 0

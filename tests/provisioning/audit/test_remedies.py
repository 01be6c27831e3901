"""Fixes: the plan that is shown, and what is done by the verbs of the pages."""

import pytest
from django.utils import timezone

from provisioning.audit.registry import RULES
from provisioning.audit.remedies import REMEDIES
from provisioning.audit.services import fix as remedies
from provisioning.audit.worker.run import run_audit
from provisioning.errors import Conflict, NotAllowed, NotFound, Refused
from provisioning.models import Application, Console, Finding, HistoryEntry, Job, Option, RuntimeStatus
from provisioning.states import AuditTrigger, JobKind
from tests import factories

pytestmark = pytest.mark.django_db
ADMINISTRATOR, OPERATOR, SUPPORT = factories.ADMINISTRATOR, factories.OPERATOR, factories.SUPPORT


@pytest.fixture
def pair():
    primary, backup = factories.make_pair()
    for row in (primary, backup):
        Application.objects.filter(pk=row.pk).update(
            command_line_arguments=f"-host 127.0.0.1 -port 2020 -app {row.name}")
    return primary, backup


def finding(code: str) -> Finding:
    run_audit(trigger=AuditTrigger.DEMAND)
    return Finding.objects.get(audit__is_latest=True, code=code)


def fix(found: Finding, actor=ADMINISTRATOR) -> remedies.Done:
    return remedies.apply(actor=actor, finding_id=found.pk, token=remedies.plan(actor=actor, finding_id=found.pk).token)


def change(row: Application, **fields) -> None:
    Application.objects.filter(pk=row.pk).update(**fields)


def test_every_rule_names_a_remedy_that_exists_or_none():
    assert {rule.remedy for rule in RULES.values()} - {""} <= REMEDIES.keys()
    assert all(remedies.verb_of(name) for name in REMEDIES)


def test_a_fix_shows_its_plan_is_saved_with_its_reason_and_audited_again(pair, django_capture_on_commit_callbacks):
    change(pair[1], auto_restart=False)
    found = finding("A27")
    plan = remedies.plan(actor=SUPPORT, finding_id=found.pk)
    assert [(step.what, step.before, step.after) for step in plan.steps] == [("Auto-Restart of MS_Backup", "No", "Yes")]
    assert not plan.refusals
    with django_capture_on_commit_callbacks(execute=True):
        fix(found)
    assert Application.objects.get(pk=pair[1].pk).auto_restart
    assert "finding A27" in HistoryEntry.objects.latest("id").reason
    assert not Finding.objects.filter(audit__is_latest=True, code="A27").exists()


def test_who_may_not_do_it_on_its_page_may_not_fix_it(pair):
    change(pair[1], auto_restart=False)
    found = finding("A27")
    for actor in (OPERATOR, SUPPORT):
        with pytest.raises(NotAllowed):
            fix(found, actor)


def test_a_plan_that_is_out_of_date_is_not_carried_out(pair):
    change(pair[1], auto_restart=False)
    found = finding("A27")
    token = remedies.plan(actor=ADMINISTRATOR, finding_id=found.pk).token
    change(pair[0], revision=9)
    with pytest.raises(Refused, match="was saved after this plan"):
        remedies.apply(actor=ADMINISTRATOR, finding_id=found.pk, token=token)
    assert not Application.objects.get(pk=pair[1].pk).auto_restart


def test_a_finding_that_is_gone_is_not_fixed(pair):
    change(pair[1], auto_restart=False)
    found = finding("A27")
    change(pair[1], auto_restart=True)
    run_audit(trigger=AuditTrigger.CHANGE)
    with pytest.raises(NotFound, match="audited again"):
        remedies.plan(actor=ADMINISTRATOR, finding_id=found.pk)


def test_what_a_save_would_refuse_stands_in_the_plan(pair):
    change(pair[0], redundancy_type="hot standby")
    plan = remedies.plan(actor=ADMINISTRATOR, finding_id=finding("A02").pk)
    assert any("stopped" in refusal.message for refusal in plan.refusals)


def test_options_are_synchronized(pair):
    Option.objects.create(application=pair[0], section="log", key="verbose", value="all")
    found = finding("A20")
    plan = remedies.plan(actor=ADMINISTRATOR, finding_id=found.pk)
    assert any("verbose" in step.what for step in plan.steps)
    fix(found)
    assert Option.objects.filter(application=pair[1], section="log", key="verbose", value="all").exists()


@pytest.fixture
def log_of_the_backup(pair):
    """Log records are collected from what became a Backup Server since it was chosen."""
    Console.objects.update_or_create(pk=1, defaults={
        "log_to": pair[1], "log_to_by": "ada", "log_to_at": timezone.now()})
    return finding("A42")


def test_log_records_are_collected_from_the_primary_in_place_of_its_backup(
        pair, log_of_the_backup, django_capture_on_commit_callbacks):
    plan = remedies.plan(actor=SUPPORT, finding_id=log_of_the_backup.pk)
    assert [(step.what, step.before, step.after) for step in plan.steps] == [("Log to", "MS_Backup", "MS_Primary")]
    assert not plan.refusals
    with django_capture_on_commit_callbacks(execute=True):
        done = fix(log_of_the_backup)
    assert done.sentence == "Log records are collected from MS_Primary and its Backup Server."
    assert Console.objects.get().log_to == pair[0]
    assert HistoryEntry.objects.latest("id").reason == "Log to: MS_Backup → MS_Primary."
    assert not Finding.objects.filter(audit__is_latest=True, code="A42").exists()


def test_a_pair_that_somebody_chose_meanwhile_is_not_taken_away(pair, log_of_the_backup):
    other = factories.make_application("MS_Log")
    Console.objects.update(log_to=other)
    with pytest.raises(Conflict, match="ada chose another pair"):
        fix(log_of_the_backup)
    assert Console.objects.get().log_to == other


def test_whoever_may_not_choose_the_pair_may_not_fix_it(log_of_the_backup):
    for actor in (OPERATOR, SUPPORT):
        with pytest.raises(NotAllowed):
            fix(log_of_the_backup, actor)


def test_arguments_are_written_and_what_else_stands_there_stays(pair):
    change(pair[1], command_line_arguments='-host 127.0.0.1 -port 2020 -app "Another name" -lmspath "/a b"')
    done = fix(finding("A31"))
    assert "Command Line Arguments" in done.sentence
    assert Application.objects.get(pk=pair[1].pk).command_line_arguments == (
        '-host 127.0.0.1 -port 2020 -app MS_Backup -lmspath "/a b"')


def test_a_server_that_runs_as_another_account_is_restarted_by_one_job(pair, broker):
    RuntimeStatus.objects.filter(application=pair[1]).update(account="mallory")
    change(pair[1], log_on_as="pairwise")
    change(pair[0], log_on_as="pairwise")
    found = finding("A25")
    plan = remedies.plan(actor=OPERATOR, finding_id=found.pk)
    assert plan.warnings == ("MS_Backup stops for a moment; its partner goes on serving.",)
    done = fix(found, OPERATOR)
    job = Job.objects.get()
    assert (done.job, job.kind, job.application) == (job, JobKind.RESTART, pair[1])
    assert {"graceful", "startup_timeout", "command_line"} <= job.arguments.keys()
    assert job.steps.count() == 4


def test_restarting_the_primary_warns_that_its_standby_takes_over(pair):
    RuntimeStatus.objects.filter(application=pair[0]).update(by_hand=True)
    plan = remedies.plan(actor=OPERATOR, finding_id=finding("A46").pk)
    assert "its standby takes over" in plan.warnings[0]


def test_a_stopped_member_is_started(pair, broker):
    RuntimeStatus.objects.filter(application=pair[1]).update(status="Stopped", mode="")
    assert fix(finding("A38"), OPERATOR).job.kind == JobKind.START

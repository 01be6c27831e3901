"""What ``asker`` does for the audit: look on the hosts of a pair, judge it, put a finding right."""

import time

from provisioning.applications.selectors.applications import find_application
from provisioning.audit.services import fix as remedies
from provisioning.audit.worker.run import run_audit
from provisioning.core.permissions import command_line_actor
from provisioning.looks import services as looks
from provisioning.models import Application, Job, PairAudit
from provisioning.states import ACTIVE_JOBS, AuditTrigger, JobKind

ENDS_S = 20.0
ACTOR = command_line_actor("scenario")


def look(name: str) -> dict:
    """A look that began after this question; the hosts that could not be looked on."""
    row = find_application(name)
    hosts = {key for key in (row.host_id, row.backup_server.host_id if row.backup_server else None) if key}
    _wait(Job.objects.filter(kind=JobKind.COLLECT_FACTS, host__in=hosts))
    looked = looks.look_at_hosts(actor=ACTOR, host_ids=hosts)
    _wait(Job.objects.filter(pk__in=[job.pk for job in looked.jobs]))
    return {"refused": [refusal.message for refusal in looked.refusals.values()]}


def _wait(jobs) -> None:
    until = time.monotonic() + ENDS_S
    while jobs.filter(state__in=ACTIVE_JOBS).exists():
        assert time.monotonic() < until, f"no end within {ENDS_S:g} s: {list(jobs)}"
        time.sleep(0.03)


def audit(name: str) -> dict:
    row = find_application(name)
    run_audit([row.pk], trigger=AuditTrigger.DEMAND, asked_by=ACTOR.name)
    found = PairAudit.objects.get(primary=row.pk, is_latest=True)
    names = dict(Application.objects.values_list("pk", "name"))
    return {"verdict": found.verdict, "unknown": [
        {"sentence": each["sentence"], "codes": each["codes"]} for each in found.unknown], "findings": [
        {"id": each.pk, "code": each.code, "about": [names[key] for key in each.about], "subject": each.subject,
         "sentence": each.sentence, "remedy": each.remedy} for each in found.findings.all()]}


def fix(finding_id: int) -> dict:
    """{job} that is under way, "" when all is done. Raises Refused."""
    plan = remedies.plan(actor=ACTOR, finding_id=finding_id)
    done = remedies.apply(actor=ACTOR, finding_id=finding_id, token=plan.token)
    return {"job": str(done.job.pk) if done.job else ""}


def store(name: str, **fields) -> dict:
    Application.objects.filter(name=name).update(**fields)
    return {}

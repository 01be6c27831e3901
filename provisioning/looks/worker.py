"""Looks on hosts: what is true there of the members of pairs, collected by one job a host."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from provisioning.core import changes
from provisioning.core.control_client import configuration_server
from provisioning.core.rows import with_key
from provisioning.drafts import ApplicationDraft
from provisioning.jobs.found import bounded
from provisioning.jobs.kinds import AFTER, EFFECT, FAULT, KINDS
from provisioning.jobs.selectors.installed import installed
from provisioning.jobs.worker import dispatch
from provisioning.models import Application, FoundOnHost, Host, Job, JobStep
from provisioning.models.applications import os_account
from provisioning.states import ACTIVE_JOBS, HostStatus, JobKind, JobState

log = logging.getLogger(__name__)

BY_ITSELF = "Pairwise"
"""Who asked for a look that nobody asked for."""
KEEP = 5
"""So many looks of a host are kept."""
TICK = timedelta(seconds=15)
"""How often it is looked which hosts are due."""
AT_ONCE = 5
_PER_APPLICATION = ("directory", "program", "start_files", "process", "listeners", "runs", "runs_problem", "version",
                    "changed", "disk_free_bytes")


# --- asking for one

def can_look(host: Host) -> bool:
    """True when its agent is connected and knows how to."""
    runtime = getattr(host, "runtime", None)
    return bool(host.enabled and runtime and runtime.status == HostStatus.RUNNING and runtime.facts.get("looks"))


def look_at(host: Host, *, asked_by: str = BY_ITSELF) -> Job | None:
    """A new look, handed over when the running transaction is committed; None when one is under way or nothing that is
    looked at is installed there."""
    rows = list(installed().filter(host=host).distinct().order_by("pk").select_related(
        "host", "backup_server__host", "primary_server__host").prefetch_related("ports"))
    if not rows:
        return None
    try:
        with transaction.atomic():
            _forget_old(host)
            job = Job.objects.create(kind=JobKind.COLLECT_FACTS, host=host, host_name=host.name, created_by=asked_by,
                                     arguments=_arguments(rows))
            JobStep.objects.bulk_create(JobStep(job=job, number=number, name=name)
                                        for number, name in enumerate(KINDS[JobKind.COLLECT_FACTS].steps))
            changes.tell(*dispatch.topics(job), f"host:{host.pk}")
            transaction.on_commit(lambda: dispatch.hand_over(job.pk))
    except IntegrityError:
        return None
    return job


def _arguments(rows: list[Application]) -> dict:
    return {
        "applications": [{"id": row.pk, "name": row.name, **asked_of(row), "hosts": _hosts_of(row),
                          "ports": [port.port for port in row.ports.all()]} for row in rows],
        "configuration_server": configuration_server(),
    }


def _hosts_of(row: Application) -> dict[str, str]:
    """{name: IP Address} of the hosts of its pair."""
    own = (row, row.backup_server, getattr(row, "primary_server", None))
    return {each.host.name: each.host.ip_address for each in own if each is not None and each.host is not None}


def _forget_old(host: Host) -> None:
    ended = Job.objects.filter(kind=JobKind.COLLECT_FACTS, host=host).exclude(state__in=ACTIVE_JOBS)
    old = list(ended.order_by("-created_at").values_list("pk", flat=True)[KEEP - 1:])
    if old:
        Job.objects.filter(pk__in=old).delete()


# --- what came of one

@FAULT.of(JobKind.COLLECT_FACTS)
def fault(job: Job, result: dict) -> str:
    """"" when the result can be used, else a clause."""
    found = result.get("found")
    usable = isinstance(found, dict) and isinstance(found.get("applications"), list)
    return "" if usable else "it did not say what it found"


@EFFECT.of(JobKind.COLLECT_FACTS)
def record(job: Job, result: dict) -> None:
    """Keep what a look found, of the applications that it was asked about and that are still on this host."""
    if job.host_id is None or _is_outdated(job, job.host_id):
        return
    found = result["found"]
    told = {each["name"]: each for each in found["applications"] if isinstance(each, dict) and isinstance(
        each.get("name"), str)}
    asked = {each["id"]: each for each in job.arguments["applications"]}
    at = timezone.now()
    there = Application.objects.filter(pk__in=asked, host_id=job.host_id).values_list("pk", flat=True)
    FoundOnHost.objects.bulk_create(
        [FoundOnHost(application_id=key, host_id=job.host_id, at=at, body=_body(facts, found, asked[key]))
         for key in there if (facts := told.get(asked[key]["name"])) is not None],
        update_conflicts=True, unique_fields=["application"], update_fields=["host", "at", "body"])
    changes.tell(f"host:{job.host_id}", *(f"application:{key}" for key in asked))


def _table(value: object) -> dict:
    return value if isinstance(value, dict) else {}


def _body(facts: dict, found: dict, asked: dict) -> dict:
    names, reverse = (_table(found.get(kind)) for kind in ("names", "reverse"))
    own = set(asked["hosts"].values())
    body = {name: facts[name] for name in _PER_APPLICATION if name in facts} | {
        "names": {name: names[name] for name in asked["hosts"] if name in names},
        "reverse": {address: name for address, name in reverse.items() if address in own},
        "clock_synchronized": found.get("clock_synchronized"),
        "asked": {name: asked[name] for name in ("directory", "command_line", "log_on_as")}}
    return bounded(body)


def _is_outdated(job: Job, host_id: int) -> bool:
    """True when a later look of the host succeeded while this one was thought lost."""
    return Job.objects.filter(kind=JobKind.COLLECT_FACTS, host_id=host_id, state=JobState.SUCCEEDED,
                              created_at__gt=job.created_at, created_at__lte=timezone.now()).exists()


@AFTER.append
def after(job: Job) -> None:
    """When a job has ended: look at what it changed. A look during which another job ended has missed its end.

    While jobs are under way that somebody waits for, the schedule looks instead.
    """
    if settings.PAIRWISE_LOOK_MINUTES and Job.objects.filter(state__in=ACTIVE_JOBS).exclude(
            kind=JobKind.COLLECT_FACTS).exists():
        return
    host = with_key(Host.objects.select_related("runtime"), job.host_id)
    if host is None or not can_look(host):
        return
    if job.kind == JobKind.COLLECT_FACTS and not Job.objects.filter(
            host=host, finished_at__gt=job.started_at or job.created_at, created_at__gt=timezone.now() - timedelta(
                hours=1)).exclude(kind=JobKind.COLLECT_FACTS).exists():
        return
    if job.application_id is None or installed().filter(pk=job.application_id).exists():
        look_at(host)


# --- the schedule


def asked_of(row: Application | ApplicationDraft) -> dict[str, str]:
    """What a look on the host goes by."""
    return {"directory": row.working_directory, "command_line": row.command_line,
            "log_on_as": os_account(row.log_on_as)}

"""Creates Jobs (kinds: jobs.kinds), cancels them and runs them again. The work itself happens on the host."""

import re
import uuid
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from provisioning.applications.rules import application_refusals
from provisioning.applications.rules.fields import directory_refusals, is_absolute
from provisioning.applications.rules.management_layer import management_layer
from provisioning.applications.selectors.applications import application_draft, get_application
from provisioning.applications.services.facts import application_facts
from provisioning.catalog.selectors import packages_for
from provisioning.core import changes
from provisioning.core.control import control_seen
from provisioning.core.control_client import configuration_server
from provisioning.core.permissions import Actor
from provisioning.errors import Refusal, Refused
from provisioning.hosts.selectors.hosts import get_host
from provisioning.jobs.kinds import ASK, KINDS, ask_again
from provisioning.jobs.selectors.jobs import get_job
from provisioning.jobs.selectors.readiness import look_refusals, refusals
from provisioning.jobs.worker import dispatch, states
from provisioning.models import Application, Host, InstallationPackage, Job, JobStep
from provisioning.states import RETRYABLE_JOBS, JobKind, JobState

from .last_reports import wait_for_last_reports
from .log_on import settle_account


@ASK.of(JobKind.INSTALL)
def install_application(*, actor: Actor, application_id: int, path: str = "", log_on_as: str = "",
                        seen_account: str | None = None, is_choice: bool = True) -> Job:
    """Install the newest package of the application's type, into ``path`` when given, to run as ``log_on_as`` when
    given, which was chosen when ``seen_account`` was stored; not ``is_choice``: nobody was asked for it. Raises
    Refused, also where it would run as root and nobody chose that, and NotFound."""
    row = _ready(actor, application_id, JobKind.INSTALL)
    package = _package_for(row)
    _check_path(row, path)
    settle_account(actor=actor, row=row, log_on_as=log_on_as, seen=seen_account, is_choice=is_choice)
    return _create(actor, row, JobKind.INSTALL, _install_arguments(row, package, path))


@ASK.of(JobKind.START)
def start_application(*, actor: Actor, application_id: int) -> Job:
    """Start an installed application that is stopped. Raises Refused, NotFound."""
    row = _ready(actor, application_id, JobKind.START)
    return _create(actor, row, JobKind.START, supervised_fields(row))


@ASK.of(JobKind.STOP)
def stop_application(*, actor: Actor, application_id: int, graceful: bool = False) -> Job:
    """Stop a running application; ``graceful`` lets it finish what it has in hand. Raises Refused, NotFound."""
    row = _ready(actor, application_id, JobKind.STOP)
    return _create(actor, row, JobKind.STOP, _stop_arguments(row, graceful=graceful))


@ASK.of(JobKind.RESTART)
def restart_application(*, actor: Actor, application_id: int) -> Job:
    """Stop a running application and start it again, in one job; a standby takes over meanwhile. Raises Refused,
    NotFound."""
    row = _ready(actor, application_id, JobKind.RESTART)
    return _create(actor, row, JobKind.RESTART, {**supervised_fields(row), **_stop_arguments(row, graceful=False)})


@ASK.of(JobKind.CHECK_START_FILES)
def check_start_files(*, actor: Actor, application_id: int) -> Job:
    """Read run.sh and startServer.bat on the host and compare them with what they should be (guide step 4). Raises
    Refused, NotFound."""
    row = _ready(actor, application_id, JobKind.CHECK_START_FILES)
    return _create(actor, row, JobKind.CHECK_START_FILES, _start_file_arguments(row))


@ASK.of(JobKind.REPAIR_START_FILES)
def repair_start_files(*, actor: Actor, application_id: int, seen: dict[str, str]) -> Job:
    """Write the start files as they should be. ``seen`` is {file name: sha256} of the check whose difference was
    shown; the host refuses when they are not that any more. Raises Refused, NotFound."""
    row = _ready(actor, application_id, JobKind.REPAIR_START_FILES)
    if not seen or not all(re.fullmatch(r"|[0-9a-f]{64}", str(sha256)) for sha256 in seen.values()):
        raise Refused(Refusal(f"Check the start files of {row.name} first, and look at what differs.", "",
                              (row.link,)))
    return _create(actor, row, JobKind.REPAIR_START_FILES, {**_start_file_arguments(row), "seen": dict(seen)})


@ASK.of(JobKind.MAKE_CERTIFICATES)
def make_certificates(*, actor: Actor, application_id: int) -> Job:
    """Have the console make a certificate for the secured ports of the application, and write it on its host. Raises
    Refused, NotFound."""
    row = _ready(actor, application_id, JobKind.MAKE_CERTIFICATES)
    return _create(actor, row, JobKind.MAKE_CERTIFICATES, {
        "directory": row.working_directory, "log_on_as": row.os_account,
        "certificate_path": f"/host-api/applications/{row.pk}/certificate"})


def cancel_job(*, actor: Actor, job_id: uuid.UUID) -> Job:
    """Cancel a job: at once while it is queued, else the host is asked to end the work and reports when it did."""
    job = get_job(job_id)
    actor.require(KINDS[job.kind].permission)
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job.pk)
        asked: dict[str, Any] = {"cancel_requested_at": timezone.now(), "cancel_requested_by": actor.name}
        if not job.is_active:
            raise Refused(Refusal(f"{job} has ended already ({job.get_state_display()}).", "", (job.link,)))
        if job.state == JobState.QUEUED:
            states.move(job, JobState.CANCELLED, reason=f"Cancelled by {actor.name} before a host took it.", **asked)
        else:
            Job.objects.filter(pk=job.pk).update(**asked)
            changes.tell(*dispatch.topics(job))
        transaction.on_commit(lambda: dispatch.revoke(job, terminate=True))
    job.refresh_from_db()
    return job


def retry_job(*, actor: Actor, job_id: uuid.UUID) -> Job:
    """Hand a job that the broker did not get over again (the same job), or run a failed one again (a new job)."""
    job = get_job(job_id)
    actor.require(KINDS[job.kind].permission)
    if job.state == JobState.QUEUED and job.enqueued_at is None:
        dispatch.hand_over(job.pk)
        job.refresh_from_db()
        return job
    if stands := again_refusals(job):
        raise Refused(*stands)
    again = ask_again(actor, job)
    Job.objects.filter(pk=again.pk).update(retry_of=job, batch=job.batch)
    if job.batch:
        changes.tell(f"batch:{job.batch}")
    again.refresh_from_db()
    return again


def _ready(actor: Actor, application_id: int, kind: JobKind) -> Application:
    """The application, for which ``actor`` can make a job of ``kind`` now. Raises NotAllowed, Refused, NotFound."""
    actor.require(KINDS[kind].permission)
    wait_for_last_reports([application_id])
    row = get_application(application_id)
    if stands := refusals(row, kind):
        raise Refused(*stands)
    return row


def _host(row: Application) -> Host:
    """Where it is to run; there is one, or the judge would have said so."""
    if row.host is None:
        raise Refused(f"{row.name} has no Host.")
    return row.host


def _package_for(row: Application) -> InstallationPackage:
    """The newest one; there is one, or the judge would have said so."""
    return max(packages_for(row.type, _host(row).os_type),
               key=lambda package: (_version_key(package.version), package.imported_at))


def _version_key(version: str) -> tuple:
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"[._-]", version))


def _check_path(row: Application, path: str) -> None:
    if not path or path == ".":
        return
    found = directory_refusals(path, _host(row).os_type, field="path", label="Path")
    if not found:
        draft = replace(application_draft(row), working_directory=path)
        found = [Refusal(r.message, "path", r.links) for r in application_refusals(
            draft, application_facts(draft, Application.objects.get(pk=row.pk))) if r.field == "working_directory"]
    if found:
        raise Refused(*found)


def _install_arguments(row: Application, package: InstallationPackage, path: str) -> dict:
    own = row.working_directory if is_absolute(row.working_directory, _host(row).os_type) else ""
    others = Application.objects.filter(host=row.host).exclude(pk=row.pk).values_list("working_directory", flat=True)
    return {
        "package": {"id": package.pk, "path": f"/host-api/packages/{package.pk}/file",
                    "filename": f"{package.nickname or package.name}-{package.version}.tar.gz",
                    "sha256": package.sha256, "size": package.size, "version": package.version},
        "path_given": path, "directory": (path if path != "." else "") or own,
        "application_secret_path": f"/host-api/applications/{row.pk}/secret",
        "configuration_server": configuration_server(),
        "directory_name": directory_name(row),
        "taken_directories": sorted(d for d in others if is_absolute(d, _host(row).os_type)),
        "log_on_as": row.os_account,
    }


def _stop_arguments(row: Application, *, graceful: bool) -> dict:
    return {"graceful": bool(graceful), "shutdown_timeout": row.shutdown_timeout,
            "suspending_wait_timeout": _management_layer(row)["suspending_wait_timeout"]}


def _start_file_arguments(row: Application) -> dict:
    return {"directory": row.working_directory, "log_on_as": row.os_account,
            "configuration_server": configuration_server()}


def directory_name(row: Application) -> str:
    """A directory name of the application's own: its name where that is safe, else made so and told apart by key."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "_", row.name).strip("._-")[:100]
    return row.name if safe == row.name else f"{safe or 'application'}-{row.pk}"


def _management_layer(row: Application) -> dict:
    return management_layer(row.options_dict(annex=True, masked=False))


def supervised_fields(row: Application) -> dict:
    """The fields of protocol.messages.Supervised of one application."""
    return {
        "name": row.name, "enabled": row.enabled, "working_directory": row.working_directory,
        "command_line": row.command_line, "command_line_arguments": row.command_line_arguments,
        "startup_timeout": row.startup_timeout, "shutdown_timeout": row.shutdown_timeout,
        "auto_restart": row.auto_restart, "log_on_as": row.os_account,
        **_management_layer(row),
    }


def _create(actor: Actor, row: Application, kind: JobKind, arguments: dict) -> Job:
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=kind, application_id=row.pk, application_name=row.name, host=row.host, host_name=_host(row).name,
                arguments=arguments, created_by=actor.name)
            JobStep.objects.bulk_create(JobStep(job=job, number=number, name=name)
                                        for number, name in enumerate(KINDS[kind].steps))
            changes.tell(*dispatch.topics(job))
            transaction.on_commit(lambda: dispatch.hand_over(job.pk))
    except IntegrityError:
        stands = refusals(get_application(row.pk), kind)
        raise Refused(*stands or [Refusal(f"{row.name} was changed at the same moment. Try again.")]) from None
    job.refresh_from_db()
    return job


def again_refusals(job: Job) -> list[Refusal]:
    """Everything that stands against running ``job`` again, which has been handed over; what lacks only its last report
    is waited for."""
    if job.state not in RETRYABLE_JOBS:
        return [Refusal(f"{job} is {job.get_state_display()}; only a job that failed, was cancelled or was lost can be "
                        "run again.", "", (job.link,))]
    if KINDS[job.kind].of_host:
        if job.host_id is None:
            return [Refusal(f"Host {job.host_name} was deleted, so this job cannot be run again.")]
        return look_refusals([get_host(job.host_id)], control_seen())[job.host_id]
    if job.application_id is None:
        return [Refusal(f"{job.application_name} was deleted, so this job cannot be run again.")]
    return refusals(get_application(job.application_id), job.kind, waits=True)

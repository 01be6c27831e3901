"""What the end of a job does to its application."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import F
from django.utils import timezone

from provisioning import changes, history
from provisioning.models import Application, Job
from provisioning.permissions import Actor
from provisioning.rules import reported
from provisioning.states import JobKind, JobState

from . import certificate_ports, looks, refusals, states

_FILLED_IN = ("working_directory", "command_line", "command_line_arguments", "version")


def finish(job: Job, state: JobState, *, at: datetime, result: dict, fields: dict) -> bool:
    """End ``job`` and, in the same transaction, write an install's findings into the application; False when the job
    had ended before. A success whose result cannot be used becomes an error."""
    if state == JobState.SUCCEEDED and job.kind in _FAULTS:
        fault = _FAULTS[job.kind](job, result)
        if fault:
            refusals.record(host=job.host, kind="result", text=f"{job.host_name}, {job}: {fault}.")
            state, fields = JobState.ERROR, {
                "reason": f"The host reported a finished {job.get_kind_display().lower()}, but {fault}.",
                "advice": "Look at the log below and run it again.", "reference": fields.get("reference", "")}
    # What a look found is kept with the applications; here it would be kept a second time.
    kept = {} if job.kind == JobKind.COLLECT_FACTS else result
    if not states.move(job, state, at=at, result=kept, **fields):
        return False
    if state == JobState.SUCCEEDED and job.kind in _EFFECTS:
        _EFFECTS[job.kind](job, result)
    looks.after(job)
    return True


def _install_fault(job: Job, result: dict) -> str:
    return reported.install_fault(job.arguments, result, application=job.application_name,
                                  install_root=job.host.install_root if job.host else "")


_FAULTS: dict[str, Callable[[Job, dict], str]] = {
    JobKind.INSTALL: _install_fault,
    JobKind.MAKE_CERTIFICATES: lambda job, result: (
        certificate_ports.fault(result) or reported.certificates_fault(job.arguments, result)),
    JobKind.COLLECT_FACTS: lambda job, result: looks.fault(result)}


def _fill_in(job: Job, result: dict) -> None:
    row = Application.objects.select_for_update().filter(pk=job.application_id).first()
    if row is None or _is_outdated(job):
        return
    before = history.snapshot(row)
    values = {name: result[name] for name in _FILLED_IN}
    if any(getattr(row, name) != value for name, value in values.items()):
        Application.objects.filter(pk=row.pk).update(
            revision=F("revision") + 1, changed_by=job.created_by, changed_at=timezone.now(), **values)
        actor = Actor(name=job.created_by, origin=f"job on {job.host_name}", request_id=str(job.pk))
        # The row is locked: nothing else of it has changed.
        history.record(actor=actor, row=row, before=before, after={**before, **values, "revision": row.revision + 1},
                       reason=f"Installed by job {job.pk} on host {job.host_name}.")
    changes.tell(f"application:{row.pk}", "applications", applications=[row.name])


def _is_outdated(job: Job) -> bool:
    """True when a later install succeeded while this job was thought lost."""
    later = Job.objects.filter(application_id=job.application_id, kind=JobKind.INSTALL, state=JobState.SUCCEEDED)
    return later.filter(created_at__gt=job.created_at).exists()


_EFFECTS = {JobKind.INSTALL: _fill_in, JobKind.MAKE_CERTIFICATES: certificate_ports.fill_in,
            JobKind.COLLECT_FACTS: looks.record}

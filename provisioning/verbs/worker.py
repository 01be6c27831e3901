"""What the end of *install* does to its application."""

from django.db.models import F
from django.utils import timezone

from provisioning.core import changes
from provisioning.core.permissions import Actor
from provisioning.core.rows import with_key
from provisioning.history import history
from provisioning.jobs.kinds import EFFECT, FAULT
from provisioning.jobs.rules import reported
from provisioning.models import Application, Job
from provisioning.states import JobKind, JobState

_FILLED_IN = ("working_directory", "command_line", "command_line_arguments", "version")


@FAULT.of(JobKind.INSTALL)
def fault(job: Job, result: dict) -> str:
    """"" when the result can be used, else a clause."""
    return reported.install_fault(job.arguments, result, application=job.application_name,
                                  install_root=job.host.install_root if job.host else "")


@EFFECT.of(JobKind.INSTALL)
def fill_in(job: Job, result: dict) -> None:
    """Write what the installation found into the application, unless a later one did."""
    row = with_key(Application.objects.select_for_update(), job.application_id)
    if row is None or _is_outdated(job, row):
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


def _is_outdated(job: Job, row: Application) -> bool:
    """True when a later install succeeded while this job was thought lost."""
    later = Job.objects.filter(application=row, kind=JobKind.INSTALL, state=JobState.SUCCEEDED)
    return later.filter(created_at__gt=job.created_at).exists()

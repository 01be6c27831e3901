"""What the end of *make_certificates* does to the ports of its application."""

import re

from django.db.models import F
from django.utils import timezone

from provisioning.core import changes
from provisioning.core.permissions import Actor
from provisioning.core.rows import with_key
from provisioning.core.text import parse_parameters
from provisioning.history import history
from provisioning.jobs.kinds import EFFECT, FAULT
from provisioning.jobs.rules import reported
from provisioning.models import Application, Job
from provisioning.states import JobKind

NAMES = {"certificate": "certificate", "certificate_key": "certificate-key", "trusted_ca": "trusted-ca"}
"""Name in the result → name in Transport Parameters."""
_PATH = re.compile(r"/[^;\x00-\x1f\x7f]{1,300}")


@FAULT.of(JobKind.MAKE_CERTIFICATES)
def fault(job: Job, result: dict) -> str:
    """"" when the result can be used, else a clause."""
    return _path_fault(result) or reported.certificates_fault(job.arguments, result)


def _path_fault(result: dict) -> str:
    for name in NAMES:
        value = result.get(name)
        if not isinstance(value, str) or not _PATH.fullmatch(value) or value != value.strip():
            return f"it did not say a usable path of {name.replace('_', ' ')}"
    return ""


@EFFECT.of(JobKind.MAKE_CERTIFICATES)
def fill_in(job: Job, result: dict) -> None:
    """Name the files in the Transport Parameters of every secured port."""
    row = with_key(Application.objects.select_for_update(), job.application_id)
    if row is None:
        return
    before, changed = history.snapshot(row), False
    for port in row.ports.all():
        text = with_files(port.transport_parameters, result) if port.is_secured else port.transport_parameters
        if text != port.transport_parameters:
            port.transport_parameters, changed = text, True
            port.save(update_fields=["transport_parameters"])
    if changed:
        Application.objects.filter(pk=row.pk).update(
            revision=F("revision") + 1, changed_by=job.created_by, changed_at=timezone.now())
        row = Application.objects.get(pk=row.pk)
        actor = Actor(name=job.created_by, origin=f"job on {job.host_name}", request_id=str(job.pk))
        history.record(actor=actor, row=row, before=before, after=history.snapshot(row),
                       reason=f"Certificates were made by job {job.pk} on host {job.host_name}.")
    changes.tell(f"application:{row.pk}", "applications", applications=[row.name])


def with_files(transport: str, result: dict) -> str:
    """``transport`` with the files of ``result``; everything else in it stays."""
    parameters = parse_parameters(transport) | {name: result[key] for key, name in NAMES.items()}
    return ";".join(f"{name}={value}" for name, value in parameters.items())

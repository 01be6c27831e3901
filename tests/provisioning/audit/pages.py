"""The audit as its pages show it, and what people do there."""

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from provisioning.audit.worker.run import run_audit
from provisioning.models import Application, Finding
from provisioning.states import AuditTrigger


def audit(*rows: Application):
    return run_audit([row.pk for row in rows] or None, trigger=AuditTrigger.SCHEDULE)


def change(row: Application, **fields) -> None:
    Application.objects.filter(pk=row.pk).update(**fields)


def sheet(row: Application) -> str:
    return reverse("audit-sheet", args=[row.pk])


def found(row: Application, code: str) -> Finding:
    return Finding.objects.get(audit__primary=row, audit__is_latest=True, code=code)


def waive(client, primary, code="A27", **fields):
    address = reverse("audit-finding-waive", args=[primary.pk, found(primary, code).pk])
    day = timezone.now().date() + timedelta(days=7)
    return client.post(address, {"reason": "Restarted by hand until May", "expires_on": day.isoformat(), **fields})

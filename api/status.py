"""``/status`` and ``/health``: everything at once, as ``manage.py status --json`` and ``/healthz`` say it."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from provisioning.core.health import DOWN, OK
from provisioning.monitoring.selectors.status import status_report
from provisioning.monitoring.services.health import health

from .changes import answered
from .statuses import Health, Status

router = Router(tags=["console"])


@router.get("/status", response=Status, summary="The status of everything")
def status(request: HttpRequest) -> HttpResponse:
    return answered(status_report(), Status)


@router.get("/health", response=Health, summary="Do the parts of the console answer?")
def health_of_console(request: HttpRequest) -> HttpResponse:
    """Also 200 when one is down: /healthz, which needs no token, answers 503 then."""
    components = health()
    ok = all(component.status == OK for component in components.values())
    return answered({"status": OK if ok else DOWN, "components": {
        name: component.as_dict() for name, component in components.items()}}, Health)

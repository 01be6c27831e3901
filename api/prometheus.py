"""``/prometheus/targets``: where /metrics is, as Prometheus asks for it (http_sd_configs)."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel, TypeAdapter

from provisioning.metrics.discovery import targets

router = Router(tags=["console"])


class Targets(BaseModel):
    """``targets``: host:port. ``labels``: what the scrape goes by."""

    targets: list[str]
    labels: dict[str, str]


_ALL = TypeAdapter(list[Targets])


@router.get("/prometheus/targets", response=list[Targets], summary="Where Prometheus finds the metrics")
def prometheus_targets(request: HttpRequest) -> HttpResponse:
    """One target, as every web process gives the same figures; none while PAIRWISE_METRICS is off."""
    console = settings.PAIRWISE_CONSOLE_URL or request.build_absolute_uri("/")
    found = targets(console) if settings.PAIRWISE_METRICS else []
    return HttpResponse(_ALL.dump_json(_ALL.validate_python(found)), content_type="application/json")

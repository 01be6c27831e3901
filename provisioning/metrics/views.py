"""``/metrics`` for Prometheus and what reads its format."""

import threading
import time

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseForbidden
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from provisioning.core.permissions import origin_of

from .networks import may_ask
from .rules import families
from .selectors import measured
from .text import content_type, written

KEPT_S = 5.0
"""So old may an answer be: whoever asks oftener costs nothing."""
_lock = threading.Lock()
_kept: dict[str, tuple[float, bytes]] = {}


@require_safe
@never_cache
@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """404 where PAIRWISE_METRICS is off, 403 for who may not see them, 503 while the database does not answer."""
    if not settings.PAIRWISE_METRICS:
        raise Http404
    if not may_ask(origin_of(request), settings.PAIRWISE_METRICS):
        return HttpResponseForbidden("PAIRWISE_METRICS names other networks than yours.", content_type="text/plain")
    kind = content_type(request.headers.get("Accept", ""))
    try:
        return HttpResponse(_body(kind), content_type=kind)
    except DatabaseError:
        return HttpResponse("The Configuration Database does not answer.", status=503, content_type="text/plain")


def _body(kind: str) -> bytes:
    """One answer of each kind for all who ask within KEPT_S; they wait for each other. Raises DatabaseError."""
    with _lock:
        at, body = _kept.get(kind, (0.0, b""))
        if not body or time.monotonic() - at > KEPT_S:
            body = written(families(measured(), settings.PAIRWISE_VERSION), kind)
            _kept[kind] = time.monotonic(), body
        return body

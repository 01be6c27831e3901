"""``/metrics`` for Prometheus and what reads its format."""

import threading
import time

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_safe

from provisioning.accounts.services.tokens import require_metrics_token
from provisioning.core.database_trouble import AWAY, Trouble
from provisioning.core.database_version import trouble_with
from provisioning.core.permissions import origin_of
from provisioning.errors import NotAllowed, NotSignedIn, TooMany

from .networks import FORWARDED, TOKEN, may_ask
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
    """404 where PAIRWISE_METRICS is off, 401, 403 and 429 for who may not see them, 503 while the database does not
    answer."""
    if not settings.PAIRWISE_METRICS:
        raise Http404
    kind = content_type(request.headers.get("Accept", ""))
    try:
        return _refused(request) or HttpResponse(_body(kind), content_type=kind)
    except DatabaseError as error:
        return _text((trouble_with(error) or Trouble(AWAY)).explained, 503)


@sensitive_variables("token")
def _refused(request: HttpRequest) -> HttpResponse | None:
    """None for who may ask."""
    said = settings.PAIRWISE_METRICS
    if may_ask(origin_of(request), said, forwarded=any(name in request.headers for name in FORWARDED)):
        return None
    if TOKEN not in said:
        return _text("PAIRWISE_METRICS names other networks than yours.", 403)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return _text("Show a token for metrics (Authorization: Bearer pw_…).", 401, **{"WWW-Authenticate": "Bearer"})
    try:
        require_metrics_token(token, address=origin_of(request))
    except NotSignedIn as error:
        return _text(str(error), 401, **{"WWW-Authenticate": "Bearer"})
    except NotAllowed as error:
        return _text(str(error), 403)
    except TooMany as error:
        return _text(str(error), 429, **{"Retry-After": str(error.retry_after_s)})
    return None


def _text(sentence: str, status: int, **headers: str) -> HttpResponse:
    return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8", headers=headers)


def _body(kind: str) -> bytes:
    """One answer of each kind for all who ask within KEPT_S; they wait for each other. Raises DatabaseError."""
    with _lock:
        at, body = _kept.get(kind, (0.0, b""))
        if not body or time.monotonic() - at > KEPT_S:
            body = written(families(measured(), settings.PAIRWISE_VERSION, settings.PAIRWISE_CONSOLE_URL), kind)
            _kept[kind] = time.monotonic(), body
        return body

"""``/healthz``, ``/readyz`` and ``/livez``: do the parts of the console answer? No login, no secrets; they work while
anything is down."""

from django.contrib.auth.decorators import login_not_required
from django.http import JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from provisioning.core.health import DOWN, OK, Component
from provisioning.monitoring.services.health import health

NEEDED = ("database", "control")
"""Without these a web process has nothing to say that counts."""


@require_safe
@never_cache
@login_not_required
def healthz(request):
    """200 when every component answers, else 503; the same shape both ways."""
    return _answer(health())


@require_safe
@never_cache
@login_not_required
def readyz(request):
    """As ``healthz``, of what somebody who sends requests here has to know: 503 while no page would say what is true.
    """
    found = health()
    return _answer({name: found[name] for name in NEEDED})


@require_safe
@never_cache
@login_not_required
def livez(request):
    """200 while this process answers, whatever else is down: restarting it would mend none of that."""
    return _answer({})


def _answer(components: dict[str, Component]) -> JsonResponse:
    ok = all(component.status == OK for component in components.values())
    answer = JsonResponse(
        {"status": OK if ok else DOWN,
         "components": {name: component.as_dict() for name, component in components.items()}},
        status=200 if ok else 503,
    )
    # Somebody asks every second while the console starts: the answer is the message, not a line in the log each time.
    answer._has_been_logged = True  # type: ignore[attr-defined]  # what Django's own log looks for
    return answer

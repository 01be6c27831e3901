"""``/healthz``: do the parts of the console answer? No login, no secrets; works while anything is down."""

from django.contrib.auth.decorators import login_not_required
from django.http import JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from provisioning.monitoring.services.health import health


@require_safe
@never_cache
@login_not_required
def healthz(request):
    """200 when every component answers, else 503; the same shape both ways."""
    components = health()
    ok = all(component.status == "ok" for component in components.values())
    answer = JsonResponse(
        {"status": "ok" if ok else "down",
         "components": {name: component.as_dict() for name, component in components.items()}},
        status=200 if ok else 503,
    )
    # Somebody asks every second while the console starts: the answer is the message, not a line in the log each time.
    answer._has_been_logged = True  # type: ignore[attr-defined]  # what Django's own log looks for
    return answer

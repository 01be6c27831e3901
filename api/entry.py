"""Where a request below ``/api/`` comes in. Without ninja: whoever reads the addresses of the console, as every process
does that makes a link, does not load it."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from provisioning.web.pages import page, show
from provisioning.web.reached import not_taken


@require_safe
@page()
def reference(request: HttpRequest) -> HttpResponse:
    """What programs can ask for, as a page."""
    from .outline import groups
    from .root import api as root
    return show(request, "api/reference.html", {"groups": groups(root.get_openapi_schema())})


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler of requests that it does not take, such as those for another host."""
    if not request.path.startswith("/api/"):
        return not_taken(request, exception)
    from .handling import refused_unread
    return refused_unread(request, exception)


@csrf_exempt
@login_not_required
def api(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Everything but the stream. Whoever comes with a session, and not with a token, has to show a CSRF token."""
    from .handling import answer
    return answer(request, rest)

"""Where a request below ``/api/`` comes in. Without ninja: whoever reads the addresses of the console, as every process
does that makes a link, does not load it."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
@login_not_required
def api(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Everything but the stream. Whoever comes with a session, and not with a token, has to show a CSRF token."""
    from .handling import answer
    return answer(request, rest)

"""Before what is dangerous whoever asks shows anew who they are, unless that was done a moment ago: a page that was
left open, or a session that was stolen, is not enough."""

from functools import wraps
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from provisioning.accounts.selectors.factors import must_confirm
from provisioning.web.sessions import CONFIRMED

ASK = "X-Pairwise-Confirm"
"""Header of what a script gets instead: static/js/confirm.js asks without leaving the page."""


def has_confirmed(request) -> None:
    request.session[CONFIRMED] = timezone.now().isoformat()


def confirmed(view):
    """Decorates a view, below its ``page``, that asks whoever has not shown for CONFIRMED_FOR who they are. Who has
    neither a password nor a second factor here is not asked: there is nothing to ask for."""

    @wraps(view)
    def asked(request, *args, **kwargs):
        return asked_first(request) or view(request, *args, **kwargs)

    return asked


def asked_first(request) -> HttpResponse | None:
    """The answer to a request that is not carried out before its sender has shown who it is; None for one that is."""
    if not must_confirm(request.session, request.user):
        return None
    if request.htmx:
        return HttpResponse(status=401, headers={ASK: reverse("confirm")})
    if request.method == "POST":
        from .confirmation import confirm_page  # only who is asked needs what it takes

        return confirm_page(request, keep=True)
    return redirect(f"{reverse('confirm')}?{urlencode({'next': request.get_full_path()})}")

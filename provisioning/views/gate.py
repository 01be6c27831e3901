"""Whoever has to sign in first is sent there, and comes back to where they were; whoever signed in with a password that
somebody else made chooses another one first."""

from urllib.parse import urlencode, urlsplit

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse

from provisioning.views.answers import safe_address

MUST_CHANGE = "must_change_password"
"""In the session of somebody who signed in with a password for one sign-in."""
MEANWHILE = frozenset({"password-change", "logout"})
"""What they may do until they have chosen another."""


def must_change(request) -> bool:
    return bool(getattr(request, "session", {}).get(MUST_CHANGE))


class SignInRequired(LoginRequiredMiddleware):
    """A script is told to leave for the sign-in page, with status 401: redirected, it would put that page into the part
    of a page that it asked for."""

    def process_view(self, request, view_func, view_args, view_kwargs):
        answer = super().process_view(request, view_func, view_args, view_kwargs)
        is_open = not getattr(view_func, "login_required", True)
        if answer is not None or is_open or not must_change(request):
            return answer
        return None if request.resolver_match.url_name in MEANWHILE else _leave(request, reverse("password-change"))

    def handle_no_permission(self, request, view_func):
        if not request.htmx:
            return super().handle_no_permission(request, view_func)
        shown = safe_address(request, request.headers.get("HX-Current-URL", ""), "/")
        back = urlsplit(shown)._replace(scheme="", netloc="", fragment="").geturl()
        address = f"{resolve_url(self.get_login_url(view_func))}?{urlencode({'next': back}, safe='/')}"
        return HttpResponse(status=401, headers={"HX-Redirect": address})


def _leave(request, address: str) -> HttpResponse:
    if not request.htmx:
        return redirect(address)
    if urlsplit(request.headers.get("HX-Current-URL", "")).path == address:
        # A part of the page that keeps itself up to date: it must not load the form anew while somebody types.
        return HttpResponse(status=204)
    return HttpResponse(status=403, headers={"HX-Redirect": address})

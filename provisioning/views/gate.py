"""Whoever has to sign in first is sent there, and comes back to where they were."""

from urllib.parse import urlencode, urlsplit

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpResponse
from django.shortcuts import resolve_url

from provisioning.views.answers import safe_address


class SignInRequired(LoginRequiredMiddleware):
    """A script is told to leave for the sign-in page, with status 401: redirected, it would put that page into the part
    of a page that it asked for."""

    def handle_no_permission(self, request, view_func):
        if not request.htmx:
            return super().handle_no_permission(request, view_func)
        shown = safe_address(request, request.headers.get("HX-Current-URL", ""), "/")
        back = urlsplit(shown)._replace(scheme="", netloc="", fragment="").geturl()
        address = f"{resolve_url(self.get_login_url(view_func))}?{urlencode({'next': back}, safe='/')}"
        return HttpResponse(status=401, headers={"HX-Redirect": address})

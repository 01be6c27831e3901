"""Whoever has to sign in first is sent there, and comes back to where they were; whoever signed in with a password that
somebody else made chooses another one first; whoever must have a second factor sets one up first."""

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse

from provisioning.accounts.forms.sign_in import SignInForm
from provisioning.accounts.selectors.single_sign_on import sign_in_by
from provisioning.web.answers import say
from provisioning.web.kept import WITHOUT_FORM, kept_of, kept_page, sealed
from provisioning.web.lists import parts_of

from .one_sign_in import CHOOSE_FIRST, SET_UP_FIRST, must_change, must_set_up
from .session_life import BY_ITSELF

SIGN_IN = "X-Pairwise-Sign-In"
"""Header of what a script gets that is not signed in: static/js/session.js signs in without leaving the page."""
MEANWHILE = frozenset({"password-change", "logout"})
"""What they may do until they have chosen another."""
WITHOUT_FACTOR = MEANWHILE | {"account", "confirm", "factor-app", "factor-passkey", "factor-codes"}
"""What those may do who have to set up a second factor first."""


class SignInRequired(LoginRequiredMiddleware):
    """A script is told that it is signed out (401, with where to sign in) and leaves its page as it is; a form that was
    posted comes back, filled in, after signing in."""

    def process_view(self, request, view_func, view_args, view_kwargs):
        answer = super().process_view(request, view_func, view_args, view_kwargs)
        is_open = not getattr(view_func, "login_required", True)
        if answer is not None or is_open:
            return answer
        here = request.resolver_match.url_name
        if must_change(request):
            return None if here in MEANWHILE else _leave(
                request, reverse("password-change"), "Choose another password first", CHOOSE_FIRST, choose_first=True)
        if must_set_up(request):
            return None if here in WITHOUT_FACTOR else _leave(
                request, reverse("account"), "Set up a second factor first", SET_UP_FIRST)
        return None

    def handle_no_permission(self, request, view_func):
        if _asks_for_a_stream(request):
            return HttpResponse(status=204)
        if request.htmx:
            return HttpResponse(status=401, headers={SIGN_IN: resolve_url(self.get_login_url(view_func))})
        if request.method == "POST" and request.resolver_match.url_name not in WITHOUT_FORM:
            return sign_in_page(request)
        return super().handle_no_permission(request, view_func)


def _asks_for_a_stream(request) -> bool:
    """A page that goes away, or asks for itself soon: with 204 its browser gives up, of a page it would complain."""
    return request.headers.get("Accept") == "text/event-stream"


def _leave(request, address: str, heading: str, sentence: str, *, choose_first: bool = False) -> HttpResponse:
    if _asks_for_a_stream(request):
        return HttpResponse(status=204)
    if not request.htmx:
        return redirect(address) if request.method != "POST" else kept_page(
            request, kept_of(request), heading=heading, sentence="Before that nothing else can be done.", status=403,
            choose_first=choose_first)
    shown = parts_of(request.htmx.current_url or "")
    if BY_ITSELF in request.headers or (shown is not None and shown.path == address):
        # A part of the page that keeps itself up to date: nobody asked for it, and nobody is told.
        return HttpResponse(status=204)
    return say(request, sentence, 403)


def sign_in_page(request) -> HttpResponse:
    """For somebody who posted a form without being signed in any more (401): nothing was done, and what was typed comes
    back after signing in."""
    kept = sealed(request)
    answer = render(request, "accounts/login.html", {
        "form": SignInForm(request), "kept": kept, "lost": not kept, "sso": sign_in_by(), "next": resolve_url("home")},
        status=401)
    answer.headers["Cache-Control"] = "no-store"
    return answer

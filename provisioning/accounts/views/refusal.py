"""Pages on the way in and out: why somebody is not let in, and where it goes on elsewhere."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from provisioning.accounts.rules.sign_in import minutes_left
from provisioning.accounts.services.sign_in import SignInRefused
from provisioning.web.answers import say


def refusal_page(request, refused: SignInRefused, status: int = 403) -> HttpResponse:
    if refused.lock is not None:
        return locked_page(request, refused.lock)
    if request.htmx:
        return say(request, str(refused), status)
    answer = render(request, "accounts/refused.html", {"sentence": str(refused)}, status=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def locked_page(request, lock, kept: str = "") -> HttpResponse:
    """For whoever cannot sign in before ``lock`` ends (429); ``kept`` is what was typed before."""
    now = timezone.now()
    answer = say(request, lock.words, 429) if request.htmx else render(request, "accounts/locked.html", {
        "lock": lock, "minutes": minutes_left(lock.until, now), "kept": kept}, status=429)
    answer.headers["Retry-After"] = str(max(1, int((lock.until - now).total_seconds())))
    return answer


def onward_page(request, address: str) -> HttpResponse:
    """On to ``address`` at the provider of single sign-on. A form must not lead elsewhere (form-action of our
    Content-Security-Policy, which counts for every redirect behind it, too), so a page of ours goes there by itself."""
    answer = render(request, "accounts/onward.html", {"address": address, "name": settings.PAIRWISE_OIDC_NAME})
    answer.headers["Refresh"] = f"0; url={address}"
    answer.headers["Cache-Control"] = "no-store"
    return answer

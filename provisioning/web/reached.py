"""Requests that reach the console by a way on which nothing would work: by a name that it does not go by, in the plain
where it is used over HTTPS, through a proxy that it does not know. Whoever sent one is told what to set."""

from django.conf import settings
from django.core.exceptions import DisallowedHost, SuspiciousOperation
from django.http import HttpResponse
from django.template import loader
from django.utils.deprecation import MiddlewareMixin

from provisioning.core.arrival import (
    PEER,
    Arrival,
    Wrong,
    foreign_form,
    is_among,
    networks,
    not_over_https,
    unknown_host,
)

from .answers import in_words
from .lists import parts_of

FOR_MACHINES = frozenset({"healthz", "livez", "readyz", "metrics"})
"""Names of addresses that programs ask without a session, past the proxy too; people look at them with a browser."""
API = frozenset({"api", "api-stream"})
UNREADABLE = Wrong("This request cannot be read", "What was sent cannot be read, and nothing was done.",
                   "Go back and try again. If it happens every time, a proxy in front may change what it passes on.")


class WrongWay(SuspiciousOperation):
    """The request came by a way on which nothing would work; ``wrong`` says why."""

    def __init__(self, wrong: Wrong):
        super().__init__(str(wrong))
        self.wrong = wrong


class Reached(MiddlewareMixin):
    """Raises DisallowedHost or WrongWay, which Django's handler of such requests answers (``wrong_with``)."""

    def process_request(self, request) -> None:
        # Where PAIRWISE_ALLOWED_HOSTS is ``*`` Django takes hosts with which no address can be read, like ``[1:2:3]``;
        # whatever makes an address of one would fail.
        if parts_of(f"//{request.get_host()}") is None:
            raise DisallowedHost("The header Host names no host.")

    def process_view(self, request, view, args, kwargs) -> None:
        if request.is_secure() or not settings.SESSION_COOKIE_SECURE or not needs_https(request):
            return
        arrival = arrival_of(request)
        if not arrival.is_of_this_machine:
            raise WrongWay(not_over_https(arrival, settings.PAIRWISE_CONSOLE_URL))


def needs_https(request) -> bool:
    """Whether a browser asks for a page, or a program shows who it is. Hosts do not: what they ask is signed."""
    name = request.resolver_match.url_name
    return name in API or (name not in FOR_MACHINES and "text/html" in request.headers.get("Accept", ""))


def arrival_of(request) -> Arrival:
    """How ``request`` came, whatever is wrong with it."""
    client = request.META.get("REMOTE_ADDR", "")
    peer = getattr(request, "scope", {}).get(PEER, client)
    return Arrival(
        scheme=request.scheme, host=request.META.get("HTTP_HOST", ""), peer=peer, client=client,
        is_trusted=is_among(peer, networks(settings.PAIRWISE_TRUSTED_PROXIES)),
        proto=request.headers.get("X-Forwarded-Proto", ""), forwarded_for=request.headers.get("X-Forwarded-For", ""))


def wrong_with(request, error: Exception) -> Wrong | None:
    """What ``error``, for which Django does not take ``request``, says of the way it came; None for another kind."""
    if isinstance(error, WrongWay):
        return error.wrong
    if isinstance(error, DisallowedHost):
        return unknown_host(request.META.get("HTTP_HOST", ""), settings.PAIRWISE_CONSOLE_URL)
    return None


def foreign(request) -> Wrong | None:
    """None when the browser says that a page of this console sent ``request``."""
    origin = request.headers.get("Origin", "")
    if origin == f"{request.scheme}://{request.get_host()}" or origin in settings.CSRF_TRUSTED_ORIGINS:
        return None
    return foreign_form(origin, arrival_of(request), settings.PAIRWISE_CONSOLE_URL)


def not_taken(request, error: Exception) -> HttpResponse:
    """The page about a request that Django does not take (400)."""
    return wrong_page(request, wrong_with(request, error) or UNREADABLE, 400)


def wrong_page(request, wrong: Wrong, status: int, *, back: str = "") -> HttpResponse:
    """``wrong`` to whoever asked, with a way ``back`` where there is one. Nothing in the page asks the database, or
    makes an address of the header Host."""
    context = {"wrong": wrong, "back": back, "console": settings.PAIRWISE_CONSOLE_URL,
               "theme": request.COOKIES.get("pairwise_theme", "")}
    answer = in_words(request, status, f"{wrong.heading}. {wrong}",
                      lambda: loader.render_to_string("web/wrong_way.html", context))
    answer.headers["Cache-Control"] = "no-store"
    return answer

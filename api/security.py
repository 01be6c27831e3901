"""Who asks: a program with a token, or a browser that is signed in."""

import uuid
from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.views.decorators.debug import sensitive_variables
from ninja.security import APIKeyCookie, HttpBearer

from provisioning.accounts.selectors.factors import must_confirm
from provisioning.accounts.services.tokens import actor_of_token
from provisioning.core.permissions import READ_ONLY, VIEW, Actor, actor_of, origin_of
from provisioning.errors import NotAllowed, NotSignedIn
from provisioning.web.reached import foreign
from provisioning.web.sessions import must_change, must_set_up

READS = ("GET", "HEAD", "OPTIONS")
WITHOUT_CSRF = ("Nothing was changed: a request with the cookie of a session needs the CSRF token of a page "
                "(X-CSRFToken). Programs show a token instead (Authorization: Bearer pw_…).")
CHOOSE_FIRST = "The password was good for one sign-in. Choose another one on the pages of the console first."
SET_UP_FIRST = "A second factor is required of you. Set one up on the pages of the console first, in Your account."


class Token(HttpBearer):
    """``Authorization: Bearer pw_…``."""

    @sensitive_variables("token")
    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        """Raises NotSignedIn, NotAllowed, TooMany."""
        actor = actor_of_token(token, address=origin_of(request), request_id=request_id(request))
        if actor.read_only and request.method not in READS:
            raise NotAllowed(READ_ONLY)
        # Where permissions.actor_of keeps it.
        request._pairwise_actor = actor  # type: ignore[attr-defined]
        actor.require(VIEW)
        return actor


def _nothing(request: HttpRequest) -> HttpResponse:
    """Stands for a view, which is not called."""
    return HttpResponse()


class Csrf(CsrfViewMiddleware):
    """Django's own check, which answers with a reason in place of a page."""

    def _reject(self, request, reason):
        return reason

    @classmethod
    def is_missing(cls, request: HttpRequest) -> bool:
        """Whether the request would change something and has not got it."""
        check = cls(_nothing)
        request.csrf_processing_done = False  # type: ignore[attr-defined]  # as no view of the API looks by itself
        check.process_request(request)
        return check.process_view(request, _nothing, (), {}) is not None


class Session(APIKeyCookie):
    """The session of a browser; what changes something needs its CSRF token, too."""

    param_name = settings.SESSION_COOKIE_NAME

    def __init__(self) -> None:
        super().__init__(csrf=False)
        # The name of the cookie has the port of the console in it, and the description of the API is one for all.
        self.openapi_security_schema["name"] = "pairwise_session"

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor | None:
        """Raises NotSignedIn, NotAllowed."""
        if not key or not request.user.is_authenticated:
            return None
        if must_change(request):
            raise NotSignedIn(CHOOSE_FIRST)
        if must_set_up(request):
            raise NotSignedIn(SET_UP_FIRST)
        if Csrf.is_missing(request):
            wrong = foreign(request) if "Origin" in request.headers else None
            raise NotAllowed(str(wrong or WITHOUT_CSRF))
        actor = actor_of(request)
        actor.require(VIEW)
        if request.method in READS:
            return actor
        return replace(actor, unconfirmed=must_confirm(request.session, request.user))


def request_id(request: HttpRequest) -> str:
    """What groups the entries of History of one request: of the client where it is a UUID."""
    try:
        return str(uuid.UUID(request.headers.get("X-Request-ID", "")))
    except ValueError:
        return str(uuid.uuid4())

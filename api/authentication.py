"""Who asks, once for a request, before anything of it is looked at."""

from dataclasses import replace

from django.http import HttpRequest

from protocol.places import place_of
from provisioning.core.permissions import Actor, actor_of, origin_of
from provisioning.errors import NotSignedIn, TooMany

from . import security
from .limiter import Limiter

SIGN_IN = ("Send the header Authorization: Bearer with an API token. You make one in the console: the menu with your "
           "name, Your account, API tokens.")
TOO_FAST = "So many requests came that this one was not looked at. Nothing was changed. Wait as Retry-After says."
limiter, strangers = Limiter(), Limiter(rate=2.0, burst=20.0)
"""Of those who showed who they are, and of addresses for what is answered to everybody."""
_token, _session = security.Token(), security.Session()


def authenticated(request: HttpRequest, request_id: str) -> Actor:
    """Who sent ``request``, kept on it as ``actor_of`` has it. A token that is shown counts alone: a wrong one is not
    made good by a session. Raises NotSignedIn, NotAllowed, TooMany."""
    found = (_token if "Authorization" in request.headers else _session)(request)
    if not found:
        raise NotSignedIn(SIGN_IN)
    actor = replace(found, request_id=request_id)
    request._pairwise_actor = actor  # type: ignore[attr-defined]  # as permissions.actor_of keeps it
    if wait := limiter.wait_s(f"{actor.user_id} {actor.token}"):
        raise TooMany(TOO_FAST, retry_after_s=max(1, round(wait)))
    return actor


def require_patience(request: HttpRequest) -> None:
    """Of whoever asks without saying who it is. Raises TooMany."""
    if wait := strangers.wait_s(place_of(origin_of(request))):
        raise TooMany(TOO_FAST, retry_after_s=max(1, round(wait)))


class Token(security.Token):
    """As ``security`` describes it; that it is good has been looked at before ninja is asked."""

    def __call__(self, request: HttpRequest) -> Actor:
        return actor_of(request)


class Session(security.Session):
    """As ``Token``, of a browser."""

    def __call__(self, request: HttpRequest) -> Actor:
        return actor_of(request)

"""Who a session is of, and which sessions a user has. A request, a stream and the gate before Django ask the same."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

BEGUN_SIGN_IN = "account_login"
"""In the session of somebody who has to show a second factor yet: of allauth, which keeps there who it is."""
MUST_CHANGE = "must_change_password"
"""In the session of somebody who signed in with a password for one sign-in."""
CONFIRMED = "confirmed"
"""In a session: when its user last showed who it is, ISO 8601."""
FACTOR_FROM = "factor_from"
"""In the session of somebody of whom a second factor is required who has none: from when, ISO 8601."""


def must_change(request: HttpRequest) -> bool:
    """Whether who asks has to choose another password first."""
    return bool(getattr(request, "session", {}).get(MUST_CHANGE))


def factor_from(request: HttpRequest) -> datetime | None:
    """From when a second factor has to be set up before anything else; None where none has to."""
    said = getattr(request, "session", {}).get(FACTOR_FROM)
    return datetime.fromisoformat(said) if said else None


def must_set_up(request: HttpRequest) -> bool:
    """Whether who asks has to set up a second factor first."""
    at = factor_from(request)
    return at is not None and at <= timezone.now()


def user_of_session(session_key: str | None) -> User | AnonymousUser:
    """The user whose session this still is: it is there, and neither a disabled user nor a changed password has ended
    it."""
    request = HttpRequest()
    request.session = import_string(f"{settings.SESSION_ENGINE}.SessionStore")(session_key)
    return get_user(request)


def sessions_of(user_id: int) -> Iterator[tuple[str, bool]]:
    """(key, whether it is signed in) of each session of the user: one that is not waits for the second factor. Reads
    all sessions, of which there are as many as sign-ins that were used within SESSION_COOKIE_AGE."""
    for row in Session.objects.filter(expire_date__gt=timezone.now()):
        said = row.get_decoded()
        whose = said.get(SESSION_KEY)
        if str(user_id) in (whose, _begun_by(said)):
            yield row.session_key, whose == str(user_id)


def _begun_by(said: Mapping[str, Any]) -> str | None:
    begun = said.get(BEGUN_SIGN_IN)
    return begun.get("user_pk") if isinstance(begun, dict) else None

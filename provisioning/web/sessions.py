"""Who a session is of, and which sessions a user has. A request, a stream and the gate before Django ask the same."""

from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string


def user_of_session(session_key: str | None) -> User | AnonymousUser:
    """The user whose session this still is: it is there, and neither a disabled user nor a changed password has ended
    it."""
    request = HttpRequest()
    request.session = import_string(f"{settings.SESSION_ENGINE}.SessionStore")(session_key)
    return get_user(request)


def sessions_of(user_id: int) -> Iterator[str]:
    """Keys of the sessions of the user. Reads all sessions, of which there are as many as sign-ins that were
    used within SESSION_COOKIE_AGE."""
    for row in Session.objects.filter(expire_date__gt=timezone.now()):
        if row.get_decoded().get(SESSION_KEY) == str(user_id):
            yield row.session_key

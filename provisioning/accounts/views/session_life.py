"""How long a session lasts: SESSION_COOKIE_AGE after its last use, SESSION_LONGEST_S after the sign-in. Parts of a page
that keep themselves up to date are no use: a page that is left open does not keep anybody signed in."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.sessions.backends.base import UpdateError
from django.db import DatabaseError
from django.http import JsonResponse
from django.middleware.csrf import get_token
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from provisioning.core.database_version import trouble_with
from provisioning.web.sessions import CONFIRMED

from .one_sign_in import CHOOSE_FIRST, must_change

log = logging.getLogger(__name__)

BEGUN = "begun"
"""In a session: when somebody signed in, ISO 8601."""
EXACT_TO = timedelta(minutes=5)
"""A use moves the end of the session when it gains so much: not every request writes it down."""
BACKGROUND = frozenset({"stream", "troubles"})
"""Addresses that pages ask by themselves."""
BY_ITSELF = "X-Pairwise-Background"
"""Header with which static/js/answers.js says the same of another request."""


def begin(session, now: datetime) -> None:
    """Somebody has just signed in with this session."""
    session[BEGUN] = now.isoformat()
    session.set_expiry(now + timedelta(seconds=settings.SESSION_COOKIE_AGE))


def latest_end(session, now: datetime) -> datetime:
    """When the session ends if it is used now."""
    longest = datetime.fromisoformat(session[BEGUN]) + timedelta(seconds=settings.SESSION_LONGEST_S)
    return min(now + timedelta(seconds=settings.SESSION_COOKIE_AGE), longest)


def left_s(session, now: datetime) -> int:
    """Seconds until it ends without being used."""
    return max(0, int((session.get_expiry_date() - now).total_seconds()))


def use(request, now: datetime, exact_to: timedelta = EXACT_TO) -> BaseException | None:
    """Move the end of the session, if that gains more than ``exact_to``. It is written down at once, and not with the
    answer: while the database is busy (which is what is returned) a page is answered all the same, and the next use
    tries again."""
    session = request.session
    if BEGUN in session and latest_end(session, now) - session.get_expiry_date() <= exact_to:
        return None
    before, was_modified = dict(session.items()), session.modified
    if BEGUN not in session:
        # Of a console that did not write it down.
        begin(session, now)
    session.set_expiry(latest_end(session, now))
    try:
        session.save()
    except (UpdateError, DatabaseError) as error:
        log.info("the end of a session was not moved: %s", error)
        session.clear()
        session.update(before)
        return error.__context__ if isinstance(error, UpdateError) else error
    finally:
        session.modified = was_modified
    request.session_moved = True
    return None


def on_signed_in(*, request, **_signal) -> None:
    """Receiver of django.contrib.auth's ``user_logged_in``."""
    now = timezone.now()
    begin(request.session, now)
    request.session[CONFIRMED] = now.isoformat()


class SessionLife:
    """Middleware: what somebody asks for by hand keeps the session."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        answer = self.get_response(request)
        if getattr(request, "session_moved", False):
            answer.set_cookie(
                settings.SESSION_COOKIE_NAME, request.session.session_key, max_age=request.session.get_expiry_age(),
                secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite=settings.SESSION_COOKIE_SAMESITE)
        return answer

    def process_view(self, request, view, _args, _kwargs):
        by_itself = request.resolver_match.url_name in BACKGROUND or BY_ITSELF in request.headers
        if getattr(view, "login_required", True) and not by_itself:
            use(request, timezone.now())


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def session(request):
    """For scripts: who is signed in ("" for nobody), how long, the token of forms, and a sentence for somebody who has
    to choose another password first (else ""). POST stays signed in."""
    now, here = timezone.now(), request.user.is_authenticated
    if here and request.method == "POST":
        error = use(request, now, timedelta(seconds=1))
        if error is not None and trouble_with(error):
            raise error
    left = left_s(request.session, now) if here else 0
    gains = here and BEGUN in request.session and latest_end(request.session, now) - now > timedelta(seconds=left + 1)
    return JsonResponse({"name": request.user.get_username(), "left_s": left, "may_stay": gains,
                         "token": get_token(request), "choose_first": CHOOSE_FIRST if must_change(request) else ""})

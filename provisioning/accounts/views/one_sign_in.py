"""What somebody who has signed in does before anything else: choose another password, where an Administrator made the
one that was used; set up a second factor, where one is required and the time to do it is over."""

from datetime import datetime

from django.utils import timezone

MUST_CHANGE = "must_change_password"
"""In the session of somebody who signed in with a password for one sign-in."""
BY_PROVIDER = "by_provider"
"""In the session of somebody who signed in by single sign-on."""
FACTOR_FROM = "factor_from"
"""In the session of somebody of whom a second factor is required who has none: from when, ISO 8601."""
CHOOSE_FIRST = ("Nothing was changed: choose another password first. Change password is in the menu with your name; "
                "open it in a new tab to keep this page.")
SET_UP_FIRST = ("Nothing was changed: set up a second factor first, in Your account, which is in the menu with your "
                "name; open it in a new tab to keep this page.")


def must_change(request) -> bool:
    return bool(getattr(request, "session", {}).get(MUST_CHANGE))


def factor_from(request) -> datetime | None:
    """From when a second factor has to be set up before anything else; None where none has to."""
    said = getattr(request, "session", {}).get(FACTOR_FROM)
    return datetime.fromisoformat(said) if said else None


def must_set_up(request) -> bool:
    at = factor_from(request)
    return at is not None and at <= timezone.now()

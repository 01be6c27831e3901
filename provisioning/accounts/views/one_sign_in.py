"""Who signed in with a password that somebody else made: it is good for that one sign-in, and another one is chosen
first."""

MUST_CHANGE = "must_change_password"
"""In the session of somebody who signed in with a password for one sign-in."""
CHOOSE_FIRST = ("Nothing was changed: choose another password first. Change password is in the menu with your name; "
                "open it in a new tab to keep this page.")


def must_change(request) -> bool:
    return bool(getattr(request, "session", {}).get(MUST_CHANGE))

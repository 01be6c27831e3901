"""Who signed in with a password that somebody else made: it is good for that one sign-in, and another one is chosen
first."""

from provisioning.web.sessions import MUST_CHANGE, must_change

__all__ = ["CHOOSE_FIRST", "MUST_CHANGE", "must_change"]

CHOOSE_FIRST = ("Nothing was changed: choose another password first. Change password is in the menu with your name; "
                "open it in a new tab to keep this page.")

"""What somebody who has signed in does before anything else: choose another password, where an Administrator made the
one that was used; set up a second factor, where one is required and the time to do it is over."""

from provisioning.web.sessions import FACTOR_FROM, MUST_CHANGE, factor_from, must_change, must_set_up

__all__ = ["BY_PROVIDER", "CHOOSE_FIRST", "FACTOR_FROM", "MUST_CHANGE", "SET_UP_FIRST", "factor_from", "must_change",
           "must_set_up"]

BY_PROVIDER = "by_provider"
"""In the session of somebody who signed in by single sign-on."""
CHOOSE_FIRST = ("Nothing was changed: choose another password first. Change password is in the menu with your name; "
                "open it in a new tab to keep this page.")
SET_UP_FIRST = ("Nothing was changed: set up a second factor first, in Your account, which is in the menu with your "
                "name; open it in a new tab to keep this page.")

"""Logins of the centralized log, made of an application's secret as those of failover drills are: one for each
publisher, which may only send to ``/log/*``, and one for the console's reader, which may only subscribe there.

Nobody hands them out to people, and no client has one.
"""

from . import auth

PREFIX = "pairwise.log."
READER = f"{PREFIX}reader"
_PUBLISHER = f"{PREFIX}publisher."


def publisher(name: str) -> str:
    """The login of the publisher ``name``: an application, ``agent.<host>``, or one of the console's own programs."""
    return f"{_PUBLISHER}{name}"


CONSOLE = publisher("console")
"""The only one whose records may have the category audit."""
PROGRAMS = publisher("programs")
"""What `manage.py logmsg` sends for whoever calls it."""


def is_of_log(login: str) -> bool:
    return login.startswith(PREFIX)


def publishes(login: str) -> bool:
    return login.startswith(_PUBLISHER) and login != _PUBLISHER


def passcode(secret: str, login: str) -> str:
    """The passcode of ``login`` at the server whose secret this is."""
    return auth.log_passcode(secret, login)


def opens(secret: str, login: str, given: str) -> bool:
    """Whether ``login`` is one of the log and ``given`` its passcode at the server with this ``secret``."""
    right = auth.same(passcode(secret, login), given)
    return bool(secret) and right and (login == READER or publishes(login))

"""The login by which the console itself is a client of a Message Server, made of the application's secret as those of
failover drills are: it reads and writes everything and asks the server about itself.

Nobody hands it out to people, and no client has it.
"""

from . import auth

PREFIX = "pairwise.console"
LOGIN = PREFIX


def is_of_console(login: str) -> bool:
    return login == LOGIN or login.startswith(f"{PREFIX}.")


def passcode(secret: str, login: str = LOGIN) -> str:
    """The passcode of the console at the server whose secret this is."""
    return auth.console_passcode(secret, login)


def opens(secret: str, login: str, given: str) -> bool:
    """Whether ``login`` is the console's and ``given`` its passcode at the server with this ``secret``."""
    right = auth.same(passcode(secret, login), given)
    return bool(secret) and right and login == LOGIN

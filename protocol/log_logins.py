"""Logins of the centralized log, made of an application's secret as those of failover drills are: one for each
publisher, which may only send to ``/log/*``, and one for the console's reader, which may only subscribe there.

Nobody hands them out to people, and no client has one.
"""

from . import auth

PREFIX = "pairwise.log."
READER = f"{PREFIX}reader"
_SERVER, _AGENT = f"{PREFIX}server.", f"{PREFIX}agent."
AGENT, AGENT_TYPE = "LCA", "Local Control Agent"
"""What the agents of all hosts are called as application, and their type."""


def server(name: str) -> str:
    """The login of the Message Server ``name``, which says what it does itself and nothing else."""
    return f"{_SERVER}{name}"


def agent(host: str) -> str:
    """The login of the agent of ``host``, as ``server``."""
    return f"{_AGENT}{host}"


def agent_host(login: str) -> str:
    """The host whose agent has this login, "" for none."""
    return login.removeprefix(_AGENT) if _named(login, _AGENT) else ""


CONSOLE = f"{PREFIX}publisher.console"
"""The only one whose records may have the category audit."""
DEDUP = "pairwise-"
"""What its ``dedup-id`` begin with: of nobody else, who could have its records taken for known ones."""
PROGRAMS = f"{PREFIX}publisher.programs"
"""What `manage.py logmsg` sends for whoever calls it."""


def is_of_log(login: str) -> bool:
    return login.startswith(PREFIX)


def publishes(login: str) -> bool:
    return login in (CONSOLE, PROGRAMS) or _named(login, _SERVER) or _named(login, _AGENT)


def may_say(login: str, application: str, host: str) -> bool:
    """Whether the publisher ``login`` may publish what ``application`` on ``host`` says."""
    if _named(login, _SERVER):
        return login == server(application)
    if _named(login, _AGENT):
        return application == AGENT and login == agent(host)
    return True


def _named(login: str, prefix: str) -> bool:
    return login.startswith(prefix) and login != prefix


def passcode(secret: str, login: str) -> str:
    """The passcode of ``login`` at the server whose secret this is."""
    return auth.log_passcode(secret, login)


def opens(secret: str, login: str, given: str) -> bool:
    """Whether ``login`` is one of the log and ``given`` its passcode at the server with this ``secret``."""
    right = auth.same(passcode(secret, login), given)
    return bool(secret) and right and (login == READER or publishes(login))

"""What this host says of itself beside its processes: accounts, and whether it finds the console by name."""

import contextlib
import functools
import getpass
import os
import pwd
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from protocol.names import CONSOLE_DATA, SERVERS_ACCOUNTS

from .config import AgentConfig

NAMES_MAX = 200


@functools.lru_cache(maxsize=256)
def name_of(uid: int) -> str:
    """The account's name, or its number when it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def account_of(pid: int) -> str:
    """The account that process ``pid`` runs as, "" when there is no such process."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""
    # Not the owner of /proc/PID: that is root for a process that changed accounts and may not be dumped.
    return name_of(int(status.partition("\nUid:")[2].split()[1]))


def own_account() -> str:
    return getpass.getuser()


def accounts(names: Iterable[str]) -> dict[str, str]:
    """{Log On As account: ok | missing | not permitted | console} for the accounts that applications of this host log
    on as; "console" for one that reads the secrets of a console on this machine."""
    return {name: log_on(name) for name in sorted(set(names) - {""})[:NAMES_MAX]}


def log_on(name: str) -> str:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return "missing"
    if os.geteuid() == 0:
        return "console" if is_consoles(entry) else "ok"
    return "ok" if name == own_account() else "not permitted"


def is_consoles(entry: pwd.struct_passwd) -> bool:
    """Whether a console that is a service of this machine runs as that account, or did and left its data. Its own agent
    is not meant, which has no other account."""
    with contextlib.suppress(OSError):
        return entry.pw_uid != 0 and os.lstat(CONSOLE_DATA).st_uid == entry.pw_uid
    return False


def service_account() -> str:
    """The account that this host has for servers, "" when it has none or may not take it, or when it is root's or a
    console's."""
    return next((name for name in SERVERS_ACCOUNTS if log_on(name) == "ok" and pwd.getpwnam(name).pw_uid != 0), "")


def comes_back_by(config: AgentConfig) -> str:
    """What starts this agent after a restart of the machine, as joining found it: systemd, cron or nothing; "" for one
    that a console started."""
    try:
        return (config.path.parent / "comes_back_by").read_text().strip()[:20]
    except OSError:
        return ""


def names_to_find(config: AgentConfig) -> tuple[str, ...]:
    """Names, not addresses, by which this host is to find its console, control and broker."""
    hosts = [urlsplit(config.console_url).hostname, urlsplit(config.broker_url).hostname,
             *(endpoint.host for endpoint in config.control)]
    return tuple(dict.fromkeys(host for host in hosts if host and not _is_address(host)))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def resolved(names: Iterable[str]) -> dict[str, list[str]]:
    """{name: its addresses here}; takes as long as the resolver takes."""
    found: dict[str, list[str]] = {}
    for name in names:
        try:
            answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
            found[name] = sorted({str(entry[4][0]) for entry in answers})
        except OSError:
            found[name] = []
    return found

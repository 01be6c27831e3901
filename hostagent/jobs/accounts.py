"""The OS accounts that own an application's files."""

import os
import pwd

from protocol.names import SERVERS_ACCOUNT

from ..surroundings import is_consoles, name_of
from .errors import JobFailed

__all__ = ["account_named", "name_of", "owner_of", "refuse_consoles"]


def account_named(name: str) -> pwd.struct_passwd | None:
    """The OS account that shall own the files; None for the agent's own. Raises JobFailed."""
    if not name or os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise JobFailed(f"The OS account {name} (Log On As) does not exist on this host.",
                        "Create it, or clear Log On As.") from None


def refuse_consoles(account: pwd.struct_passwd | None) -> None:
    """A server shall not read the secrets of a console that is a service of the same machine. Raises JobFailed."""
    if account is not None and is_consoles(account):
        raise JobFailed(f"The OS account {account.pw_name} (Log On As) is that of a console on this machine, whose "
                        "secrets the server could read.", f"Choose {SERVERS_ACCOUNT} as Log On As.")


def owner_of(account: pwd.struct_passwd | None) -> tuple[int, int] | None:
    """(uid, gid) that files of ``account`` are given to; None when they stay this process's own."""
    return (account.pw_uid, account.pw_gid) if account else None

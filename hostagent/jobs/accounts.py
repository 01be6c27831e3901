"""The OS accounts that own an application's files."""

import os
import pwd

from .errors import JobFailed


def account_named(name: str) -> pwd.struct_passwd | None:
    """The OS account that shall own the files; None for the agent's own. Raises JobFailed."""
    if not name or os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise JobFailed(f"The OS account {name} (Log On As) does not exist on this host.",
                        "Create it, or clear Log On As.") from None


def name_of(uid: int) -> str:
    """The account's name, or its number when it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)

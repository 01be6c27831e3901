"""Names that mean the same to several processes."""

import hashlib
import re

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""What a machine alone reaches."""
WILDCARDS = frozenset({"", "0.0.0.0", "::"})
"""What stands for all addresses of a machine, and leads nowhere from another one."""
CONSOLE_ACCOUNT, CONSOLE_DATA = "pairwise", "/var/lib/pairwise"
"""Of a console that is a service: its account and what that alone may read, with the console's secrets in it."""
SERVERS_ACCOUNT = "pairwise-servers"
"""The account that servers are to run as. Joining makes it where the agent is a service of root's; people may make it
elsewhere."""
SERVERS_ACCOUNTS = (SERVERS_ACCOUNT, CONSOLE_ACCOUNT)
"""Of which a host has the first one that is there and not a console's: joining made the second one before. No host
names another one to the console."""


def safe_name(name: str) -> str:
    """A file name for an application's name, different for different names."""
    readable = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:60].lstrip(".") or "application"
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"

"""Under which names and addresses this console is reached: what its certificate has to be for."""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]  # it brings no types

from protocol.names import LOOPBACK


def names_for(*, given: Iterable[str], machine: Iterable[str] = ()) -> tuple[str, ...]:
    """DNS names and addresses, without doubles, in a fixed order. Of ``given``, and of what ``machine`` is called,
    those stay that a certificate can name; ".example.com" becomes "*.example.com" as well."""
    found = set(LOOPBACK)
    for each in (*given, *machine):
        name = each.strip().strip("[]").lower()
        if name.startswith("."):
            found |= {f"*{name}", name[1:]}
        elif name and name != "*":
            found.add(name)
    return tuple(sorted(filter(_can_be_named, found)))


def _can_be_named(name: str) -> bool:
    if is_address(name):
        return True
    bare = name.removeprefix("*.")
    return name.isascii() and len(name) <= 253 and all(
        0 < len(label) <= 63 and label.replace("-", "").replace("_", "").isalnum() for label in bare.split("."))


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def of_this_machine() -> tuple[str, ...]:
    """What this machine is called, and the addresses of its cards that others may use."""
    addresses = [each.address for cards in psutil.net_if_addrs().values() for each in cards
                 if each.family in (socket.AF_INET, socket.AF_INET6) and "%" not in each.address]
    return (socket.gethostname(), *addresses)


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""

"""Targets in words, for pages. Pure."""

import re

from .rules.addresses import CONFIRMED, scheme_of, way_of


def way_label(address: str) -> str:
    way = way_of(address)
    return way.label if way is not None else "–"


def address_of(address: str) -> str:
    """What follows a "?" is often a password of some kind."""
    return re.split(r"[?#]", address, maxsplit=1)[0]


def is_confirmed(address: str) -> bool:
    """Whether it is known that what was sent was read."""
    return scheme_of(address) in CONFIRMED


def advice(address: str, reached: bool) -> str:
    """What to do about a test that was not taken."""
    if not reached:
        return "Look whether the address is right, whether the receiver runs, and whether this machine reaches it."
    return "The receiver was there and did not take it. What it said is below; its own log may say more."

"""Who may see metrics: what PAIRWISE_METRICS says. Pure."""

import ipaddress
from collections.abc import Iterable

TOKEN = "token"
WORDS: dict[str, tuple[str, ...]] = {
    "loopback": ("127.0.0.0/8", "::1/128"), "open": ("0.0.0.0/0", "::/0"), TOKEN: ()}
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")
"""Headers of a request that somebody sends on for somebody else."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(said: Iterable[str]) -> list[Network]:
    """Of words, addresses or networks. Raises ValueError."""
    return [ipaddress.ip_network(each, strict=False) for word in said for each in WORDS.get(word, (word,))]


def may_ask(address: str, said: Iterable[str], *, forwarded: bool = False) -> bool:
    """Whether somebody at ``address`` is in one of them, without a token; nobody is where one of them cannot be read.
    What was ``forwarded`` from this machine comes from another one: a proxy that no setting names sent it on."""
    try:
        found, allowed = ipaddress.ip_address(address), networks(said)
    except ValueError:
        return False
    return any(found in each for each in allowed if not (forwarded and each.is_loopback))

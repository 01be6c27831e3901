"""Addresses from which many people come: what PAIRWISE_TRUSTED_PROXIES names."""

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(proxies: Iterable[str]) -> list[Network]:
    """Of addresses or networks. Raises ValueError."""
    return [ipaddress.ip_network(each, strict=False) for each in proxies]

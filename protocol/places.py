"""Where an address counts as, wherever something is counted by address. Pure."""

import ipaddress

PLACE_MAX = 64


def place_of(origin: str) -> str:
    """IPv4 by itself, IPv6 by its network of 64 bits, which one machine has all of; what is no address as it is."""
    try:
        address = ipaddress.ip_address(origin)
    except ValueError:
        return origin[:PLACE_MAX]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address) if address.is_loopback else str(ipaddress.ip_network((address, 64), strict=False))

"""Addresses in settings: ``host:port,host:port``, and the one by which browsers know the console."""

from urllib.parse import urlsplit

PORTS = {"https": 443, "http": 80}


def addresses(text: str) -> tuple[tuple[str, int], ...]:
    """(host, port) of each; an IPv6 address stands in brackets. Raises ValueError with a sentence."""
    return tuple(_address(part.strip()) for part in text.split(",") if part.strip())


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not colon or not host or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535 \
            or (":" in host and not text.startswith("[")):
        raise ValueError(f"{text!r} is no address: write host:port, as in control-a:2020,control-b:2020.")
    return host, int(port)


def port_of(url: str, port: int) -> int:
    """That by which browsers know the console: of ``url``, else ``port``, on which this process listens."""
    try:
        parts = urlsplit(url)
        return parts.port or PORTS.get(parts.scheme, port)
    except ValueError:
        return port

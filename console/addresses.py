"""Addresses in settings: ``host:port,host:port``."""


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

"""How long certificates last: what pages, commands and checks say of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from protocol.validity import ends, urgency

ORDER = ("", "soon", "urgent", "expired")


@dataclass(frozen=True)
class Certificate:
    """``label`` says whose it is ("Port default"); ``not_after`` is Unix time, None when nobody can tell; ``urgency``
    is "", "soon" (30 days), "urgent" (7 days) or "expired"."""

    label: str
    not_after: float | None
    urgency: str
    sentence: str

    @property
    def at(self) -> datetime | None:
        return None if self.not_after is None else datetime.fromtimestamp(self.not_after, UTC)

    def to_dict(self) -> dict[str, Any]:
        return {"not_after": self.at.isoformat() if self.at else None, "urgency": self.urgency,
                "sentence": self.sentence}


def certificate(label: str, not_after: float | None, now: float) -> Certificate:
    if not_after is None:
        return Certificate(label, None, "", f"{label}: when its certificate expires cannot be read.")
    return Certificate(label, not_after, urgency(not_after, now), f"{label}: its certificate {ends(not_after, now)}.")


def certificates_of_ports(ports: Iterable[Any], now: float) -> tuple[Certificate, ...]:
    """Those of the secured ones of ``ports`` as a server reported them."""
    return tuple(certificate(f"Port {port.get('id')}", port["not_after"], now) for port in ports
                 if isinstance(port, dict) and "not_after" in port)


def most_urgent(certificates: Iterable[Certificate]) -> Certificate | None:
    """The one to look at first, None when all have time."""
    pressing = [each for each in certificates if each.urgency]
    return max(pressing, key=lambda each: ORDER.index(each.urgency), default=None)

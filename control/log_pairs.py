"""Which pair servers and agents publish their log records to, and how they are let in there."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from protocol import log_logins
from provisioning.core.clients import client_port
from provisioning.logs.selectors.pairs import default_pair, own_pairs, pair_members
from provisioning.models import Application

from . import objects
from .database import Database


@dataclass(frozen=True)
class Member:
    """``near`` are its addresses on its own host, ``far`` those for others."""

    name: str
    host_id: int
    near: tuple[str, ...]
    far: tuple[str, ...]
    port: int
    secured: bool
    secret: str = field(repr=False)

    def said(self, login: str, host_id: int | None) -> dict[str, Any]:
        return {"name": self.name, "addresses": list(self.near if host_id == self.host_id else self.far),
                "port": self.port, "secured": self.secured, "passcode": log_logins.passcode(self.secret, login)}


@dataclass(frozen=True)
class Known:
    """``default`` and ``own`` as in ``provisioning.logs.selectors.pairs``; members by the id of their primary."""

    default: int | None = None
    own: dict[int, int] = field(default_factory=dict)
    members: dict[int, tuple[Member, ...]] = field(default_factory=dict)


class LogPairs:
    """What was read last."""

    def __init__(self) -> None:
        self._known = Known()

    async def look(self, database: Database) -> bool:
        """Read anew; whether anything is new. Raises DatabaseAway."""
        before, self._known = self._known, await database.run(_read)
        return self._known != before

    def of_server(self, application_id: int, name: str, host_id: int | None) -> dict[str, Any]:
        """``log_to`` of its Configuration message."""
        return self._said(self._known.own.get(application_id), log_logins.server(name), host_id)

    def of_agent(self, host_id: int, host: str) -> dict[str, Any]:
        """``log_to`` of its Supervised message."""
        return self._said(None, log_logins.agent(host), host_id)

    def _said(self, pair_id: int | None, login: str, host_id: int | None) -> dict[str, Any]:
        members = self._known.members.get(pair_id or 0) or self._known.members.get(self._known.default or 0)
        if not members:
            return {}
        return {"name": members[0].name, "login": login, "members": [each.said(login, host_id) for each in members]}


def _read() -> Known:
    default, own = default_pair(), own_pairs()
    found = pair_members({*own.values(), *([default] if default else [])})
    return Known(default, own, {key: members for key, rows in found.items() if (members := tuple(_members(rows)))})


def _members(rows: Iterable[Application]) -> Iterable[Member]:
    for row in rows:
        port = client_port(row.ports.all())
        if port is None or row.host is None:
            continue
        near, far = (tuple(objects.addresses(
            port.transport_parameters, name=row.host.name, ip_address=row.host.ip_address, is_near=is_near,
            secured=port.is_secured)) for is_near in (True, False))
        yield Member(row.name, row.host.pk, near, far, port.port, port.is_secured, row.secret)

"""Where log records are read from and sent to: the members of the pair that is chosen, as clients of them."""

from dataclasses import dataclass

from protocol import log_logins
from protocol.stomp_client import Target
from provisioning.core.clients import target
from provisioning.logs.selectors.setting import log_to, members


@dataclass(frozen=True)
class Source:
    """A pair: ``application_id`` and ``identity`` of its primary's object as ``logbook.models.Followed`` has them."""

    application_id: int
    identity: str
    name: str
    targets: tuple[Target, ...]

    @property
    def mark(self) -> tuple:
        """Another one is another source; the order of the members, which changes by itself, is not in it."""
        return self.application_id, self.identity, self.name, frozenset(
            (each.name, each.host, each.port, each.login, each.passcode, each.context is None)
            for each in self.targets)


def source(login: str) -> Source | None:
    """The pair that is chosen, whoever is recorded to serve first; None while none is. Raises Refused for one that
    cannot be reached as a client."""
    primary = log_to()
    if primary is None:
        return None
    return Source(primary.pk, f"{primary.created_at:%Y%m%d%H%M%S%f}", primary.name,
                  tuple(target(row, login, log_logins.passcode) for row in members(primary)))

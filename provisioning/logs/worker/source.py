"""Where log records are read from and sent to: the members of a pair, as clients of them."""

from dataclasses import dataclass

from protocol import log_logins
from protocol.stomp_client import Target
from provisioning.core.clients import target
from provisioning.errors import PairwiseError
from provisioning.logs.selectors.setting import log_to, members, pairs_in_use
from provisioning.models import Application


@dataclass(frozen=True)
class Source:
    """A pair: ``application_id`` and ``identity`` of its primary's object as ``logbook.models.Followed`` has them."""

    application_id: int
    identity: str
    name: str
    targets: tuple[Target, ...]

    @property
    def key(self) -> tuple[int, str]:
        return self.application_id, self.identity

    @property
    def mark(self) -> tuple:
        """Another one is another source; the order of the members, which changes by itself, is not in it."""
        return self.application_id, self.identity, self.name, frozenset(
            (each.name, each.host, each.port, each.login, each.passcode, each.context is None)
            for each in self.targets)


def source(login: str) -> Source | None:
    """The pair that the console chose, whoever is recorded to serve first; None while none is chosen. Raises Refused
    for one that cannot be reached as a client."""
    primary = log_to()
    return None if primary is None else _source(primary, login)


def sources(login: str) -> tuple[list[Source], str]:
    """All pairs to which somebody publishes, the chosen one first, and why one of them cannot be reached as a client, a
    sentence; "" where all can."""
    found, trouble = [], ""
    for primary in pairs_in_use():
        try:
            found.append(_source(primary, login))
        except PairwiseError as error:
            trouble = trouble or str(error)
    return found, trouble


def _source(primary: Application, login: str) -> Source:
    return Source(primary.pk, f"{primary.created_at:%Y%m%d%H%M%S%f}", primary.name,
                  tuple(target(row, login, log_logins.passcode) for row in members(primary)))

"""Where the console finds a Message Server as a client of it, and how it is let in: a login made of its secret."""

import ssl
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.conf import settings

from protocol import tls
from protocol.stomp_client import Target
from provisioning.drafts import PortDraft
from provisioning.errors import Refusal, Refused
from provisioning.models import Application, ListeningPort
from provisioning.states import PortProtocol

from .tls import reachable

PREFERRED = "default"
CLIENTS = frozenset({"", PortProtocol.STOMP})
AnyPort = TypeVar("AnyPort", ListeningPort, PortDraft)


def target(row: Application, login: str, passcode: Callable[[str, str], str]) -> Target:
    """``row`` as a client of it with ``login`` finds it; ``passcode`` is made of the server's secret and the login.
    Raises Refused when it cannot be reached so."""
    port = client_port(row.ports.all())
    if port is None or row.host is None:
        raise Refused(Refusal(f"{row.name} has no Host or no listening port for clients (Connection Protocol stomp), "
                              "so no message can be sent to it.", "", (row.link,)))
    # A list leaves it out: it is read for this row alone.
    secret = Application.objects.values_list("secret", flat=True).get(pk=row.pk)
    return Target(row.name, reachable(row.host.ip_address or row.host.name), port.port, login,
                  passcode(secret, login), _context(row, port))


def client_port(ports: Iterable[AnyPort]) -> AnyPort | None:
    """The one of them at which the console is a client, None when there is none for clients."""
    found = [port for port in ports if not port.ha_sync and port.protocol.lower() in CLIENTS]
    return next((port for port in found if port.port_id == PREFERRED), found[0] if found else None)


def _context(row: Application, port: ListeningPort) -> ssl.SSLContext | None:
    """Verifies the member by the authority that is trusted for clients' ports, and shows the console's own certificate
    to a port that wants one; None for a plain port."""
    if not port.is_secured:
        return None
    authority = settings.PAIRWISE_DRILL_CA or settings.PAIRWISE_TLS_CA
    try:
        return tls.client_context(authority, settings.PAIRWISE_TLS_CERTIFICATE, settings.PAIRWISE_TLS_KEY)
    except tls.TlsError as error:
        raise Refused(Refusal(f"Port {port.port_id} of {row.name} is secured and cannot be verified by {error}. Name "
                              "the authority of its certificate in PAIRWISE_DRILL_CA.", "",
                              (row.link,))) from error

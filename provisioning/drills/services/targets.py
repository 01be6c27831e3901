"""Where a drill's probe load finds the members of a pair, and how it is let in (docs/adr/0014)."""

import ssl
import time

from django.conf import settings

from protocol import auth, drills, tls
from provisioning.core.tls import reachable
from provisioning.drills.worker.load import Target
from provisioning.errors import Refusal, Refused
from provisioning.models import Application, Drill, ListeningPort
from provisioning.pairs.selectors.pairs import Pair
from provisioning.states import PortProtocol

PREFERRED = "default"
CLIENTS = frozenset({"", PortProtocol.STOMP})


def targets(drill: Drill, pair: Pair) -> list[Target]:
    """Both members, the active one first. Raises Refused when one cannot be reached as a client would."""
    first = pair.active or pair.primary
    return [_target(drill, row) for row in (first, pair.other(first))]


def _target(drill: Drill, row: Application) -> Target:
    port = _client_port(row)
    if port is None or row.host is None:
        raise Refused(Refusal(f"{row.name} has no Host or no listening port for clients (Connection Protocol stomp), "
                              "so no message can be sent to it.", "", (row.link,)))
    login = drills.login_of(drill.key, int(time.time()) + drills.LIFE_S)
    # A list leaves it out: it is read for this row alone.
    secret = Application.objects.values_list("secret", flat=True).get(pk=row.pk)
    return Target(row.name, reachable(row.host.ip_address or row.host.name), port.port, login,
                  auth.drill_passcode(secret, login), _context(row, port))


def _client_port(row: Application) -> ListeningPort | None:
    found = [port for port in row.ports.all() if not port.ha_sync and port.protocol.lower() in CLIENTS]
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

"""Is everything ready? Asks /healthz as anybody could."""

import http.client
from urllib.parse import SplitResult, urlsplit

from protocol.outside import read_json
from protocol.tls import TlsError, client_context

ASK_TIMEOUT_S = 3.0
ANSWER_BYTES_MAX = 100_000


def ask(address: str, authority: str = "") -> dict[str, str]:
    """{component: status} of the console at ``address``, verified by ``authority`` where that is https; empty while it
    does not answer."""
    where, connection = urlsplit(address), None
    try:
        connection = _connection(where, authority)
        connection.request("GET", "/healthz")
        body = read_json(connection.getresponse().read(ANSWER_BYTES_MAX))
        return {name: str(facts.get("status", "")) for name, facts in body["components"].items()}
    except (OSError, ValueError, KeyError, AttributeError, http.client.HTTPException, TlsError):
        return {}
    finally:
        if connection is not None:
            connection.close()


def _connection(where: SplitResult, authority: str) -> http.client.HTTPConnection:
    if where.scheme != "https":
        return http.client.HTTPConnection(where.hostname or "", where.port, timeout=ASK_TIMEOUT_S)
    return http.client.HTTPSConnection(where.hostname or "", where.port, timeout=ASK_TIMEOUT_S,
                                       context=client_context(authority))

"""Is everything ready? Asks /healthz as anybody could."""

import http.client
import json
from urllib.parse import urlsplit

ASK_TIMEOUT_S = 3.0
ANSWER_BYTES_MAX = 100_000


def ask(address: str) -> dict[str, str]:
    """{component: status} of the console at ``address``; empty while it does not answer."""
    where = urlsplit(address)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=ASK_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        body = json.loads(connection.getresponse().read(ANSWER_BYTES_MAX))
        return {name: str(facts.get("status", "")) for name, facts in body["components"].items()}
    except (OSError, ValueError, KeyError, AttributeError, http.client.HTTPException):
        return {}
    finally:
        connection.close()

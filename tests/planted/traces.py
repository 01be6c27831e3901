"""How a secret looks in a text: as it is, and in the encodings that it may have gone through on the way."""

import base64
import html
import json
from functools import cache
from urllib.parse import quote, quote_plus


@cache
def traces(secret: str) -> set[str]:
    """Every text that gives ``secret`` away."""
    raw = secret.encode()
    found = {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], html.escape(secret), quote(secret, safe=""),
             quote(secret), quote_plus(secret), raw.hex(), raw.hex().upper()}
    for shift in range(3):
        # In the middle of something longer a secret begins at any of three places of a base64 group.
        body = base64.b64encode(b"\0" * shift + raw)
        inner = body[(shift * 8 + 5) // 6:len(body) - 4].decode()
        found |= {inner, inner.translate(str.maketrans("+/", "-_"))}
    return found


def given_away(secrets: dict[str, str], text: str) -> list[str]:
    """Names of the secrets of which ``text`` has a trace."""
    return [name for name, secret in secrets.items() if any(trace in text for trace in traces(secret))]

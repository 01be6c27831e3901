"""Proofs of a shared secret: challenge-response on the wire, HMAC on jobs, reports and host requests.

A signature is good for one purpose, host, method, path, time and body, and for no other.
"""

import hashlib
import hmac
import json
import secrets
from typing import Any

NONCE_BYTES = 24
SIGNS_ALL = "all."
"""How the nonce of a side begins that signs its whole opening. Nonces of former releases have no dot, and as both
proofs cover both nonces, nobody in between can make one into the other."""
DIALS, IS_DIALLED = "dials", "is dialled"
REQUEST, JOB, REPORT = "request", "job", "report"
"""What a signature may be for: a host's HTTP request, what the console gives a host, what a host says of it."""


def new_nonce() -> str:
    """A fresh nonce as URL-safe text, of a side that signs its whole opening."""
    return SIGNS_ALL + secrets.token_urlsafe(NONCE_BYTES)


def new_secret() -> str:
    """A fresh shared secret (256 bits) as URL-safe text."""
    return secrets.token_urlsafe(32)


def _mac(secret: str, *parts: str) -> str:
    # Lengths are part of the text so that ("ab", "c") and ("a", "bc") differ.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hmac.new(secret.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def client_proof(secret: str, *, server_nonce: str, client_nonce: str, kind: str, name: str) -> str:
    """What the side that dialled sends to show that it knows ``secret``."""
    return _mac(secret, "client", server_nonce, client_nonce, kind, name)


def server_proof(secret: str, *, server_nonce: str, client_nonce: str) -> str:
    """What the side that was dialled answers: it knows ``secret`` as well."""
    return _mac(secret, "server", server_nonce, client_nonce)


def sign_opening(secret: str, side: str, *, server_nonce: str, client_nonce: str, message: dict[str, Any]) -> str:
    """What the ``side`` that says ``message`` (a Hello or a Welcome, as it is sent) puts into its field ``signed``."""
    said = {name: value for name, value in message.items() if name != "signed"}
    return _mac(secret, "opening", side, server_nonce, client_nonce, canonical(said))


def signed_opening(secret: str, side: str, *, server_nonce: str, client_nonce: str, message: dict[str, Any]) -> bool:
    """Whether the ``side`` that said ``message`` knows ``secret`` and said it just so; of a side that does not sign all
    of it nothing is known."""
    if not (client_nonce if side == DIALS else server_nonce).startswith(SIGNS_ALL):
        return True
    return same(sign_opening(secret, side, server_nonce=server_nonce, client_nonce=client_nonce, message=message),
                str(message.get("signed", "")))


def same(expected: str, given: str) -> bool:
    """Constant-time comparison of two proofs."""
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))


def request_headers(secret: str, *, host: str, method: str, path: str, at: float, body: bytes = b"") -> dict[str, str]:
    """What a host's HTTP request to the console says of who sends it and when; ``path`` with its query, ``at`` is Unix
    time in seconds."""
    seconds = str(int(at))
    return {"X-Pairwise-Host": host, "X-Pairwise-At": seconds, "X-Pairwise-Signature": sign(
        secret, REQUEST, host=host, method=method, path=path, at=seconds, body=body)}


def canonical(body: dict[str, Any]) -> str:
    """The one JSON text of ``body`` that both sides sign."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sign(secret: str, purpose: str, *, host: str, method: str, path: str, at: float | str, body: bytes = b"") -> str:
    """The signature of ``body``; ``path`` is where on the console, or in which queue, ``at`` is Unix time in seconds as
    it is sent."""
    return _mac(secret, "signed", purpose, host, method, path, str(at), hashlib.sha256(body).hexdigest())


def pair_secret(primary_secret: str, backup_secret: str) -> str:
    """What the two members of a pair share for their sync link: known to whoever knows both secrets, as control."""
    return _mac(primary_secret, "sync", backup_secret)


def drill_passcode(secret: str, login: str) -> str:
    """The passcode of a failover drill's ``login`` at the server whose secret this is (protocol.drills)."""
    return _mac(secret, "drill", login)


def log_passcode(secret: str, login: str) -> str:
    """The passcode of a ``login`` of the centralized log at the server whose secret this is (protocol.log_logins)."""
    return _mac(secret, "log", login)


def console_passcode(secret: str, login: str) -> str:
    """The passcode of the console's own ``login`` at the server whose secret this is (protocol.console_logins)."""
    return _mac(secret, "console", login)

"""Proofs of a shared secret: challenge-response on the wire, HMAC on jobs, reports and host requests."""

import hashlib
import hmac
import json
import secrets

NONCE_BYTES = 24


def new_nonce() -> str:
    """A fresh nonce as URL-safe text."""
    return secrets.token_urlsafe(NONCE_BYTES)


def new_secret() -> str:
    """A fresh shared secret (256 bits) as URL-safe text."""
    return secrets.token_urlsafe(32)


def _mac(secret: str, *parts: str) -> str:
    # Lengths are part of the text so that ("ab", "c") and ("a", "bc") differ.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def client_proof(secret: str, *, server_nonce: str, client_nonce: str, kind: str, name: str) -> str:
    """What the side that dialled sends to show that it knows ``secret``."""
    return _mac(secret, "client", server_nonce, client_nonce, kind, name)


def server_proof(secret: str, *, server_nonce: str, client_nonce: str) -> str:
    """What the side that was dialled answers: it knows ``secret`` as well."""
    return _mac(secret, "server", server_nonce, client_nonce)


def same(expected: str, given: str) -> bool:
    """Constant-time comparison of two proofs."""
    return hmac.compare_digest(expected.encode(), given.encode())


def canonical(body: dict) -> str:
    """The one JSON text of ``body`` that both sides sign."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sign(secret: str, body: dict) -> str:
    """Signature of a job or report body."""
    return _mac(secret, "body", canonical(body))


def verify(secret: str, body: dict, signature: str) -> bool:
    """True when ``signature`` was made with ``secret`` over exactly this ``body``."""
    return same(sign(secret, body), signature)


def pair_secret(primary_secret: str, backup_secret: str) -> str:
    """What the two members of a pair share for their sync link: known to whoever knows both secrets, as control."""
    return _mac(primary_secret, "sync", backup_secret)


def drill_passcode(secret: str, login: str) -> str:
    """The passcode of a failover drill's ``login`` at the server whose secret this is (protocol.drills)."""
    return _mac(secret, "drill", login)


def request_signature(secret: str, *, method: str, path: str, at: int) -> str:
    """Signature of a host's HTTP request to the console; ``at`` is Unix time in seconds."""
    return _mac(secret, "request", method, path, str(at))

"""Signatures of webhooks as Standard Webhooks 1.0 says. Pure."""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """The key: what stands in base64 after whsec_, or the text itself. Raises ValueError with what is wrong."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"begins with {PREFIX} but is no base64 after it. Copy it again.") from None
    if not key:
        raise ValueError(f"has nothing after {PREFIX}. Copy it again.")
    return key


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of the header webhook-signature; ``timestamp`` in s since 1970."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()

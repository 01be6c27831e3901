"""What a target may say: the refusals of a save. Pure."""

import re
from collections.abc import Callable, Collection
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from provisioning.core.text import name_refusals, text_refusals
from provisioning.errors import Refusal
from provisioning.models.applications import MASK
from provisioning.notifications.rules.addresses import NOTHING, Allowed
from provisioning.states import AuditFormat

from .addresses import WAYS, way_of, why_not
from .drafts import TargetDraft

LABELS = {
    "name": "Name", "address": "Address", "description": "Description", "enabled": "Enabled", "format": "Format",
    "ca": "CA Certificates", "certificate": "Client Certificate", "key": "Client Key", "token": "Token",
}
SECRETS = ("key", "token")
LONGEST_ADDRESS, LONGEST_PEM = 2000, 100_000
_TOKEN = re.compile(r"[\x21-\x7e]{4,512}")
DEFAULTS = {"format": AuditFormat.RFC5424, "ca": "", "certificate": "", "key": "", "token": ""}
"""What fields hold that do not count."""


def refusals(draft: TargetDraft, others: Collection[str], *, allowed: Allowed = NOTHING,
             kept: Collection[str] = ()) -> list[Refusal]:
    """``others``: names of the other targets; ``kept``: secrets that have a value already, so that MASK may stand for
    it."""
    found = name_refusals(draft.name, what="A target")
    if draft.name in others:
        found.append(Refusal(f"A target named {draft.name} exists already.", "name"))
    found += text_refusals(draft.description, field="description", label="Description", longest=1024)
    found += _of_address(draft.address, allowed)
    if draft.format not in AuditFormat.values:
        found.append(Refusal(f"{draft.format} is no format: it is one of {', '.join(AuditFormat.values)}.", "format"))
    return found + _of_fields(draft, kept)


def _of_address(address: object, allowed: Allowed) -> list[Refusal]:
    found = text_refusals(address, field="address", label="Address", longest=LONGEST_ADDRESS)
    if found or not isinstance(address, str):
        return found
    if not address.strip():
        return [Refusal("Address is required.", "address")]
    why = why_not(address.strip(), allowed)
    return [Refusal(f"Address {why}", "address")] if why else []


def _of_fields(draft: TargetDraft, kept: Collection[str]) -> list[Refusal]:
    way, found = way_of(draft.address.strip()) if isinstance(draft.address, str) else None, []
    for name, check in _CHECKS.items():
        text = getattr(draft, name)
        if not isinstance(text, str):
            found.append(Refusal(f"{LABELS[name]} must be text.", name))
        elif way is not None and name not in way.takes and text.strip() != DEFAULTS[name]:
            ways = ", ".join(f"{scheme}://" for scheme, each in WAYS.items() if name in each.takes)
            found.append(Refusal(f"{LABELS[name]} counts with {ways} only. Leave it empty.", name))
        elif name in SECRETS and text == MASK:
            found += [] if name in kept else [Refusal(
                f"{LABELS[name]} is not known here: {MASK} stands for a value that was kept. Type it.", name)]
        elif text.strip() and (why := check(text)):
            found.append(Refusal(f"{LABELS[name]} {why}", name))
    return found or _of_pair(draft, way is not None and "key" in way.takes)


def _of_pair(draft: TargetDraft, counts: bool) -> list[Refusal]:
    certificate, key = draft.certificate.strip(), draft.key.strip()
    if not counts or bool(certificate) == bool(key):
        return [] if not certificate or not counts or key == MASK or _belong_together(certificate, key) else [Refusal(
            "Client Key is not the key of the Client Certificate. Copy both from the same place.", "key")]
    missing = "key" if certificate else "certificate"
    return [Refusal(f"{LABELS[missing]} is missing: the receiver is shown both or none.", missing)]


def _belong_together(certificate: str, key: str) -> bool:
    first = x509.load_pem_x509_certificates(certificate.encode())[0]
    return bool(first.public_key() == load_pem_private_key(key.encode(), None).public_key())


def _certificates(text: str) -> str:
    if len(text) > LONGEST_PEM:
        return f"has {len(text)} characters; {LONGEST_PEM} fit. Leave out authorities that are not needed."
    try:
        x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return "holds no certificate. Paste it as PEM, from -----BEGIN CERTIFICATE----- on."
    return ""


def _key(text: str) -> str:
    try:
        load_pem_private_key(text.encode(), None)
    except TypeError:
        return "is encrypted. Paste it without a passphrase: Pairwise encrypts it."
    except Exception:  # whatever the library makes of what is no key
        return "holds no private key. Paste it as PEM, from -----BEGIN PRIVATE KEY----- on."
    return ""


def _token(text: str) -> str:
    return "" if _TOKEN.fullmatch(text.strip()) else (
        "is no token: it has 4 to 512 letters, digits and signs, without blanks. Copy it again.")


def _any(text: str) -> str:
    return ""


_CHECKS: dict[str, Callable[[str], str]] = {
    "format": _any, "ca": _certificates, "certificate": _certificates, "key": _key, "token": _token}


def expires(certificate: str) -> datetime | None:
    """When the first certificate of the PEM text ends; None where there is none that can be read."""
    try:
        return x509.load_pem_x509_certificates(certificate.encode())[0].not_valid_after_utc
    except ValueError:
        return None

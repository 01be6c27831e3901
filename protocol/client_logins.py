"""What the entries of sections ``[clients]`` and ``[client-rights]`` of a Message Server's options mean: who may log in
with which passcode, and what each login may send to and read. Read by the server, and by the console that checks them.

A passcode stands there as it is, or as ``{sha256}SALT$HEX``, where HEX is the SHA-256 of SALT and the passcode, one
after the other in UTF-8. That is made in a moment, so it keeps a secret only of a passcode that nobody can guess: a
random one of 128 bits or more, as ``new_passcode`` makes it.
"""

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

CLIENTS, RIGHTS = "clients", "client-rights"
"""The sections."""
RESERVED = "pairwise."
"""What the console's own logins begin with: of failover drills, of the log, of the console itself."""
HASHED = "{sha256}"
PASSCODE_BYTES, SALT_BYTES = 24, 16
_HASH = re.compile(r"\{sha256\}(?P<salt>[0-9a-f]{16,128})\$(?P<digest>[0-9a-f]{64})", re.ASCII | re.IGNORECASE)
DESTINATIONS = ("/topic/", "/queue/", "/log/", "/server/")
"""What every destination begins with."""
MAX_PATTERNS, MAX_PATTERN = 100, 256
FORM = "read=DESTINATIONS; write=DESTINATIONS, for example read=/topic/orders*, /queue/work; write=/topic/orders.new"


class ClientRights(NamedTuple):
    """What a login may read and send to: destinations, or beginnings of destinations that end with ``*``."""

    reads: tuple[str, ...] = ()
    sends: tuple[str, ...] = ()


def section_name(written: str) -> str:
    """The name of a section as servers compare it."""
    return written.strip().lower().replace("_", "-")


def is_reserved(login: str) -> bool:
    """Whether no client may have this login."""
    return login.casefold().startswith(RESERVED)


# --- passcodes


def is_hashed(kept: str) -> bool:
    """Whether an entry is meant as a hash: if it is not a whole one, it is no passcode either."""
    return kept[:len(HASHED)].lower() == HASHED


def is_usable(kept: str) -> bool:
    """False for what is meant as a hash and is none: no passcode opens it."""
    return not is_hashed(kept) or _HASH.fullmatch(kept) is not None


def opens(kept: str | None, given: str) -> bool:
    """Whether the passcode ``given`` is that of an entry; None for a login that there is not, which takes as long."""
    text = kept or ""
    found = _HASH.fullmatch(text)
    salt = found["salt"] if found else ""
    # Made of both kinds, and compared as digests of one length, so that the time says nothing of the entry.
    plain, digest = _digest("", text), _digest(salt, given)
    right = hmac.compare_digest(found["digest"].lower() if found else plain, digest)
    return right and kept is not None and is_usable(text)


def new_passcode() -> str:
    """A random passcode (192 bits) as URL-safe text."""
    return secrets.token_urlsafe(PASSCODE_BYTES)


def hashed(passcode: str) -> str:
    """An entry that holds ``passcode``, which has to be a random one, without telling it."""
    salt = secrets.token_hex(SALT_BYTES)
    return f"{HASHED}{salt}${_digest(salt, passcode)}"


def _digest(salt: str, passcode: str) -> str:
    return hashlib.sha256(f"{salt}{passcode}".encode("utf-8", "surrogatepass")).hexdigest()


# --- rights


def read_rights(text: str) -> ClientRights:
    """What an entry of section client-rights allows; what it does not name it does not allow. Raises ValueError with a
    sentence for one that cannot be read."""
    found: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, patterns = part.partition("=")
        verb = name.strip().lower()
        if not equals or verb not in ("read", "write"):
            raise ValueError(f"{part[:40]!r} is neither read= nor write=. Write {FORM}.")
        if verb in found:
            raise ValueError(f"It has {verb}= twice. Put all destinations behind one, with commas between them.")
        found[verb] = tuple(filter(None, (pattern.strip() for pattern in patterns.split(","))))
        for pattern in found[verb]:
            _check(pattern)
        if len(found[verb]) > MAX_PATTERNS:
            raise ValueError(f"It has {len(found[verb])} destinations behind {verb}=; {MAX_PATTERNS} fit.")
    if not found:
        raise ValueError(f"It says nothing. Write {FORM}; read= and write= without destinations allow nothing.")
    return ClientRights(found.get("read", ()), found.get("write", ()))


def covers(allowed: str, wanted: str) -> bool:
    """Whether a pattern holds all that ``wanted``, a destination or a pattern, stands for."""
    return wanted.startswith(allowed[:-1]) if allowed.endswith("*") else wanted == allowed


def _check(pattern: str) -> None:
    if "*" in pattern[:-1] or not pattern.startswith("/") or len(pattern) > MAX_PATTERN:
        raise ValueError(f"{pattern[:40]!r} is no destination: one begins with /, has at most {MAX_PATTERN - 1} "
                         "characters, and a * at its end only.")
    if not any(covers(f"{each}*", pattern) or covers(pattern, each) for each in DESTINATIONS):
        raise ValueError(f"{pattern[:40]!r} can be no destination: one begins with {', '.join(DESTINATIONS[:-1])} or "
                         f"{DESTINATIONS[-1]}.")

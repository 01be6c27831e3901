"""The console's keys, and what is made from them. Pure, but for which keys the settings name.

| made from the key | label | what a rotation does |
|---|---|---|
| values encrypted in the database, second factors too | ``encryption`` | ``rotate_key`` encrypts them anew |
| marks by which such values say which key they need | ``mark`` | |
| the chain of history (``chain.key_of``) | | goes on with the new key; the former one stays, encrypted (``history``) |
| what console and control prove to each other, tokens of generations (``control_client``) | | both keys count |
| tokens for machines that join (``models.enrolments``) | | both keys count |
| fingerprints of secret options (``audit.configured``) | ``fingerprint`` | others; nobody keeps them |
| names of who tried to sign in (``accounts.selectors.sign_ins``) | ``sign-in`` | locks and familiar places start anew |
| API tokens (``accounts.services.tokens``) | ``api token`` | both count; one that is used goes on with the new one |
| forms that wait for a sign-in (``web.kept``) | | what waits is lost, for an hour at most |
| what a browser was asked for a passkey (``accounts.services.passkeys``) | | both keys count |
| proofs of ``check --deploy`` (``console.echo``) | ``arrival`` | both keys count; one is good for two minutes |
| names of sessions for scripts (``web.privacy``) | | pages that Back brings back are asked for anew |
| sessions and messages of Django | | both keys count (SECRET_KEY_FALLBACKS) |

Secrets of hosts and applications are random; what is signed or derived with them does not depend on the key. Nor does
the name of a host's account at the broker (``models.console``).
"""

import base64
from dataclasses import dataclass
from functools import cached_property, lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from provisioning.errors import WrongKey

MARK_CHARACTERS = 8
SEPARATOR = ":"


def all_keys() -> tuple[str, ...]:
    """The present secret key, then the former ones that still count."""
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


def derive(secret: str, purpose: str, length: int = 32) -> bytes:
    """Bytes made from ``secret`` that are of use for ``purpose`` and for nothing else."""
    return HKDF(SHA256(), length, salt=None, info=f"pairwise {purpose}".encode()).derive(secret.encode())


def mark_of(secret: str) -> str:
    """By which a key is told from others, in hexadecimal; it does not give the key away."""
    return derive(secret, "mark", MARK_CHARACTERS // 2).hex()


def mark_in(stored: str) -> str:
    """Mark of the key that ``stored`` was encrypted with; "" for what ``Keys.encrypt`` never made."""
    mark, separator, _ = stored.partition(SEPARATOR)
    return mark if separator and len(mark) == MARK_CHARACTERS else ""


@dataclass(frozen=True)
class Keys:
    """Encrypts with the first of ``secrets``, decrypts with any."""

    secrets: tuple[str, ...]

    @cached_property
    def marks(self) -> tuple[str, ...]:
        return tuple(mark_of(secret) for secret in self.secrets)

    @cached_property
    def _fernet(self) -> MultiFernet:
        return MultiFernet([Fernet(base64.urlsafe_b64encode(derive(secret, "encryption"))) for secret in self.secrets])

    def encrypt(self, text: str) -> str:
        return f"{self.marks[0]}{SEPARATOR}{self._fernet.encrypt(text.encode()).decode()}"

    def decrypt(self, stored: str) -> str:
        """The text that was encrypted. Raises WrongKey."""
        mark = mark_in(stored)
        try:
            return self._fernet.decrypt(stored[len(mark) + 1:].encode()).decode()
        except (InvalidToken, UnicodeError):
            why = "is damaged, or was put there by somebody else" if mark in self.marks else \
                f"was encrypted with another PAIRWISE_SECRET_KEY ({described(mark)}, not {' or '.join(self.marks)})"
            raise WrongKey(f"A value in the Configuration Database {why}. ./run manage check says what to do.") \
                from None


def described(mark: str) -> str:
    return f"mark {mark}" if mark else "by a former version of Pairwise"


def keys() -> Keys:
    """Those of the settings."""
    return _keys(all_keys())


@lru_cache(maxsize=8)
def _keys(secrets: tuple[str, ...]) -> Keys:
    return Keys(secrets)

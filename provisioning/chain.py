"""The chain of history entries: each carries a digest over all that it says and over the digest of the one before.

Pure functions. Imports nothing of Pairwise. Digests are kept for ever: whoever changes what ``digest`` is made of makes
every entry look forged.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

FIELDS = ("number", "at", "user_id", "user_name", "origin", "request_id", "action", "object_type", "object_id",
          "object_name", "before", "after", "reason", "previous")
"""What of an entry is part of its digest: everything but the digest."""
BEGINNING = "0" * 64
"""Stands for the digest of the entry before the first one."""


def key_of(secret: str) -> bytes:
    """The key of digests, made from the console's own secret and of use for nothing else."""
    return hmac.digest(secret.encode(), b"pairwise history", "sha256")


@dataclass(frozen=True)
class Section:
    """The entries up to number ``last``, which has this ``digest``, were made with this ``key`` (hexadecimal)."""

    last: int
    digest: str
    key: str

    def __str__(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> "Section":
        return cls(**json.loads(text))


@dataclass(frozen=True)
class ChainKeys:
    """Which key each entry was made with: ``former`` ones in order, then the ``present`` one."""

    former: tuple[Section, ...]
    present: bytes

    def at(self, number: int) -> bytes:
        """The key of the entry with this number."""
        return next((bytes.fromhex(each.key) for each in self.former if number <= each.last), self.present)

    def ends(self, number: int, digest: str) -> bool:
        """False when another entry than this was the last when the key was changed after this number."""
        return all(same(each.digest, digest) for each in self.former if each.last == number)


class Head(Protocol):
    """The head of the chain as it is kept: how many entries there are, the digest of the last one, the seal on both."""

    @property
    def count(self) -> int: ...

    @property
    def digest(self) -> str: ...

    @property
    def seal(self) -> str: ...


def sealed_by(keys: Iterable[bytes], head: Head) -> bytes | None:
    """The one of ``keys`` that the head of the chain was sealed with."""
    return next((key for key in keys if same(head.seal, seal(key, head.count, head.digest))), None)


def digest(key: bytes, entry: Mapping[str, Any]) -> str:
    """Hex HMAC-SHA-256 of the FIELDS of an entry."""
    return hmac.new(key, _canonical({name: entry[name] for name in FIELDS}), hashlib.sha256).hexdigest()


def seal(key: bytes, count: int, last: str) -> str:
    """Hex HMAC-SHA-256 of the head of the chain: how many entries there are, and the digest of the last one."""
    return hmac.new(key, _canonical({"count": count, "digest": last}), hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """True when two digests are equal; takes equally long when they are not."""
    return hmac.compare_digest(one.encode(), other.encode())


def _canonical(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_text).encode()


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    raise TypeError(f"{type(value).__name__} cannot be part of an entry")

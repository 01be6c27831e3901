"""A value as both databases mean it, and the digest of a table: pure."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

DIGEST_BYTES = 16
ROOM = 256**DIGEST_BYTES


@dataclass(frozen=True)
class Sum:
    """How many rows there are, and the sum of their digests: the same in whatever order they are read."""

    rows: int
    digest: int


def _moment(value: Any) -> str:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).isoformat(timespec="microseconds")


def _time(value: Any) -> str:
    return time.fromisoformat(str(value)).isoformat(timespec="microseconds")


def _object(value: Any) -> str:
    body = json.loads(value) if isinstance(value, str) else value
    return json.dumps(_without_signs_of_zero(body), sort_keys=True, ensure_ascii=False)


def _without_signs_of_zero(body: Any) -> Any:
    """PostgreSQL keeps numbers as decimal ones, which have one zero, and no difference between 2.0 and 2."""
    if isinstance(body, dict):
        return {key: _without_signs_of_zero(value) for key, value in body.items()}
    if isinstance(body, list):
        return [_without_signs_of_zero(value) for value in body]
    return int(body) if isinstance(body, float) and body.is_integer() else body


CANONICAL: dict[str, Callable[[Any], Any]] = {
    "boolean": bool,
    "timestamp with time zone": _moment,
    "jsonb": _object,
    "bytea": bytes,
    "double precision": float,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "character varying": str,
    "text": str,
    "inet": str,
    "date": str,
    "time without time zone": _time,
    "uuid": lambda value: str(value).replace("-", ""),
}
"""{type of a column in PostgreSQL: what makes a value of either database the same}."""


def canonical(kinds: Sequence[str], row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(None if value is None else CANONICAL[kind](value) for kind, value in zip(kinds, row, strict=True))


class Summing:
    """Adds up rows one by one."""

    def __init__(self, kinds: Sequence[str]):
        self._of = [CANONICAL[kind] for kind in kinds]
        self._rows = self._digest = 0

    def add(self, row: Sequence[Any]) -> None:
        same = repr([None if value is None else of(value) for of, value in zip(self._of, row, strict=True)])
        digest = hashlib.blake2b(same.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
        self._rows += 1
        self._digest = (self._digest + int.from_bytes(digest)) % ROOM

    @property
    def sum(self) -> Sum:
        return Sum(self._rows, self._digest)


def summed(kinds: Sequence[str], rows: Iterable[Sequence[Any]]) -> Sum:
    summing = Summing(kinds)
    for row in rows:
        summing.add(row)
    return summing.sum

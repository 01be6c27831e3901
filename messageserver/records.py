"""A record, its running digest and the SQL that keeps records: what both members of a pair must agree on."""

import sqlite3
import struct
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

DIGEST_BYTES = 16
NO_DIGEST = bytes(DIGEST_BYTES)
"""The digest of an empty log."""

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE records (seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, time INTEGER NOT NULL,
                      destination TEXT NOT NULL, headers BLOB NOT NULL, body BLOB NOT NULL, dedup TEXT,
                      digest BLOB NOT NULL);
CREATE TABLE epochs (epoch INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL);
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE room (filler BLOB NOT NULL);
"""
COLUMNS = "seq, epoch, time, destination, headers, body, dedup, digest"
ROWS_A_STATEMENT = (64, 8, 1)
"""Many rows a statement: one trip through the interpreter lock inserts them all."""


def _statements(columns: str) -> tuple[tuple[int, str], ...]:
    row = "(" + ",".join("?" * (columns.count(",") + 1)) + ")"
    return tuple((n, f"INSERT INTO records ({columns}) VALUES " + ",".join([row] * n)) for n in ROWS_A_STATEMENT)


# sqlite3 binds an int, a str and a bytearray as they are. For bytes and None it looks for an adapter each time, which
# takes five times as long and, with four such values a row, a third of the whole insert.
_WITH_DEDUP = _statements("seq, epoch, time, destination, headers, body, digest, dedup")
_WITHOUT_DEDUP = _statements("seq, epoch, time, destination, headers, body, digest")
_EMPTY = bytearray()
LARGE_BYTES = 8192
"""To copy a body of this size takes longer than what a copy of it saves."""


class Record(NamedTuple):
    """One message. ``time`` is Unix time in milliseconds, ``headers`` the sender's own headers as STOMP lines,
    ``dedup`` the sender's dedup-id or None, ``digest`` the running digest up to and including this record."""

    seq: int
    epoch: int
    time: int
    destination: str
    headers: bytes
    body: bytes
    dedup: str | None
    digest: bytes


class Draft(NamedTuple):
    """What a client sent, before it has a place in the log."""

    destination: str
    headers: bytes
    body: bytes
    dedup: str | None = None


Row = tuple[int, int, int, str, bytes, bytes, str | None, bytes]
"""The fields of a Record; where many are handled, making these takes a fraction of the time."""
DraftRow = tuple[str, bytes, bytes, str | None]
"""The fields of a Draft."""

_FRAMING = struct.Struct(">QQQII").pack


def chain(digest: bytes, seq: int, epoch: int, time: int, destination: str, headers: bytes, body: bytes) -> bytes:
    """The running digest after this record; ``digest`` is the one before it."""
    name = destination.encode()
    framing = _FRAMING(seq, epoch, time, len(name), len(headers))
    if len(body) < LARGE_BYTES:
        return blake2b(b"".join((digest, framing, name, headers, body)), digest_size=DIGEST_BYTES).digest()
    summing = blake2b(b"".join((digest, framing, name, headers)), digest_size=DIGEST_BYTES)
    summing.update(body)
    return summing.digest()


def insert(connection: sqlite3.Connection, records: Sequence[Row]) -> None:
    """Insert ``records`` (in order) inside the caller's transaction."""
    with_dedup = {record[6] for record in records} != {None}
    at, count = 0, len(records)
    for size, statement in _WITH_DEDUP if with_dedup else _WITHOUT_DEDUP:
        while count - at >= size:
            connection.execute(statement, _values(records[at : at + size], with_dedup))
            at += size


def _values(records: Sequence[Row], with_dedup: bool) -> list[int | str | bytes | bytearray | None]:
    values: list[int | str | bytes | bytearray | None] = []
    add = values.extend
    for seq, epoch, time, destination, headers, body, dedup, digest in records:
        add((seq, epoch, time, destination, bytearray(headers) if headers else _EMPTY,
             bytearray(body) if len(body) < LARGE_BYTES else body, bytearray(digest)))
        if with_dedup:
            values.append(dedup)
    return values

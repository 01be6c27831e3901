"""A record, its running digest and the SQL that keeps records: what both members of a pair must agree on."""

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
_ROW = "(?,?,?,?,?,?,?,?)"
# Many rows a statement: one trip through the interpreter lock inserts them all.
INSERTS = tuple((n, f"INSERT INTO records ({COLUMNS}) VALUES " + ",".join([_ROW] * n)) for n in (64, 8, 1))


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


_FRAMING = struct.Struct(">QQQII").pack


def chain(digest: bytes, seq: int, epoch: int, time: int, destination: str, headers: bytes, body: bytes) -> bytes:
    """The running digest after this record; ``digest`` is the one before it."""
    name = destination.encode()
    framing = _FRAMING(seq, epoch, time, len(name), len(headers))
    return blake2b(b"".join((digest, framing, name, headers, body)), digest_size=DIGEST_BYTES).digest()


def insert(connection, records: Sequence[tuple]) -> None:
    """Insert ``records`` (in order) inside the caller's transaction."""
    at, count = 0, len(records)
    for size, statement in INSERTS:
        while count - at >= size:
            connection.execute(statement, [value for record in records[at : at + size] for value in record])
            at += size

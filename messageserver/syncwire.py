"""The frames between the two members of a pair, once they have proven the sync secret to each other. Pure.

A frame is its kind (1 byte), the length of the payload (4 bytes) and the payload. Small payloads are JSON; a batch of
records travels by columns, which is several times cheaper than record by record.

standby → active    POSITION {last_seq, first_seq, epochs [[epoch, first seq], ...], copy, trims}; READY {last_seq};
                    ACK (epoch, seq, digest): everything up to seq is on the standby's disk; TRIM (seq): it has removed
                    everything up to seq; REFUSE; BEAT; ECHO
active → standby    START {epoch, full, common, seq, digest, trims, ages, marks}: the copies are equal up to record
                    common; the standby is to begin after seq, where the digest is that one (full: what it has is
                    replaced, ages [[seq, seconds], ...] says how old the records are, marks [[seq, name, body], ...]
                    where named positions stood at seq); BATCH; TRIM (seq): retention keeps nothing
                    up to seq; SYNCED: it is recorded as in sync; REFUSE; BEAT; ECHO

``trims`` (true, absent in the first releases) says that its sender knows TRIM. Between two that do, the active server
decides what retention removes, and an in-sync standby removes it first: whoever of the two serves next, the other copy
never begins later than its own.

REFUSE {reason, epoch} is the last frame; ``epoch`` is the one that its sender holds. ECHO (number) is sent back by the
standby once its store has confirmed that it accepts the epoch of the link.
"""

import json
import struct
from collections.abc import Sequence
from enum import IntEnum
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from protocol.outside import NotJson, read_json

from .records import DIGEST_BYTES, Row

MAX_PAYLOAD = 192 * 1024 * 1024
"""Longest payload in bytes: a batch holds at least one record, and the largest body is 64 MB."""
MAX_JSON = 8 * 1024 * 1024


class Kind(IntEnum):
    POSITION = 1
    START = 2
    READY = 3
    BATCH = 4
    ACK = 5
    BEAT = 6
    ECHO = 7
    REFUSE = 8
    SYNCED = 9
    TRIM = 10


class SyncError(ConnectionError):
    """The sync link cannot go on. The text is a sentence part that says why."""


class Batch(NamedTuple):
    """Records from ``first_seq`` on, as the active server of ``epoch`` has them; ``digest`` is the running digest after
    the last one. ``columns`` are (epoch, time, destination, headers, body, dedup) of each record."""

    epoch: int
    first_seq: int
    digest: bytes
    columns: Sequence[tuple[int, int, str, bytes, bytes, str | None]]


HEADER = struct.Struct(">BI")
_BATCH = struct.Struct(f">QQI{DIGEST_BYTES}s")
_ACK = struct.Struct(f">QQ{DIGEST_BYTES}s")
_NUMBER = struct.Struct(">Q")
_NO_DEDUP = 0xFFFFFFFF


def frame(kind: Kind, payload: bytes = b"") -> bytes:
    return HEADER.pack(kind, len(payload)) + payload


def header(data: bytes) -> tuple[Kind, int]:
    """Kind and payload length of a frame's first bytes. Raises SyncError."""
    number, length = HEADER.unpack(data)
    try:
        kind = Kind(number)
    except ValueError:
        raise SyncError(f"the other member sent a frame of the unknown kind {number}") from None
    if length > (MAX_PAYLOAD if kind == Kind.BATCH else MAX_JSON):
        raise SyncError(f"the other member sent a frame of {length} bytes")
    return kind, length


def words(kind: Kind, **body: object) -> bytes:
    """A frame with a JSON payload."""
    return frame(kind, json.dumps(body, separators=(",", ":")).encode())


def read_words(payload: bytes, **types: type) -> dict[str, Any]:
    """The JSON payload, with the fields and types that are named. Raises SyncError."""
    try:
        body = read_json(payload)
    except NotJson:
        raise SyncError("the other member sent a frame that is no JSON") from None
    if not isinstance(body, dict) or any(type(body.get(name)) is not kind for name, kind in types.items()):
        raise SyncError("the other member sent a frame with fields that do not fit")
    return body


def ack(epoch: int, seq: int, digest: bytes) -> bytes:
    return frame(Kind.ACK, _ACK.pack(epoch, seq, digest))


def read_ack(payload: bytes) -> tuple[int, int, bytes]:
    """(epoch, seq, digest). Raises SyncError."""
    return _unpack(_ACK, payload)


def echo(number: int) -> bytes:
    return frame(Kind.ECHO, _NUMBER.pack(number))


def read_echo(payload: bytes) -> int:
    return _number(payload)


def trim(seq: int) -> bytes:
    return frame(Kind.TRIM, _NUMBER.pack(seq))


def read_trim(payload: bytes) -> int:
    return _number(payload)


def _number(payload: bytes) -> int:
    number: int = _unpack(_NUMBER, payload)[0]
    return number


def _unpack(form: struct.Struct, payload: bytes) -> tuple[Any, ...]:
    try:
        return form.unpack(payload)
    except struct.error:
        raise SyncError("the other member sent a frame of the wrong length") from None


def batch(epoch: int, rows: Sequence[Row]) -> bytes:
    """A BATCH frame of ``rows`` (whole records, in order, without a gap)."""
    count = len(rows)
    _, epochs, times, destinations, headers, bodies, dedups, digests = zip(*rows, strict=True)
    paths = [text.encode() for text in destinations]
    names = [b"" if text is None else text.encode() for text in dedups]
    numbers, lengths = struct.Struct(f">{count}Q"), struct.Struct(f">{count}I")
    sizes = [list(map(len, column)) for column in (paths, headers, bodies, names)]
    payload = _BATCH.size + 2 * numbers.size + 4 * lengths.size + sum(map(sum, sizes))
    # Joined once, with its header: another copy of large bodies takes as long as everything else here.
    return b"".join((
        HEADER.pack(Kind.BATCH, payload), _BATCH.pack(epoch, rows[0][0], count, digests[-1]), numbers.pack(*epochs),
        numbers.pack(*times), *[lengths.pack(*column) for column in sizes[:3]],
        lengths.pack(*[_NO_DEDUP if text is None else size for text, size in zip(dedups, sizes[3], strict=True)]),
        *paths, *headers, *bodies, *names))


def read_batch(payload: bytes) -> Batch:
    """Raises SyncError."""
    try:
        epoch, first_seq, count, digest = _BATCH.unpack_from(payload)
        at = _BATCH.size
        if not 0 < count <= (len(payload) - at) // 32:
            raise SyncError("the other member sent a batch that does not fit its length")
        tables = []
        for form, size in ((">{}Q", 8), (">{}Q", 8), (">{}I", 4), (">{}I", 4), (">{}I", 4), (">{}I", 4)):
            tables.append(struct.unpack_from(form.format(count), payload, at))
            at += size * count
        epochs, times, *lengths, name_lengths = tables
        columns = []
        for sizes in (*lengths, [0 if size == _NO_DEDUP else size for size in name_lengths]):
            if not any(sizes):
                columns.append([b""] * count)
                continue
            ends = list(accumulate(sizes, initial=at))
            columns.append([payload[start:end] for start, end in pairwise(ends)])
            at = ends[-1]
        if at != len(payload):
            raise SyncError("the other member sent a batch that does not fit its length")
        paths, headers, bodies, names = columns
        dedups = [None if size == _NO_DEDUP else name.decode() for size, name in zip(name_lengths, names, strict=True)]
        destinations = [path.decode() for path in paths]
    except (struct.error, UnicodeDecodeError):
        raise SyncError("the other member sent a batch that cannot be read") from None
    return Batch(epoch, first_seq, digest, list(zip(epochs, times, destinations, headers, bodies, dedups, strict=True)))

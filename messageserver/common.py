"""Where two copies of a log part, and what is kept of a tail that only one of them has."""

import json
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from .records import Record
from .system import sync_directory

Epochs = Sequence[tuple[int, int]]
"""Epoch history of a log: (epoch, first seq), oldest first."""


def common_point(ours: Epochs, our_last: int, theirs: Epochs, their_last: int) -> int:
    """The last seq up to which both logs hold the same records, 0 for none.

    ``(epoch, seq)`` names one record for ever, and whoever wrote in an epoch had all that lies before it in its own
    log; so the logs are equal up to the last record that has the same epoch in both.
    """
    mine, other = _ranges(ours, our_last), _ranges(theirs, their_last)
    common = 0
    for epoch, (first, last) in mine.items():
        if epoch in other:
            start, end = max(first, other[epoch][0]), min(last, other[epoch][1])
            if start <= end:
                common = max(common, end)
    return common


def _ranges(epochs: Epochs, last_seq: int) -> dict[int, tuple[int, int]]:
    """{epoch: (first seq, last seq)} of the epochs in which something was written."""
    ends = [*(first - 1 for _, first in epochs[1:]), last_seq]
    return {epoch: (first, end) for (epoch, first), end in zip(epochs, ends, strict=False) if first <= end}


def put_aside(directory: Path, records: Iterable[Record]) -> Path:
    """Write ``records`` into a file of their own under ``directory``, one JSON object a line, on disk on return."""
    path = directory / f"discarded-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 1_000_000:06d}.jsonl"
    with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o640)) as file:
        for record in records:
            json.dump({"seq": record.seq, "epoch": record.epoch, "time": record.time,
                       "destination": record.destination, "dedup-id": record.dedup,
                       "headers": record.headers.decode(errors="replace"),
                       **_body(record.body)}, file, ensure_ascii=False)
            file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    sync_directory(directory)
    return path


def _body(body: bytes) -> dict:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_hex": body.hex()}

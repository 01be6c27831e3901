"""What is kept of a tail that only one of two copies has."""

import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from protocol.files import sync_directory

from .records import Record


def put_aside(directory: Path, records: Iterable[Record]) -> Path:
    """Write ``records`` into a file of their own under ``directory``, one JSON object a line, on disk on return.

    Raises OSError, also when there is such a file: it is never written over."""
    path = directory / f"discarded-{datetime.now():%Y%m%d-%H%M%S-%f}.jsonl"
    with open(path, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o640)) as file:
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


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_hex": body.hex()}

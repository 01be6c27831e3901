"""A part of a file, as a request's Range asks for it."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


class Unsatisfiable(ValueError):
    """The asked range lies outside the file."""


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """``(first, last)`` byte of a single range, both inclusive; None = send the whole file (no range, several ranges
    or another unit). Raises Unsatisfiable."""
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if not match or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if not first:
        if int(last) == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - int(last)), size - 1
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return int(first), min(int(last), size - 1) if last else size - 1


async def chunks(path: Path, first: int, length: int) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        await asyncio.to_thread(file.seek, first)
        while length > 0 and (chunk := await asyncio.to_thread(file.read, min(CHUNK, length))):
            length -= len(chunk)
            yield chunk
    finally:
        file.close()

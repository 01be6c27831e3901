"""Columns of numbers as the bytes that are stored. Pure.

A table of n rows and c columns: a version, c and n, the keys of the rows (each below 65,536), then column by column its
numbers, of 4 bytes each; all of it compressed. A column that came with a later release is missing in what was stored
before it.
"""

import struct
import zlib
from collections.abc import Sequence

from provisioning.charts.facts import NAN

VERSION, LEVEL = 1, 1
_HEAD = struct.Struct("<BBH")
_LARGEST = 3.0e38
"""Of what fits into 4 bytes."""


def packed(keys: Sequence[int], columns: Sequence[Sequence[float]]) -> bytes:
    flat = [min(value, _LARGEST) if value == value else value for column in columns for value in column]
    return zlib.compress(_HEAD.pack(VERSION, len(columns), len(keys)) + struct.pack(f"<{len(keys)}H", *keys) +
                         struct.pack(f"<{len(flat)}f", *flat), LEVEL)


def unpacked(stored: bytes, width: int) -> tuple[tuple[int, ...], list[Sequence[float]]]:
    """(keys, ``width`` columns). Raises ValueError for what nothing here has stored."""
    try:
        data = zlib.decompress(stored)
        version, columns, rows = _HEAD.unpack_from(data)
        if version != VERSION:
            raise ValueError(f"figures of the unknown version {version}")
        keys = struct.unpack_from(f"<{rows}H", data, _HEAD.size)
        flat = struct.unpack_from(f"<{rows * columns}f", data, _HEAD.size + 2 * rows)
    except (struct.error, zlib.error) as error:
        raise ValueError(f"what is stored is not figures: {error}") from error
    found: list[Sequence[float]] = [flat[n * rows:(n + 1) * rows] for n in range(min(columns, width))]
    return keys, found + [(NAN,) * rows] * (width - len(found))

"""Objects in blocks: what is written every few seconds is one row for each block, not for each object. Pure."""

from collections import defaultdict
from collections.abc import Sequence

from provisioning.charts.facts import Point

from .packing import packed

SIZE = 64


def block_of(key: int) -> int:
    return key // SIZE


def keys_of(block: int, places: Sequence[int]) -> list[int]:
    return [block * SIZE + place for place in places]


def in_blocks(points: dict[int, Point]) -> dict[int, bytes]:
    """{block: the numbers of its objects, packed by their place in the block}."""
    blocks: defaultdict[int, list[int]] = defaultdict(list)
    for key in sorted(points):
        blocks[block_of(key)].append(key)
    return {block: packed([key % SIZE for key in keys], list(zip(*(points[key] for key in keys), strict=True)))
            for block, keys in blocks.items()}

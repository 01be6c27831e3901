"""Which of many directories are the same as one, above it or below it, without looking at each: pure."""

from collections import defaultdict
from collections.abc import Iterator


class Directories:
    """Of objects by their keys. Paths are in normal spelling; "" is none and shares nothing, as
    ``applications.rules.ports.share_a_path`` has it."""

    def __init__(self) -> None:
        self._at: dict[str, set[int]] = defaultdict(set)
        self._within: dict[str, set[int]] = defaultdict(set)

    def add(self, key: int, path: str) -> None:
        if path:
            self._at[path.rstrip("/")].add(key)
            for each in _upwards(path):
                self._within[each].add(key)

    def remove(self, key: int, path: str) -> None:
        if path:
            self._at[path.rstrip("/")].discard(key)
            for each in _upwards(path):
                self._within[each].discard(key)

    def sharing(self, path: str) -> set[int]:
        """Keys of those that share a path with this one."""
        if not path:
            return set()
        above = (self._at.get(each, ()) for each in _upwards(path))
        return set(self._within.get(path.rstrip("/"), ())).union(*above)


def _upwards(path: str) -> Iterator[str]:
    """``path`` and what it lies in, without a slash at the end."""
    parts = path.rstrip("/").split("/")
    for count in range(len(parts), 0, -1):
        yield "/".join(parts[:count])

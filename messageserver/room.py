"""How much has to go into a store that was full before it is used again."""

import time

LEAST_BYTES, MOST_BYTES = 256 * 1024, 16 * 1024 * 1024
AGAIN_S = 30.0


class Room:
    """A store that fails within AGAIN_S of having been well again needs twice as much the next time. Otherwise one on
    a disk that is full but for a little would be well and fail by turns, and control, which lets a member be in trouble
    for the detection time, would never give its role to the other one."""

    def __init__(self) -> None:
        self._bytes = LEAST_BYTES
        self._well_since: float | None = None

    def wanted(self) -> int:
        """Bytes, at an attempt to use the store again."""
        if self._well_since is not None:
            is_again = time.monotonic() - self._well_since < AGAIN_S
            self._bytes = min(self._bytes * 2, MOST_BYTES) if is_again else LEAST_BYTES
            self._well_since = None
        return self._bytes

    def found(self) -> None:
        """As much could be written: the store is used again."""
        self._well_since = time.monotonic()

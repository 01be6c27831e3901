"""A condition that comes true soon, and how patient tests are."""

import os
import time
from collections.abc import Callable

PATIENCE = float(os.environ.get("TEST_PATIENCE", "1"))
"""Factor on every time limit, for slow machines."""

OFTEN_S, COST = 0.05, 4
"""A wait lasts at least so long, and so many times as long as its question took."""


def wait_for(condition: Callable[[], object], timeout: float, what: str = "the condition", every: float | None = None):
    """The first true result of ``condition()``; AssertionError after ``timeout`` (times PATIENCE) seconds. Who measures
    how long it takes asks ``every`` so many seconds."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        asked = time.monotonic()
        if result := condition():
            return result
        answered = time.monotonic()
        assert answered < deadline, f"{what} did not come true within {timeout * PATIENCE:g} s"
        # What is dear to ask is asked less often: the machine belongs to what is waited for.
        time.sleep(max(OFTEN_S, COST * (answered - asked)) if every is None else every)

"""A condition that comes true soon, and how patient tests are."""

import os
import time
from collections.abc import Callable

PATIENCE = float(os.environ.get("TEST_PATIENCE", "1"))
"""Factor on every time limit, for slow machines."""


def wait_for(condition: Callable[[], object], timeout: float, what: str = "the condition", every: float = 0.05):
    """The first true result of ``condition()``; AssertionError after ``timeout`` (times PATIENCE) seconds."""
    deadline = time.monotonic() + timeout * PATIENCE
    while not (result := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {timeout * PATIENCE:g} s"
        time.sleep(every)
    return result

"""How long to wait before what failed is tried again."""

import random
from collections.abc import Iterator

FIRST_S, OFTEN_S, LONGEST_S = 0.1, 1.0, 5.0
OFTEN_FOR_S = 15.0
"""A control that is started anew is back by then; until then it is looked for often."""


def doubling(first_s: float, longest_s: float) -> Iterator[float]:
    """Seconds, for ever: ``first_s``, then twice as long each time, ``longest_s`` at most."""
    wait_s = first_s
    while True:
        yield wait_s
        wait_s = min(wait_s * 2, longest_s)


def pauses() -> Iterator[float]:
    """Seconds before a control that could not be reached is dialled again: doubling up to OFTEN_S for about
    OFTEN_FOR_S, then growing to LONGEST_S. Each is cut by up to half at random, so that thousands that lost the same
    control do not dial in step."""
    wait_s, waited_s = FIRST_S, 0.0
    while True:
        yield wait_s * random.uniform(0.5, 1.0)
        waited_s += wait_s
        wait_s = min(wait_s * 2, OFTEN_S if waited_s < OFTEN_FOR_S else LONGEST_S)

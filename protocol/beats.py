"""What is done again and again in one process, and in those beside it, is done at the same moments: of what a wake of
a process costs, most is the wake.

The moments of a period are its multiples on the machine's monotonic clock, so those of 0.5 s are among those of 0.25 s.
"""

import asyncio
import math
import time


def until_next(every_s: float, now: float) -> float:
    """Seconds from ``now`` (monotonic) to the next moment of a period of ``every_s`` seconds, half a period away at
    least, so that a timer that is a little early is not followed by another one; 0 of a period of 0."""
    if not every_s:
        return 0.0
    left = every_s - math.fmod(now, every_s)
    return left if left >= every_s / 2 else left + every_s


async def next_beat(every_s: float) -> None:
    """Wait for the next moment of a period of ``every_s`` seconds."""
    await asyncio.sleep(until_next(every_s, time.monotonic()))

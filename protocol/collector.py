"""How often Python's collector of cycles looks at what a process holds, and at how much of it.

It walks everything that lives for long again and again, and meanwhile nobody is answered: with the objects of 5,000
pairs that took more than a second, in the middle of a failover.
"""

import gc

COLLECT_EVERY = 20_000
"""Objects that pile up before it looks for cycles. Messages under way are thousands of objects and no cycles; Python's
own 700 made it walk them again and again."""


def look_rarely() -> None:
    """For the whole process, from its start."""
    spare()
    gc.set_threshold(COLLECT_EVERY)
    gc.enable()


def spare() -> None:
    """What is there now lives for long: it is not walked any more."""
    gc.freeze()


def spare_nothing() -> None:
    """What was spared may be garbage now."""
    gc.unfreeze()

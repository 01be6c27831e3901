"""Long work writes in turns: short transactions with pauses between them.

SQLite takes one writer at a time, and who waits asks again every tenth of a second. Without turns whoever starts a
server, saves an object or shows a sign of life waits for the whole of an audit.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import Model, QuerySet

TURN_S = 0.1
"""About so long a turn holds the database; how much it writes follows from how long the one before took."""
LET_IN_S = 0.12
"""Longer than anybody who waits stays without asking."""
FIRST, MOST, GROWS = 10, 2000, 4

T = TypeVar("T")
R = TypeVar("R")


class Turns:
    """The turns of one piece of work. ``size`` is how many items the next one takes, at most ``most``."""

    def __init__(self, *, most: int = MOST):
        self.size, self._most, self._held_s = min(FIRST, most), most, 0.0

    @contextmanager
    def turn(self, items: int) -> Iterator[None]:
        """A transaction of the work, for so many ``items``. It must not lie within another one, which would last as
        long as all of them; raises RuntimeError then."""
        self._let_others_in()
        ended: list[float] = []
        with transaction.atomic(durable=True):
            # The lock is held from here on, until it is committed: what is told afterwards keeps nobody out.
            began = time.monotonic()
            transaction.on_commit(lambda: ended.append(time.monotonic()))
            yield
        took = (ended[0] if ended else time.monotonic()) - began
        self._held_s += took
        fits = round(items * TURN_S / max(took, TURN_S / GROWS))
        self.size = max(1, min(fits, GROWS * self.size, self._most))

    def _let_others_in(self) -> None:
        if self._held_s < TURN_S / 2:
            return
        self._held_s = 0.0
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            time.sleep(LET_IN_S)


def write_in_turns(items: Iterable[T], write: Callable[[list[T]], R], *, most: int = MOST) -> list[R]:
    """Call ``write`` with some of the ``items`` after the other, each time in a transaction of its own; what it gave
    back, in order. What was written stays when a later turn fails."""
    turns, left, results = Turns(most=most), iter(items), []
    while chunk := list(islice(left, turns.size)):
        with turns.turn(len(chunk)):
            results.append(write(chunk))
    return results


def delete_in_turns(rows: QuerySet[Model], *, most: int = MOST) -> int:
    """Delete ``rows`` with what hangs on them; how many there were."""
    turns, gone = Turns(most=most), 0
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:turns.size]):
        with turns.turn(len(keys)):
            rows.model._default_manager.filter(pk__in=keys).delete()
        gone += len(keys)
    return gone

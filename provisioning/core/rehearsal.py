"""Something is done and taken back: what would come of it, with nothing changed and nobody told."""

from collections.abc import Callable
from typing import TypeVar

from django.db import transaction

Done = TypeVar("Done")


def rehearsed(work: Callable[[], Done]) -> Done:
    """The result of ``work``, whose transaction is rolled back with all that waits for its commit. Only for work that
    is one transaction, and asks nobody else. Raises what it raises."""
    with transaction.atomic():
        try:
            return work()
        finally:
            transaction.set_rollback(True)

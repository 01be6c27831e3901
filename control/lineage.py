"""The generations of control's database as they are kept in it: read, and begun. In the database thread."""

import secrets

from django.utils import timezone

from provisioning.record import models

from .generations import Generation, History, Seen
from .lease import LEADER, holding

MARK_BYTES = 8


def load() -> tuple[History, int]:
    """(the history, the position that it has come to)."""
    rows = models.Generation.objects.order_by("number").values("number", "mark", "first_position", "after_restore")
    position = models.Leadership.objects.filter(name=LEADER).values_list("position", flat=True).first() or 0
    return History(tuple(Generation(**row) for row in rows)), position


def begin(seen: Seen | None = None, *, term: int) -> tuple[History, int]:
    """Begin the next generation: of a control that begins to lead, or after a restore that ``seen`` has proven.

    (the history, the position that it has come to)."""
    with holding(term):
        history, position = load()
        models.Leadership.objects.filter(name=LEADER).update(position=position + 1)
        models.Generation.objects.create(
            number=history.following(seen), mark=secrets.token_hex(MARK_BYTES), first_position=position + 1,
            after_restore=seen is not None, since=timezone.now())
        return load()

"""How far each target has got: what comes next is read, and what came of it is written. The table of History is the
queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from protocol.events import Own
from provisioning.core import changes
from provisioning.core.events import last_of, of_console
from provisioning.core.prepared import Prepared
from provisioning.errors import WrongKey
from provisioning.models import AuditTarget, Shipment
from provisioning.shipping.facts import Outcome, Target
from provisioning.shipping.rules.lag import told_of
from provisioning.shipping.selectors.targets import TARGETS, entries_after, lags, newest_number, target_of

from .ways import fitting, send, written

_TARGETS = Prepared(lambda: AuditTarget.objects.filter(enabled=True).order_by("pk").values_list(
    "pk", "revision", "shipment__number", "shipment__behind_since"))
ABOUT_LAG = (Own.SHIPPING_BEHIND, Own.SHIPPING_CAUGHT_UP)


@dataclass(frozen=True)
class Due:
    """A target to which entries are to be sent. ``number``: up to this one they were taken."""

    key: int
    revision: int
    number: int


@dataclass(frozen=True)
class Batch:
    """``messages`` for one attempt: of the entries that follow ``after``, up to ``last``. ``target`` None: nothing can
    be sent, as ``why`` says."""

    target: Target | None
    messages: Sequence[bytes] = ()
    after: int = 0
    last: int = 0
    why: str = ""


def due_targets() -> list[Due]:
    """Those with something to send; a new one begins with the first entry. It writes only where something is new."""
    rows = _TARGETS.rows()
    newest = newest_number() if rows else 0
    for key, _, number, _ in rows:
        if number is None:
            Shipment.objects.get_or_create(target_id=key)
    waiting = [(key, revision, number or 0, since) for key, revision, number, since in rows if (number or 0) < newest]
    if unmarked := [key for key, *_, since in waiting if since is None]:
        Shipment.objects.filter(target__in=unmarked).update(behind_since=timezone.now())
    return [Due(key, revision, number) for key, revision, number, _ in waiting]


def next_batch(key: int, position: int, size: int) -> Batch | None:
    """At most ``size`` of the entries after ``position``; None where there are none, or no such target any more."""
    row = AuditTarget.objects.filter(pk=key, enabled=True).defer("key", "token").first()
    entries = entries_after(position, size) if row is not None else []
    if row is None or not entries:
        return None
    try:
        target = target_of(row)
    except WrongKey as error:
        return Batch(None, after=position, why=str(error))
    messages = written(target, entries)
    count = fitting(messages)
    return Batch(target, messages[:count], position, entries[count - 1].number)


def sent(batch: Batch) -> Outcome:
    """One attempt; needs no database."""
    return send(batch.target, batch.messages) if batch.target is not None else Outcome(False, batch.why, reached=False)


def record(key: int, batch: Batch, outcome: Outcome, now: datetime | None = None) -> int:
    """What came of an attempt to send ``batch``; up to which entry all were taken by then. That is before the batch
    where somebody has asked meanwhile for earlier ones again."""
    now = now or timezone.now()
    with transaction.atomic():
        row = Shipment.objects.select_for_update().filter(target=key).first()
        if row is None:
            return batch.last
        row.tried_at = now
        if outcome.taken:
            row.taken_at, row.trouble, row.tries = now, "", 0
            if batch.after <= row.number:
                row.number = max(row.number, batch.last)
            if row.number >= newest_number():
                row.behind_since = None
        else:
            row.trouble, row.tries = outcome.said, row.tries + 1
        row.save()
        changes.tell(TARGETS)
    return row.number


def tell_of_lag(last: int | None = None, now: datetime | None = None) -> int:
    """Once when targets get behind, and once when each has caught up. ``last``: which of the two was told last, as the
    call before has returned it; None to look."""
    now, found = now or timezone.now(), lags()
    last = last_of(ABOUT_LAG) if last is None else last
    said = told_of(found, last, now)
    marks = {told: [each.name for each in found if each.told != told and (each.name in said.behind) == told]
             for told in (True, False)}
    if not said.number and not any(marks.values()):
        return last
    with transaction.atomic():
        for told, names in marks.items():
            Shipment.objects.filter(target__name__in=names).update(told=told)
        if said.number:
            of_console(Own(said.number), said.text, at=now).save()
    return said.number or last

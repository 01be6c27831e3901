"""Targets as pages, commands and the sender see them, with how far each has got."""

import socket
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from provisioning.accounts.rules.sign_in_results import result_of
from provisioning.core.redaction import Redactor
from provisioning.errors import NotFound
from provisioning.history.entries import field_changes
from provisioning.models import AuditTarget, HistoryEntry, HistoryHead
from provisioning.shipping.facts import Entry, Target
from provisioning.shipping.rules.lag import Lag
from provisioning.spelling import by_name
from provisioning.states import HistoryAction

TARGETS = "audit-targets"
"""What pages that show them are told by."""
VALUE_CHARACTERS = 2000
"""Of a value before or after a change; History has all of it."""
_COUNT = Coalesce(Subquery(HistoryHead.objects.filter(pk=1).values("count")[:1]), Value(0))
WITHOUT_SECRETS = ("key", "token")
"""They are read where they are needed: one that no key opens breaks no list."""


def target_list(*, text: str = "", state: str = "") -> QuerySet[AuditTarget]:
    """By name, each with its shipment and ``entries``, how many are still to be sent; ``text`` is a part of the name,
    the address or the description."""
    found = AuditTarget.objects.defer(*WITHOUT_SECRETS).select_related("shipment").annotate(
        entries=_COUNT - F("shipment__number")).order_by(*by_name("name"))
    if text:
        found = found.filter(Q(name__holds=text) | Q(description__holds=text) | Q(address__holds=text))
    return found.filter(enabled=state == "enabled") if state else found


def get_target(key: int) -> AuditTarget:
    """Raises NotFound."""
    row = AuditTarget.objects.defer(*WITHOUT_SECRETS).filter(pk=key).first()
    if row is None:
        raise NotFound("There is no such target of audit shipping (any more).")
    return row


def target_of(row: AuditTarget) -> Target:
    """Raises WrongKey."""
    return Target(
        name=row.name, address=row.address, format=row.format, ca=row.ca, certificate=row.certificate,
        key=row.key or "", token=row.token or "", host=socket.gethostname(), version=settings.PAIRWISE_VERSION)


def entries_after(number: int, most: int) -> list[Entry]:
    """The next ``most`` entries of History, in order."""
    return [entry_of(row) for row in HistoryEntry.objects.filter(number__gt=number).order_by("number")[:most]]


def entry_of(row: HistoryEntry) -> Entry:
    """Without secrets: what counts as one by now was perhaps none when the entry was written."""
    redactor = Redactor(())
    result = result_of(row.reason) if row.action == HistoryAction.SIGN_IN else None
    return Entry(
        number=row.number, at=row.at, user=row.user_name, user_id=row.user_id, origin=row.origin,
        request=row.request_id, action=row.action, object_type=row.object_type, object_id=row.object_id,
        object_name=row.object_name, reason=redactor.text(row.reason), result=result or "", previous=row.previous,
        digest=row.digest, changes=tuple(redactor.value([
            {"field": change.label, "before": _cut(change.before), "after": _cut(change.after)}
            for change in field_changes(row.before, row.after)])))


def _cut(text: str) -> str:
    return text if len(text) <= VALUE_CHARACTERS else f"{text[:VALUE_CHARACTERS]}…"


def lags() -> list[Lag]:
    """Of those that are enabled."""
    found: Iterable[Any] = target_list(state="enabled")
    return [Lag(row.name, max(0, row.entries), row.shipment.behind_since, row.shipment.told, row.shipment.trouble)
            for row in found]


def newest_number() -> int:
    return HistoryHead.objects.filter(pk=1).values_list("count", flat=True).first() or 0


def lag_counts() -> QuerySet[AuditTarget]:
    """Those that are enabled, each with ``entries``."""
    return AuditTarget.objects.filter(enabled=True).order_by().annotate(entries=_COUNT - F("shipment__number"))

"""History: who changed what, with full snapshots whose secrets are masked, in a chain of entries (ADR 13)."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from provisioning import chain
from provisioning.core.permissions import Actor
from provisioning.history.kinds import KINDS
from provisioning.keys import all_keys
from provisioning.models import (
    HistoryEntry,
    HistoryHead,
    HistoryKey,
)
from provisioning.states import HistoryAction

AT_ONCE = 200
NOBODY = "0"
"""Stands for the key of a user who does not exist: keys begin at 1, and readers take them for numbers."""


_waiting: ContextVar[list[HistoryEntry] | None] = ContextVar("entries of the transaction that runs", default=None)


@contextmanager
def atomic() -> Iterator[None]:
    """A transaction, as ``transaction.atomic``, whose entries join the chain at its end, all at once.

    The end of the chain is locked last and for moments: a transaction that held it while it waits for a row would meet
    another that holds the row and waits for it. Within another one it is a savepoint.
    """
    outer = _waiting.get()
    if outer is not None:
        kept = len(outer)
        try:
            with transaction.atomic():
                yield
        except BaseException:
            del outer[kept:]
            raise
        return
    entries: list[HistoryEntry] = []
    token = _waiting.set(entries)
    try:
        with transaction.atomic():
            yield
            if entries and not transaction.get_rollback():
                _append(entries)
    finally:
        _waiting.reset(token)


def snapshot(row: Model) -> dict:
    """Snapshot of an object of KINDS. Read the row anew first when related rows were written since."""
    return KINDS[type(row)].snapshot(row)


def _without_revision(body: dict | None) -> dict | None:
    return None if body is None else {key: value for key, value in body.items() if key != "revision"}


def record(*, actor: Actor, row: Model, before: dict | None, after: dict | None, reason: str = "",
           new_secrets: list[str] | None = None) -> HistoryEntry | None:
    """Add an entry to the transaction that runs (``atomic``; at once outside of one); None when nothing changed.

    ``before`` None = created, ``after`` None = deleted. ``new_secrets`` names secret options that got a new value:
    snapshots hold only their mask, so the reason says it.
    """
    if new_secrets:
        reason = " ".join(filter(None, (reason, f"New value for {', '.join(new_secrets)}.")))
    elif _without_revision(before) == _without_revision(after):
        return None
    action = (HistoryAction.CREATED if before is None else
              HistoryAction.DELETED if after is None else HistoryAction.CHANGED)
    name = (after or before or {}).get("name", str(row))
    return _add(actor, _key_of(row), action, name=name, before=before, after=after, reason=reason)


def record_verb(*, actor: Actor, row: Model, reason: str) -> HistoryEntry:
    """Add an entry about something that was done to an object without changing its configuration; ``reason`` is the
    sentence that says what."""
    name = str(getattr(row, "name", row))
    return _add(actor, _key_of(row), HistoryAction.OPERATED, name=name, reason=reason)


def record_sign_in(*, actor: Actor, user: User | None, name: str, reason: str) -> HistoryEntry:
    """Add an entry about who signed in, out or could not; ``name`` is what it calls them, ``user`` None for somebody
    who is no user."""
    key = _key_of(user) if user is not None else (KINDS[User].name, NOBODY)
    return _add(actor, key, HistoryAction.SIGN_IN, name=name, reason=reason)


def _key_of(row: Model) -> tuple[str, str]:
    return KINDS[type(row)].name, str(row.pk)


def _add(actor: Actor, key: tuple[str, str], action: HistoryAction, *, name: str, before: dict | None = None,
         after: dict | None = None, reason: str) -> HistoryEntry:
    entry = HistoryEntry(
        at=timezone.now(), user_id=actor.user_id, user_name=actor.name[:150], origin=actor.origin[:64],
        request_id=actor.request_id[:36], action=str(action), object_type=key[0], object_id=key[1],
        object_name=name[:255], before=before, after=after, reason=reason)
    waiting = _waiting.get()
    if waiting is not None:
        waiting.append(entry)
    else:
        with transaction.atomic():
            _append([entry])
    return entry


def _append(entries: list[HistoryEntry]) -> None:
    """Put ``entries`` at the end of the chain; whoever does the same now waits until the transaction has ended."""
    key, *former = map(chain.key_of, all_keys())
    number, last = _end(_locked_head(), key, former)
    for entry in entries:
        number += 1
        entry.number, entry.previous = number, last
        entry.digest = last = chain.digest(key, vars(entry))
    HistoryEntry.objects.bulk_create(entries, batch_size=AT_ONCE)
    HistoryHead.objects.filter(pk=1).update(count=number, digest=last, seal=chain.seal(key, number, last))


def _locked_head() -> HistoryHead:
    head = HistoryHead.objects.select_for_update().filter(pk=1).first()
    if head is not None:
        return head
    HistoryHead.objects.get_or_create(pk=1, defaults={"count": 0, "digest": "", "seal": ""})
    return HistoryHead.objects.select_for_update().get(pk=1)


def _end(head: HistoryHead, key: bytes, former: list[bytes]) -> tuple[int, str]:
    """(number, digest) of the last entry. One that was made with a ``former`` key is where the present one begins."""
    sealed_by = chain.sealed_by((key, *former), head)
    if sealed_by is not None:
        if sealed_by != key and head.count:
            HistoryKey.objects.create(section=str(chain.Section(head.count, head.digest, sealed_by.hex())))
        return head.count, head.digest
    last = HistoryEntry.objects.order_by("-number").values_list("number", "digest").first()
    if last is None:
        return 0, chain.BEGINNING
    # Somebody else wrote the head, or took it away. Work goes on, and the number that is left out stays as evidence.
    return last[0] + 1, last[1]

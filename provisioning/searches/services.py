"""Save a search, and delete one."""

from django.contrib.auth.models import User

from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.core.text import text_refusals
from provisioning.errors import Refusal, Refused
from provisioning.history import history
from provisioning.models import SavedSearch

from .facts import query_of
from .selectors import get_search, may_delete

MOST = 100
"""Of one person."""
TOPIC = "searches"


def save_search(*, actor: Actor, list_name: str, name: str, query: str, shared: bool = False) -> SavedSearch:
    """Of ``query`` what the filter of the list takes is kept. Raises Refused."""
    actor.require(permissions.VIEW)
    if shared:
        actor.require(permissions.SHARE)
    name, kept = name.strip(), query_of(list_name, query)
    if refusals := _refusals(name, kept):
        raise Refused(*refusals)
    with history.atomic():
        # One after the other of a person, so that the bound holds.
        user = _locked(actor)
        own = SavedSearch.objects.filter(user=user)
        if own.filter(list=list_name, name=name).exists():
            raise Refused(Refusal(f"You have a search called {name} here. Choose another name, or delete that one "
                                  "first.", "name"))
        if own.count() >= MOST:
            raise Refused(Refusal(f"You have {MOST} saved searches, and no more are kept. Delete one first.", ""))
        row = SavedSearch.objects.create(user=user, list=list_name, name=name, query=kept, shared=shared)
        if shared:
            history.record(actor=actor, row=row, before=None, after=history.snapshot(row))
        changes.tell(TOPIC)
    return row


def delete_search(*, actor: Actor, search_id: int) -> SavedSearch:
    """One's own, or as an Administrator one that is shared. Raises NotFound, NotAllowed."""
    actor.require(permissions.VIEW)
    with history.atomic():
        row = get_search(actor, search_id)
        if not may_delete(actor, row):
            actor.require(permissions.SHARE)
        if row.shared:
            history.record(actor=actor, row=row, before=history.snapshot(row), after=None)
        SavedSearch.objects.filter(pk=row.pk).delete()
        changes.tell(TOPIC)
    return row


def _locked(actor: Actor) -> User:
    """Raises Refused."""
    user = None if actor.user_id is None else User.objects.select_for_update().filter(pk=actor.user_id).first()
    if user is None:
        raise Refused("Only somebody who is signed in saves searches. Sign in first.")
    return user


def _refusals(name: str, kept: str) -> list[Refusal]:
    found = text_refusals(name, field="name", label="Name", longest=64)
    if not name:
        found.append(Refusal("Write a name.", "name"))
    if not kept:
        found.append(Refusal("Nothing is filtered, so there is nothing to save. Fill the filter in first.", ""))
    return found

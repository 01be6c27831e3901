"""Saved searches: one's own, and those that are shared."""

from django.db.models import Q, QuerySet

from provisioning.core.permissions import SHARE, Actor
from provisioning.errors import NotFound
from provisioning.models import SavedSearch


def searches(actor: Actor, list_name: str) -> QuerySet[SavedSearch]:
    """Those of a list that ``actor`` sees, with who saved them."""
    return SavedSearch.objects.filter(_seen_by(actor), list=list_name).select_related("user")


def all_searches(actor: Actor) -> QuerySet[SavedSearch]:
    """As ``searches``, of all lists."""
    return SavedSearch.objects.filter(_seen_by(actor)).select_related("user")


def get_search(actor: Actor, key: int) -> SavedSearch:
    """One that ``actor`` sees. Raises NotFound."""
    row = SavedSearch.objects.filter(_seen_by(actor), pk=key).select_related("user").first()
    if row is None:
        raise NotFound("This saved search is not there, or is somebody else's.")
    return row


def may_delete(actor: Actor, row: SavedSearch) -> bool:
    """Whose it is; what is shared, whoever may share."""
    return row.user_id == actor.user_id or (row.shared and actor.may(SHARE))


def _seen_by(actor: Actor) -> Q:
    return Q(user_id=actor.user_id) | Q(shared=True)

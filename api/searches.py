"""``/searches``: filters of lists that are kept under a name."""

from collections.abc import Iterable
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.core.permissions import actor_of
from provisioning.searches import services
from provisioning.searches.selectors import all_searches, get_search

from .changes import Change, answered
from .documents import Strict
from .paging import Page, PageOf
from .saved import created

router = Router(tags=["searches"])


class SearchRow(BaseModel):
    """``list`` is history, event-list or log-list; ``query`` the query string of its filter; ``user`` who saved it.
    Everybody sees one that is ``shared``."""

    id: int
    list: str
    name: str
    query: str
    shared: bool
    user: str


class SearchBody(Strict):
    list: Literal["history", "event-list", "log-list"]
    name: str = Field(max_length=64)
    query: str = Field(max_length=2000)
    shared: bool = False


@router.get("", response=PageOf[SearchRow], summary="List saved searches")
def searches(request: HttpRequest, page: Query[Page]) -> HttpResponse:
    """One's own saved searches, and those that are shared."""
    return page.of(all_searches(actor_of(request)), described, SearchRow)


@router.post("", response={201: SearchRow, 200: SearchRow}, summary="Save a search")
def save(request: HttpRequest, asked: SearchBody, change: Query[Change]) -> HttpResponse:
    return change.carried_out(lambda: answered(described([services.save_search(
        actor=actor_of(request), list_name=asked.list, name=asked.name, query=asked.query, shared=asked.shared)])[0],
        SearchRow, status=created(change)))


@router.get("/{int:search_id}", response=SearchRow, summary="A saved search")
def search(request: HttpRequest, search_id: int) -> HttpResponse:
    return answered(described([get_search(actor_of(request), search_id)])[0], SearchRow)


@router.delete("/{int:search_id}", response={204: None}, summary="Delete a saved search")
def delete(request: HttpRequest, search_id: int, change: Query[Change]) -> HttpResponse:
    """Delete one's own, or as an Administrator one that is shared."""
    change.carried_out(lambda: services.delete_search(actor=actor_of(request), search_id=search_id))
    return HttpResponse(status=204)


def described(rows: Iterable[Any]) -> list[SearchRow]:
    return [SearchRow(id=row.pk, list=row.list, name=row.name, query=row.query, shared=row.shared,
                      user=row.user.get_username()) for row in rows]

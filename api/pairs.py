"""``/pairs``: servers with their backups. A pair is named by either member."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.core.permissions import actor_of
from provisioning.monitoring.selectors.status import pairs_status
from provisioning.pairs.rules.story import headline, why_not
from provisioning.pairs.selectors.page import pair_facts
from provisioning.pairs.selectors.pairs import find_pair, get_pair, primaries
from provisioning.pairs.services.pairs import check_failover

from .changes import answered
from .paging import Page, PageOf, by_id_or_name
from .statuses import PairStatus

router = Router(tags=["pairs"])
SORTS = {"name": ("name",), "changed": ("pair_state__since", "name")}


class Filters(BaseModel):
    text: str = Field("", max_length=255, description="In the name of a member.")
    paused: bool = Field(False, description="Only those whose automatic failover is paused.")
    sort: str = Field("id", max_length=32, description=f"id, {', '.join(SORTS)}; with - in front reversed.")


class PairRow(PairStatus):
    """``id`` is that of the primary."""

    id: int
    paused_by: str
    paused_reason: str
    paused_at: datetime | None


class Headline(BaseModel):
    """What is going on, in a sentence. ``level``: broken, risk, moving, idle, ok or new."""

    level: str
    sentence: str
    more: str


class PairDetail(PairRow):
    """``why_not``: {verb: why it cannot be done now}; verbs that can are missing."""

    headline: Headline
    why_not: dict[str, str]


class Condition(BaseModel):
    """``state``: ok, no or unknown. Without ``necessary`` failover works, but less well."""

    code: str
    label: str
    state: str
    necessary: bool
    sentence: str
    advice: str


class FailoverCheck(BaseModel):
    primary: str
    backup: str
    works: bool
    sentence: str
    conditions: list[Condition]


def found(key: str) -> Any:
    """The pair of the application of this name or id, whichever member it is. Raises NotFound, Refused."""
    return by_id_or_name(key, get_pair, find_pair)


def described(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Of rows of primaries."""
    rows = {row.name: row for row in rows}
    return [{**said, "id": rows[said["primary"]].pk, **_paused(rows[said["primary"]])}
            for said in pairs_status(rows.values())]


def _paused(row: Any) -> dict[str, Any]:
    state = getattr(row, "pair_state", None)
    return {"paused_by": state.paused_by if state else "", "paused_reason": state.paused_reason if state else "",
            "paused_at": state.paused_at if state else None}


@router.get("", response=PageOf[PairRow], summary="List pairs")
def pairs(request: HttpRequest, page: Query[Page], filters: Query[Filters]) -> HttpResponse:
    return page.of(primaries(text=filters.text, paused=filters.paused), described, PairRow, sort=filters.sort,
                   sorts=SORTS)


@router.get("/{name}", response=PairDetail, summary="A pair")
def pair(request: HttpRequest, name: str) -> HttpResponse:
    row = found(name)
    facts = pair_facts(row.id)
    return answered({**described([row.primary])[0], "headline": vars(headline(facts)), "why_not": why_not(facts)},
                    PairDetail)


@router.post("/{name}/failover-check", response=FailoverCheck, summary="Would failover of a pair work now?")
def failover_check(request: HttpRequest, name: str) -> HttpResponse:
    """Control and both members are asked; nothing is changed."""
    row = found(name)
    verdict = check_failover(actor=actor_of(request), application_id=row.id)
    return answered({"primary": row.primary.name, "backup": row.backup.name, "works": verdict.works,
                     "sentence": verdict.sentence, "conditions": [vars(each) for each in verdict.conditions]},
                    FailoverCheck)

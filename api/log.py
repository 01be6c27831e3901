"""``/log``: log records that were collected (docs/log.md), as ``manage.py logs --json`` has them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel

from provisioning.logs.facts import Cursor, moment
from provisioning.logs.forms import LogFilter
from provisioning.logs.selectors import records

from .changes import answered
from .filters import Text, Times
from .paging import WRONG_CURSOR, Page, PageOf
from .problems import Problem

router = Router(tags=["log"])


class RecordsFilter(Times):
    """``pair``: both members of one, by either's name."""

    text: Text = ""
    level: Literal["", "alarm", "standard", "interaction", "trace"] = ""
    number: Text = ""
    application: Text = ""
    pair: Text = ""
    host: Text = ""
    category: Literal["", "application", "audit"] = ""


class RecordRow(BaseModel):
    """``number`` is the event as it was written, "" for none; ``(seq, epoch)`` name the record in its pair."""

    id: int
    at: datetime
    level: str
    number: str
    category: str
    application: str
    type: str
    host: str
    text: str
    seq: int
    epoch: int


class RecordDetail(RecordRow):
    """``pair``: whose record it is; ``received``: when a server of it took it; ``attributes``: what else was sent."""

    pair: str
    received: datetime
    attributes: dict[str, Any]


@router.get("", response=PageOf[RecordRow], summary="Search log records")
def log(request: HttpRequest, page: Query[Page], filters: Query[RecordsFilter]) -> HttpResponse:
    """The newest first. A search takes a second at most: next says where to go on, also where nothing was found so far;
    count is not known."""
    before = Cursor.read(page.cursor) if page.cursor else None
    if page.cursor and before is None:
        raise Problem(422, WRONG_CURSOR, field="cursor")
    found = records.find(filters.judged(LogFilter).query(), before=before, most=page.limit, within_s=records.LOOK_ON_S)
    return page.answer(described(found.rows), RecordRow, following=str(found.next) if found.next else None, count=None)


@router.get("/{int:record_id}", response=RecordDetail, summary="A log record")
def record(request: HttpRequest, record_id: int) -> HttpResponse:
    row = records.get_record(record_id)
    [said] = described([row])
    return answered(RecordDetail(**dict(said), pair=row.pair.name, received=moment(row.received),
                                 attributes=row.attributes), RecordDetail)


def described(rows: Iterable[Any]) -> list[RecordRow]:
    return [RecordRow(
        id=row.pk, at=moment(row.at), level=row.level, number=row.number, category=row.category,
        application=row.application, type=row.type, host=row.host, text=row.text, seq=row.seq, epoch=row.epoch)
        for row in rows]

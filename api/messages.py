"""``/applications/{name}/messages`` and what else a Message Server says of itself: destinations, connections, named
positions (docs/messages.md). The member that serves is asked, whichever of a pair is named."""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypeVar

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.core.permissions import CLIENTS, PUBLISH, READ_MESSAGES, actor_of
from provisioning.errors import NotFound, Refused
from provisioning.messages import facts
from provisioning.messages.facts import BODY_LARGEST, BODY_SHOWN, EVERYTHING, SHOWN_MESSAGES, Gone, NotRead
from provisioning.messages.forms import MessageFilter
from provisioning.messages.rules import LONGEST, SEQ_MAX
from provisioning.messages.selectors import asked
from provisioning.messages.services import orders

from .applications import found
from .changes import Change, Tried, answered, tried
from .documents import Strict
from .filters import Text, Times
from .paging import PageOf
from .problems import Problem

router = Router(tags=["message servers"])
Read = TypeVar("Read")
RETRY_S = 2
Seq = Annotated[int, Field(ge=0, le=SEQ_MAX)]


class Wanted(Times):
    """``of``: a destination, or the beginning of some and ``*``. ``header`` is ``name: value``."""

    of: Text = EVERYTHING
    header: Text = ""


class Part(BaseModel):
    before: Seq | None = Field(None, description="Only older ones than this seq: next of the part before.")
    limit: int = Field(SHOWN_MESSAGES, ge=1, le=SHOWN_MESSAGES)


class Begins(BaseModel):
    prefix: Text = ""
    after: Text = Field("", description="Only what comes behind this name: next of the part before.")


class MessageRow(BaseModel):
    """``headers`` are its sender's own, ``more_headers``: not all of them. ``beginning`` of the body is text, or
    hexadecimal digits where ``is_text`` is false. ``expired``: it is given to nobody any more."""

    seq: int
    epoch: int
    at: datetime | None
    destination: str
    size: int
    headers: dict[str, str]
    more_headers: bool
    beginning: str
    is_text: bool
    expired: bool


class MessageDetail(MessageRow):
    """``body`` is its first 64 KB in base64; ``is_cut``: there is more, which ``/body`` has."""

    body: str
    is_cut: bool


class ConnectionRow(BaseModel):
    """``slow`` says in a sentence what it leaves, "" for one that keeps up; ``own``: it is Pairwise's. ``submitted``:
    messages that it has published."""

    session: str
    login: str
    peer: str
    since: datetime | None
    version: str
    unread: int
    submitted: int
    behind: int
    slow: str
    own: bool
    subscriptions: list[facts.Subscription]
    subscriptions_total: int


class Told(BaseModel):
    """``member``: who answered. ``total``: how many there are; those that are left out have the least to tell."""

    member: str
    total: int


class ConnectionsTold(Told):
    items: list[ConnectionRow]


class PositionsTold(Told):
    items: list[facts.Position]


class PublishWritten(Strict):
    """A test message of text."""

    destination: str = Field(..., max_length=LONGEST)
    headers: dict[str, str] = Field({}, description="Those of the message's own.")
    body: str = Field("", max_length=BODY_LARGEST)


class Published(BaseModel):
    """It is stored as any other, on both members of a pair."""

    destination: str
    seq: int


class PositionNamed(Strict):
    name: str = Field(..., min_length=1, max_length=LONGEST)


class PositionMoved(PositionNamed):
    """``seq``: it goes on with the first message behind it; 0 is the beginning."""

    seq: Seq


def _servers(name: str) -> asked.Servers:
    """Raises NotFound."""
    try:
        return asked.servers(found(name).pk)
    except Http404 as error:
        raise NotFound(str(error)) from error


def _read(work: Callable[[], Read]) -> Read:
    """Raises NotFound, Problem."""
    try:
        return work()
    except Gone as trouble:
        raise NotFound(str(trouble)) from trouble
    except NotRead as trouble:
        raise Problem(503 if trouble.passes else 409, " ".join(filter(None, (str(trouble), trouble.advice))),
                      retry_after_s=RETRY_S if trouble.passes else None) from trouble


def _row(message: facts.Message) -> dict[str, object]:
    shown = message.beginning
    # As in STOMP, the first of several headers of a name counts.
    headers = dict(reversed(message.headers))
    return {**vars(message), "headers": headers, "beginning": shown.text, "is_text": shown.is_text}


@router.get("/{name}/messages", response=PageOf[MessageRow], summary="Stored messages of a Message Server")
def messages(request: HttpRequest, name: str, wanted: Query[Wanted], part: Query[Part]) -> HttpResponse:
    """The newest first. A server looks for a second at most: next says where to go on, also where nothing was found so
    far."""
    actor_of(request).require(READ_MESSAGES)
    servers, form = _servers(name), wanted.judged(MessageFilter)
    within, chosen = form.parts(servers.last_failover)
    look = _read(lambda: asked.look(servers, of=chosen.get("of", EVERYTHING), before=part.before, since=within.since,
                                    until=within.until, header=chosen.get("header"), most=part.limit))
    orders.note_reading(actor=actor_of(request), found=servers)
    return answered({"items": map(_row, look.messages), "next": str(look.looked_to) if look.looked_to else None},
                    PageOf[MessageRow])


@router.get("/{name}/messages/{int:seq}", response=MessageDetail, summary="A stored message")
def message(request: HttpRequest, name: str, seq: int) -> HttpResponse:
    whole = _whole(request, name, seq, longest=BODY_SHOWN)
    return answered({**_row(whole.message), "body": base64.b64encode(whole.body).decode(),
                     "is_cut": whole.is_cut}, MessageDetail)


@router.get("/{name}/messages/{int:seq}/body", summary="The body of a stored message", openapi_extra={
    "responses": {200: {"description": "As it is.", "content": {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}})
def body(request: HttpRequest, name: str, seq: int) -> HttpResponse:
    """Up to 16 MB."""
    whole = _whole(request, name, seq, longest=facts.DOWNLOAD_LARGEST, is_download=True)
    if whole.is_cut:
        raise Refused(whole.too_large)
    return HttpResponse(whole.body, content_type="application/octet-stream", headers={"Cache-Control": "no-store"})


def _whole(request: HttpRequest, name: str, seq: int, *, longest: int, is_download: bool = False) -> facts.Whole:
    actor = actor_of(request)
    actor.require(READ_MESSAGES)
    servers = _servers(name)
    whole = _read(lambda: asked.whole(servers, seq, longest=longest, is_download=is_download))
    orders.note_reading(actor=actor, found=servers)
    return whole


@router.post("/{name}/messages", response={201: Published, 200: Tried}, summary="Publish a test message")
def publish(request: HttpRequest, name: str, body: PublishWritten, change: Query[Change]) -> HttpResponse:
    actor, servers = actor_of(request), _servers(name)
    if change.dry_run:
        actor.require(PUBLISH)
        orders.check(**body.model_dump())
        return tried([])
    seq = orders.publish(actor=actor, application_id=servers.pk, **body.model_dump())
    return answered({"destination": body.destination, "seq": seq}, Published, status=201,
                    location=f"/api/v1/applications/{servers.pk}/messages/{seq}")


@router.get("/{name}/destinations", response=PageOf[facts.Destination], summary="Destinations of a Message Server")
def destinations(request: HttpRequest, name: str, wanted: Query[Begins]) -> HttpResponse:
    """By name. next is the last one that was given."""
    actor_of(request).require(READ_MESSAGES)
    servers = _servers(name)
    said = _read(lambda: asked.destinations(servers, prefix=wanted.prefix, after=wanted.after))
    return answered({"items": said.rows, "next": said.rows[-1].name if said.more and said.rows else None},
                    PageOf[facts.Destination])


@router.get("/{name}/connections", response=ConnectionsTold, summary="Who is connected to a Message Server")
def connections(request: HttpRequest, name: str) -> HttpResponse:
    """The slow ones first; of more than 1,000 those with the most unread."""
    said = _read(lambda: asked.connections(_servers(name)))
    rows = [{**vars(row), "behind": row.behind, "subscriptions": row.subscriptions} for row in said.rows]
    return answered({"member": said.member, "total": said.total, "items": rows}, ConnectionsTold)


@router.post("/{name}/connections/{session}/cut", response={204: None, 200: Tried}, summary="Cut a connection")
def cut(request: HttpRequest, name: str, session: str, change: Query[Change]) -> HttpResponse:
    """The client is told that an administrator did it; it may connect again."""
    return _ordered(request, name, change, lambda servers: asked.connection(servers, session),
                    lambda **whom: orders.cut(session=session, **whom))


@router.get("/{name}/positions", response=PositionsTold, summary="Named positions of a Message Server")
def positions(request: HttpRequest, name: str) -> HttpResponse:
    said = _read(lambda: asked.positions(_servers(name)))
    return answered({"member": said.member, "total": said.total, "items": said.rows}, PositionsTold)


@router.post("/{name}/positions/move", response={204: None, 200: Tried}, summary="Move a named position")
def move(request: HttpRequest, name: str, body: PositionMoved, change: Query[Change]) -> HttpResponse:
    """Back, and its subscription is given messages again."""
    return _ordered(request, name, change, lambda servers: asked.position(servers, body.name),
                    lambda **whom: orders.move_position(name=body.name, seq=body.seq, **whom))


@router.post("/{name}/positions/delete", response={204: None, 200: Tried}, summary="Delete a named position")
def delete(request: HttpRequest, name: str, body: PositionNamed, change: Query[Change]) -> HttpResponse:
    """Its name begins anew."""
    return _ordered(request, name, change, lambda servers: asked.position(servers, body.name),
                    lambda **whom: orders.delete_position(name=body.name, **whom))


def _ordered(request: HttpRequest, name: str, change: Change, look: Callable[[asked.Servers], object],
             work: Callable[..., object]) -> HttpResponse:
    """``look`` finds what ``work`` is done to."""
    actor, servers = actor_of(request), _servers(name)
    if change.dry_run:
        actor.require(CLIENTS)
        _read(lambda: look(servers))
        return tried([])
    work(actor=actor, application_id=servers.pk)
    return HttpResponse(status=204)

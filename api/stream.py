"""``/stream``: Server-Sent Events that say what changed, the same as pages get."""

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from provisioning.core.permissions import VIEW, Actor, origin_of
from provisioning.web import stream as pages

TOPICS_MOST = 100
TOO_MANY = "Too many streams are open. Ask again later, or read what you need from time to time."


class TokenReader(pages.Reader):
    """Whose stream it is, by a token; it ends when the token is good no more."""

    def __init__(self, user_id: int, secret: str, address: str):
        super().__init__(user_id, "")
        self._secret, self._address = secret, address

    def _is_signed_in(self) -> bool:
        from provisioning.accounts.services.tokens import verbs_by
        try:
            return VIEW in (verbs_by(self._secret, address=self._address) or ())
        except DatabaseError:
            # Whoever cannot be asked about has not left, as of a session.
            return True
        finally:
            connections.close_all()


@csrf_exempt
@login_not_required
async def stream(request: HttpRequest) -> HttpResponseBase:
    """``?topics=`` with commas between them: "application:12", or "application" for all of them; all changes without
    it. Last-Event-ID goes on where a stream ended."""
    found = await sync_to_async(_asked)(request)
    if isinstance(found, HttpResponse):
        return found
    place = pages.place_for(found.user_id or 0)
    if place is None:
        return await sync_to_async(_full)(request)
    last = request.headers.get("Last-Event-ID", "") or request.GET.get("after", "")
    parts = pages.events(_reader(request, found), place, last[:40], only=_topics(request))
    return StreamingHttpResponse(pages.without_database(parts), content_type="text/event-stream",
                                 headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


def _asked(request: HttpRequest) -> Actor | HttpResponse:
    """Who asks, or the answer to somebody who may not."""
    from .handling import opened
    return opened(request)


def _full(request: HttpRequest) -> HttpResponse:
    from .handling import told
    from .problems import Problem
    from .security import request_id
    return told(request, Problem(503, TOO_MANY, retry_after_s=30), request_id(request))


def _reader(request: HttpRequest, actor: Actor) -> pages.Reader:
    if actor.token:
        secret = request.headers["Authorization"].partition(" ")[2].strip()
        return TokenReader(actor.user_id or 0, secret, origin_of(request))
    return pages.Reader(actor.user_id or 0, request.session.session_key or "")


def _topics(request: HttpRequest) -> frozenset[str]:
    return frozenset(filter(None, (each.strip() for each in request.GET.get("topics", "").split(",")[:TOPICS_MOST])))

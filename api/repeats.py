"""Requests that name themselves with an Idempotency-Key are done once, however often they are sent."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from provisioning.core.permissions import Actor
from provisioning.errors import PairwiseError, Unanswered
from provisioning.repeats import services
from provisioning.repeats.rules import KEPT_MOST, Known, fingerprint

from .problems import Problem

log = logging.getLogger(__name__)
HEADER = "Idempotency-Key"
REPEATED = "Idempotency-Replayed"
KEY_MOST = 255
KEPT = ("Location", "ETag", "Content-Type")
OTHER = ("This Idempotency-Key was used for another request within the last 24 hours. Nothing was done: use another "
         "key for another request.")
UNDER_WAY = "The first request with this Idempotency-Key is not answered yet. Ask again in a moment."
UNKNOWN = ("The first request with this Idempotency-Key was cut off or failed, so nobody knows whether it was done. "
           "Look at the object, and use another key if it has to be done.")
TOO_MANY = (f"{KEPT_MOST} requests with an Idempotency-Key came within the last 24 hours, and no more are kept. "
            "Nothing was done. Leave out the key where a request may be done twice.")
FILE = "A file that is there already is imported no second time. Leave out the Idempotency-Key."
SECRET = "This is answered with a secret, which is kept nowhere. Leave out the Idempotency-Key."


def once(actor: Actor, key: str, request: HttpRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
    """``work``, or what it answered the first time. What was refused was not done, so it is not kept. Raises
    Problem."""
    if len(key) > KEY_MOST:
        raise Problem(422, f"An Idempotency-Key has at most {KEY_MOST} characters.", field=HEADER)
    known, row = services.begin(actor=actor, key=key, request=_fingerprint(request))
    if row is None:
        raise Problem(429, TOO_MANY, retry_after_s=3600)
    if known == Known.NEW:
        return _first(row, work)
    if known == Known.ANSWERED:
        found = HttpResponse(row.body, status=row.status, headers=row.headers)
        found[REPEATED] = "true"
        return found
    if known == Known.OTHER:
        raise Problem(422, OTHER, field=HEADER)
    raise Problem(409, UNDER_WAY if known == Known.UNDER_WAY else UNKNOWN,
                  retry_after_s=1 if known == Known.UNDER_WAY else None)


def _first(row: Any, work: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        found = work()
    except BaseException as error:
        with _as_far_as_it_goes():
            (services.give_up if _was_not_done(error) else services.lose)(row)
        raise
    with _as_far_as_it_goes():
        if found.status_code < 300:
            services.keep(row, status=found.status_code, body=found.content.decode(),
                          headers={name: found[name] for name in KEPT if name in found})
        else:
            services.give_up(row)
    return found


@contextlib.contextmanager
def _as_far_as_it_goes() -> Iterator[None]:
    """What was done, or refused, is answered as that also when a database takes no note of it. Who asks once more with
    this key is told that nobody knows."""
    try:
        yield
    except DatabaseError as error:
        log.warning("what became of a request with an Idempotency-Key could not be noted: %s", error)


def _was_not_done(error: BaseException) -> bool:
    """Of what ended the work. A refusal changes nothing; a fault, or another process that did not answer, may have come
    after something was done."""
    return isinstance(error, PairwiseError) and not isinstance(error, Unanswered)


def refuse_key(request: HttpRequest, why: str = SECRET) -> None:
    """For what is answered with a secret. Raises Problem."""
    if request.headers.get(HEADER):
        raise Problem(422, why, field=HEADER)


def _fingerprint(request: HttpRequest) -> str:
    return fingerprint((request.method.encode(), request.get_full_path().encode(),  # type: ignore[union-attr]
                        request.headers.get("If-Match", "").encode(), request.body))

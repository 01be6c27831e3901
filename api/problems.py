"""What is refused, as problem details (RFC 9457): the sentences and links of the pages. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from provisioning.declared import facts
from provisioning.drafts import ApplicationDraft, HostDraft
from provisioning.errors import (
    Conflict,
    Link,
    NotAllowed,
    NotFound,
    NotSignedIn,
    PairwiseError,
    Refusal,
    Refused,
    TooMany,
    Unanswered,
)

Each = TypeVar("Each")
NAMED_MOST = 100
"""Refusals that one answer names."""
MEDIA_TYPE = "application/problem+json"
TITLES: Mapping[int, str] = {
    400: "Not readable", 401: "Not signed in", 403: "Not allowed", 404: "Not found", 405: "Method not allowed",
    408: "Too slow", 409: "Refused now", 412: "Changed by somebody else", 413: "Too large",
    415: "Media type not supported", 422: "Not valid", 428: "If-Match is missing", 429: "Too many requests",
    500: "Fault of the console", 503: "No answer",
}
ADDRESSES: Mapping[str, str] = {
    "application": "/api/v1/applications/{}", "host": "/api/v1/hosts/{}", "job": "/api/v1/jobs/{}",
    "drill": "/api/v1/drills/{}", "template": "/api/v1/templates/{}", "package": "/api/v1/packages/{}",
    "user": "/api/v1/users/{}", "alarm": "/api/v1/alarms/{}",
}
"""{kind of a link: where the API has it}."""


FIELDS: Mapping[str, str] = {name: each.written for draft in (ApplicationDraft, HostDraft)
                             for name, each in facts(draft).items()}
"""{field of a draft: its name in files and in the API}."""


class Problem(PairwiseError):
    """What the API itself refuses, with the status that it is answered with. ``retry_after_s``: when asking again
    makes sense, None where waiting changes nothing."""

    def __init__(self, status: int, detail: str, *, field: str = "", retry_after_s: int | None = None):
        super().__init__(detail)
        self.status, self.retry_after_s = status, retry_after_s
        self.refusals = (Refusal(detail, field),) if field else ()


class NotValid(Refused):
    """What was sent is wrong, whatever there is."""

    status = 422


KINDS: tuple[tuple[type[PairwiseError], int], ...] = (
    (NotSignedIn, 401), (NotAllowed, 403), (NotFound, 404), (Conflict, 412), (TooMany, 429), (Unanswered, 503),
    (Refused, 409))
"""The first that fits. A refusal that belongs to a field is about what was sent: 422."""


def status_of(error: PairwiseError) -> int:
    """What ``error`` is answered with; one that says its status itself is answered with that."""
    status = getattr(error, "status", None) or next((code for kind, code in KINDS if isinstance(error, kind)), 409)
    refusals = getattr(error, "refusals", ())
    return 422 if status == 409 and refusals and all(refusal.field for refusal in refusals) else status


def document(status: int, detail: str, *, instance: str, request_id: str,
             refusals: tuple[Refusal, ...] = ()) -> dict[str, Any]:
    """The members that every problem has."""
    return {"type": "about:blank", "title": TITLES.get(status, "Refused"), "status": status, "detail": detail,
            "instance": instance, "request_id": request_id, "refusals": [_refusal(each) for each in refusals]}


def described(error: PairwiseError, *, instance: str, request_id: str) -> dict[str, Any]:
    """``error`` as a problem. One of which it is not known whether it changed anything says so."""
    refusals = bounded(getattr(error, "refusals", ()), lambda each: each)
    sentences = (each.message for each in refusals) if len(refusals) > NAMED_MOST else (str(error),)
    detail = " ".join((*sentences, *getattr(error, "__notes__", ())))
    if isinstance(error, Unanswered):
        detail += " It is not known whether anything was changed."
    found = document(status_of(error), detail, instance=instance, request_id=request_id,
                     refusals=refusals)
    if isinstance(error, Conflict):
        found |= {"revision": error.revision, "saved_by": error.saved_by,
                  "saved_at": error.saved_at.isoformat() if error.saved_at else None,
                  "differences": [{"field": _field(each.field), "label": each.label, "theirs": each.theirs,
                                   "yours": each.yours} for each in error.differences]}
    return found


def bounded(found: Sequence[Each], refusal_of: Callable[[Each], Refusal]) -> tuple[Refusal, ...]:
    """Refusals of the first ones, and how many more there are: nobody gets back many times what was sent."""
    if len(found) <= NAMED_MOST + 1:
        # What says how many more there are counts as one, so that what was bounded stays as it is.
        return tuple(map(refusal_of, found))
    said = tuple(map(refusal_of, found[:NAMED_MOST]))
    # One without a field among some with one would be about the object, and not about what was sent.
    return (*said, Refusal(f"That is not all: {len(found) - NAMED_MOST} more.", said[-1].field))


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {"field": _field(refusal.field), "message": refusal.message,
            "links": [_link(each) for each in refusal.links]}


def _field(name: str) -> str:
    return FIELDS.get(name, name)


def _link(link: Link) -> dict[str, str]:
    return {"kind": link.kind, "name": link.name, "url": ADDRESSES.get(link.kind, "").format(link.key)}

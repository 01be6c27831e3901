"""What every request that changes something may say: on what revision it is based, why it is done, whether it is only
tried."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from ninja import Header
from pydantic import BaseModel, Field

from provisioning.core.rehearsal import rehearsed
from provisioning.errors import Conflict, Refusal, Refused
from provisioning.history import history

from .problems import Problem

Done = TypeVar("Done")
REASON_MOST = 1024
WITHOUT_IF_MATCH = ("Say in the header If-Match on which revision this is based: the ETag of the object as you read "
                    'it, like "r12". Nothing was changed.')


class Change(BaseModel):
    """Give it as ``change: Query[Change]``."""

    dry_run: bool = Field(False, description="Look whether it would be done, and change nothing.")
    reason: str = Field("", max_length=REASON_MOST, description="Why; History keeps it. X-Pairwise-Reason says the "
                                                                "same.")

    def why(self, request: HttpRequest, said: str = "") -> str:
        """The reason that was given: in the body (``said``), the address or the header."""
        return (said or self.reason or request.headers.get("X-Pairwise-Reason", ""))[:REASON_MOST]

    def carried_out(self, work: Callable[[], Done]) -> Done:
        """``work``, taken back at once when it is only tried. For services whose work is one transaction."""
        return rehearsed(work) if self.dry_run else work()

    def deleted(self, row: Any, if_match: str | None, work: Callable[[], object]) -> None:
        """``work`` deletes ``row``, which stays as ``if_match`` says until then. Raises Conflict, Problem."""
        def unchanged() -> None:
            with history.atomic():
                now = type(row)._default_manager.select_for_update().filter(pk=row.pk).first()
                if now is not None:
                    require_unchanged(now, if_match)
                work()

        self.carried_out(unchanged)


IfMatch = Header(None, alias="If-Match", max_length=255,
                 description='The ETag of the object that this is based on; * is whatever is there.')


def etag(revision: int) -> str:
    return f'"r{revision}"'


def revision_of(if_match: str | None, stored: int, *, needed: bool = True) -> int:
    """The revision that a change is based on; ``stored`` where any is good. Raises Problem."""
    if not if_match:
        if needed:
            raise Problem(428, WITHOUT_IF_MATCH)
        return stored
    named = [each.strip() for each in if_match.split(",")]
    if "*" in named or etag(stored) in named:
        return stored
    numbers = [each[2:-1] for each in named if each[:2] == '"r' and each[-1:] == '"']
    read = next((int(each) for each in numbers if each.isascii() and each.isdigit() and len(each) < 10), None)
    if read is None:
        raise Problem(422, f'If-Match is {if_match[:60]}, which is no ETag of the API. They are like "r12".',
                      field="If-Match")
    return read


def require_unchanged(row: Any, if_match: str | None) -> None:
    """Raises Conflict when ``if_match``, where it is given, is not what ``row`` is now."""
    saved_by = getattr(row, "changed_by", "")
    if revision_of(if_match, row.revision, needed=False) != row.revision:
        raise Conflict(f"{saved_by or 'Somebody else'} saved {row} since you read it. Nothing was changed. Read it "
                       "again.", revision=row.revision, saved_by=saved_by, saved_at=row.changed_at, differences=())


def answered(body: Any, model: type[BaseModel], *, status: int = 200, revision: int | None = None,
             location: str = "") -> HttpResponse:
    """``body`` held against ``model``, as JSON."""
    found = HttpResponse(model.model_validate(body).model_dump_json(), status=status, content_type="application/json")
    if revision is not None:
        found["ETag"] = etag(revision)
    if location:
        found["Location"] = location
    return found


def of_object(refusals: Iterable[Refusal], *sent: str) -> list[Refusal]:
    """``refusals`` of a verb. What they say of a field is about the object as it is, and not about what was sent,
    unless it is one of ``sent``."""
    return [each if each.field in sent else replace(each, field="") for each in refusals]


class Tried(BaseModel):
    """What is answered to something that was only tried (dry_run): it would be done now."""

    dry_run: bool
    would_be_done: bool


def tried(refusals: list[Refusal]) -> HttpResponse:
    """That it would be done. Raises Refused with what stands against it."""
    if refusals:
        raise Refused(*refusals)
    return answered({"dry_run": True, "would_be_done": True}, Tried)

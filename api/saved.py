"""What saves of objects with a name have in common, whatever the object is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

from provisioning.errors import Conflict

from .changes import Change, revision_of


class Revised(Protocol):
    """A row that people save."""

    revision: int
    changed_by: str
    changed_at: datetime


def address(resource: str, name: str) -> str:
    return f"/api/v1/{resource}/{quote(name, safe='')}"


def created(change: Change) -> int:
    """The status of an answer to what makes something."""
    return 200 if change.dry_run else 201


def require_revision(row: Revised, if_match: str | None) -> None:
    """Where somebody said on which revision it is based. Raises Conflict, Problem."""
    if revision_of(if_match, row.revision, needed=False) != row.revision:
        raise Conflict("Somebody else saved it since you read it. Read it again first.", revision=row.revision,
                       saved_by=row.changed_by, saved_at=row.changed_at, differences=())


def given(body: Mapping[str, Any]) -> dict[str, Any]:
    """As a draft has what was sent: what is null was not, and lists are tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()
            if value is not None}

"""What saves of objects with a name have in common, whatever the object is."""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import model_validator

from .changes import Change
from .documents import Strict


class Written(Strict):
    """A body that may be what was read: of members that nobody sets nothing is taken."""

    READ_ONLY: ClassVar[frozenset[str]] = frozenset({"id", "revision", "changed_at", "changed_by"})

    @model_validator(mode="before")
    @classmethod
    def pass_over(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if name not in cls.READ_ONLY}


def address(resource: str, name: str) -> str:
    return f"/api/v1/{resource}/{quote(name, safe='')}"


def created(change: Change) -> int:
    """The status of an answer to what makes something."""
    return 200 if change.dry_run else 201


def given(body: Mapping[str, Any]) -> dict[str, Any]:
    """As a draft has what was sent: what is null was not, and lists are tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()
            if value is not None}

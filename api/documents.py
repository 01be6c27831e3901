"""What is configured, as JSON: the names and shapes of the file of ``apply`` (docs/configuration-file.md), made from
the drafts, so that a new field is here as soon as it is declared."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from provisioning.declared import Kind, facts

NO_DEFAULT = ...
TYPES: Mapping[Kind, Any] = {Kind.TEXT: str, Kind.NUMBER: int, Kind.FLAG: bool, Kind.LINK: str | None,
                             Kind.TABLE: dict[str, dict[str, str]]}
PATCHES = dict[str, dict[str, str | None] | None]
"""Tables of which null removes a section or a key."""


class Strict(BaseModel):
    """A body: what it does not know is refused, so that a typing error is never passed over."""

    model_config = ConfigDict(extra="forbid")


def read(draft: type, **rows: type) -> dict[str, tuple[Any, Any]]:
    """{name: (type, what holds of it)} of the fields of ``draft``, for a model of what is answered; ``rows`` are the
    models of those that hold rows."""
    return {each.written: (_type(each.kind, name, rows), Field(NO_DEFAULT, description=each.label))
            for name, each in facts(draft).items()}


def of(name: str, draft: type, **rows: type) -> type[BaseModel]:
    """A model of what is answered of ``draft``."""
    fields: dict[str, Any] = read(draft, **rows)
    return create_model(name, __base__=BaseModel, **fields)


def written(name: str, draft: type, *, needed: tuple[str, ...], rows: Mapping[str, type] | None = None,
            patches: bool = False, passed_over: frozenset[str] = frozenset()) -> type[Strict]:
    """A model of what is sent for ``draft``; all but ``needed`` may be left out. ``patches``: what is null in a table
    is removed. ``passed_over``: members of what was read that nobody sets, so that it can be sent back as it was."""
    fields: dict[str, Any] = {}
    for field, each in facts(draft).items():
        kind = PATCHES if patches and each.kind == Kind.TABLE else _type(each.kind, field, rows or {})
        is_needed = each.written in needed
        # What is left out must be told from what is set to its default, so nothing else is filled in.
        fields[each.written] = (kind if is_needed else kind | None,
                                Field(NO_DEFAULT if is_needed else None, description=each.label))
    no_fields = passed_over - fields.keys()

    def pass_over(values: Any) -> Any:
        return {key: value for key, value in values.items() if key not in no_fields} if isinstance(
            values, dict) else values

    validators: dict[str, Any] = {"pass_over": model_validator(mode="before")(pass_over)}
    return create_model(name, __base__=Strict, __validators__=validators, **fields)


def _type(kind: Kind, name: str, rows: Mapping[str, type]) -> Any:
    return list[rows[name]] if kind == Kind.ROWS else TYPES[kind]  # type: ignore[valid-type]  # made at run time


def sent(body: BaseModel) -> dict[str, Any]:
    """What was said, and nothing that was left out."""
    return body.model_dump(exclude_unset=True)

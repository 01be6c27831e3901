"""The JSON of a body: read once, and nothing in it that a database, a page or a log does not take."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser

from protocol.said import is_legible
from provisioning.errors import Refusal

from .problems import NotValid, Problem

UNREADABLE = "The body is no JSON that can be read. Nothing was done."
ILLEGIBLE = "holds what is no character and cannot be kept"
NAMED = 60


class Bodies(Parser):
    """What ninja takes a body from."""

    def parse_body(self, request: HttpRequest) -> Any:
        return read_json(request.body)

    def parse_querydict(self, data: Any, list_fields: list[str], request: HttpRequest) -> Any:
        found = super().parse_querydict(data, list_fields, request)
        require_legible(found)
        return found


def read_json(content: bytes) -> Any:
    """Raises Problem, NotValid."""
    try:
        found = json.loads(content, parse_constant=_no_number)
        require_legible(found)
    except (ValueError, RecursionError):
        raise Problem(400, UNREADABLE) from None
    return found


def _no_number(word: str) -> NoReturn:
    """Of NaN and Infinity, which no JSON has."""
    raise ValueError(word)


def require_legible(value: Any, place: str = "") -> None:
    """Raises NotValid with the first member of ``value`` that cannot be written."""
    if isinstance(value, str):
        if not is_legible(value):
            raise NotValid(Refusal(f"{place or 'The body'} {ILLEGIBLE}.", place))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            require_legible(key, place)
            require_legible(each, f"{place}.{key}" if place else str(key)[:NAMED])
    elif isinstance(value, list):
        for each in value:
            require_legible(each, place)

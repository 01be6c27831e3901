"""``/api/v1/``: all resources, and what becomes of what they raise."""

import json
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, URLPattern, URLResolver
from django.urls.resolvers import RegexPattern
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from protocol.version import VERSION
from provisioning.errors import PairwiseError, Refusal

from . import (
    alarms,
    applications,
    audit,
    batches,
    channels,
    conditions,
    configuration,
    deliveries,
    drills,
    events,
    findings,
    history,
    hosts,
    jobs,
    log,
    maintenance,
    messages,
    openapi,
    packages,
    pair_verbs,
    pairs,
    prometheus,
    rules,
    searches,
    status,
    templates,
    tokens,
    users,
    verbs,
)
from .authentication import Session, Token
from .bodies import UNREADABLE, Bodies
from .problems import NotValid, Problem, bounded

PREFIX = "/api/v1/"
ROUTERS = (
    ("/applications", applications.router), ("/applications", verbs.router),
    ("/applications", messages.router), ("/hosts", hosts.router),
    ("/pairs", pairs.router), ("/pairs", pair_verbs.router), ("/jobs", jobs.router), ("", status.router),
    ("", configuration.router), ("", prometheus.router),
    ("/templates", templates.router), ("/packages", packages.router), ("/batches", batches.router),
    ("/events", events.router), ("/log", log.router), ("/history", history.router),
    ("/audit", audit.router), ("/audit", findings.router), ("/drills", drills.router),
    ("/alarms", alarms.router), ("/alarm-conditions", conditions.router), ("/maintenance", maintenance.router),
    ("/channels", channels.router), ("/rules", rules.router), ("/deliveries", deliveries.router),
    ("/users", users.router), ("/tokens", tokens.router), ("/searches", searches.router),
)
"""A further resource is a row: where it is, and its router."""
OPEN = frozenset({"openapi-json"})
"""Names of addresses that are answered to everybody, with the description."""
MESSAGES = {
    "missing": "is missing", "extra_forbidden": "is not known here",
    "json_invalid": "is no JSON",
}
"""{kind of error of pydantic: what to say of it}; of others its own words."""


class Root(NinjaAPI):
    """Ninja, with the description that ``openapi`` completes, made once."""

    _description: Any = None

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> Any:
        if self._description is None:
            self._description = openapi.completed(super().get_openapi_schema(path_prefix=PREFIX))
        return self._description

    def get_openapi_operation_id(self, operation: Any) -> str:
        return f"{operation.view_func.__module__.rpartition('.')[2]}_{operation.view_func.__name__}"


api = Root(title="Pairwise", version=VERSION, description=openapi.DESCRIPTION, docs_url=None,
           urls_namespace="api-1", auth=[Token(), Session()], parser=Bodies())


@api.exception_handler(Exception)
def _raised(request: HttpRequest, error: Exception) -> HttpResponse:
    """Handled where everything is (``handling.told``)."""
    raise error


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, PairwiseError):
        # What the reader of bodies refuses comes through ninja as this.
        raise error.__cause__
    raise Problem(error.status_code, UNREADABLE if error.status_code == 400 else str(error)) from error


@api.exception_handler(ValidationError)
def _not_valid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    raise NotValid(*bounded(error.errors, _refusal)) from error


def _refusal(error: dict[str, Any]) -> Refusal:
    place = ".".join(str(part) for part in error["loc"][1:] if part not in ("body", "page", "asked", "filters"))
    said = MESSAGES.get(error["type"]) or f"is not valid: {error['msg'][:1].lower()}{error['msg'][1:]}"
    return Refusal(f"{place or 'The body'} {said}.", place)


def _first(address: str) -> str:
    return address.partition("/")[0]


for _prefix, _router in ROUTERS:
    api.add_router(_prefix, _router)
_routes: dict[str, list[URLPattern | URLResolver]] = {}
for _route in api.urls[0]:
    _routes.setdefault(_first(str(_route.pattern)), []).append(_route)
_resolvers = {part: URLResolver(RegexPattern(r"^"), routes) for part, routes in _routes.items()}


@cache
def description() -> bytes:
    """The description as JSON, written once: everybody may ask for it, and writing it takes long."""
    return json.dumps(api.get_openapi_schema()).encode()


def resolved(rest: str) -> ResolverMatch:
    """What is at ``/api/v1/<rest>``; only what begins alike is looked through. Raises Resolver404."""
    if (found := _resolvers.get(_first(rest))) is None:
        raise Resolver404({"path": rest})
    return found.resolve(rest)

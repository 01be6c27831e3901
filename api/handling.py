"""What every request to the API meets, whatever it asks for: who sent it, what it may send, and that its answer is JSON
even when something is wrong."""

import logging
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse, UnreadablePostError
from django.shortcuts import redirect
from django.urls import Resolver404, ResolverMatch
from django.utils.encoding import escape_uri_path

from protocol.said import is_legible
from provisioning.core.database_version import look, trouble_with
from provisioning.core.permissions import Actor, actor_of
from provisioning.errors import PairwiseError
from provisioning.web.busy import RETRY_LATER_S, RETRY_S, WHAT_TO_DO
from provisioning.web.reached import wrong_with

from . import problems, repeats
from .authentication import authenticated, require_patience
from .problems import Problem
from .root import OPEN, description, resolved
from .security import READS as SAFE
from .security import request_id
from .uploads import BINARY, FILES

log = logging.getLogger(__name__)

VERSION = "v1/"
DOCS = "v1/docs"
NOTHING = "There is nothing at this address. What there is: /api/v1/openapi.json."
JSON, YAML = "application/json", "application/yaml"
TAKES_YAML = frozenset({"apply"})
"""Names of operations that take a file of ``apply`` as it is."""


def answer(request: HttpRequest, rest: str) -> HttpResponse:
    """The answer to what is asked at ``/api/<rest>``; never a page, and never raises."""
    if rest == DOCS:
        return redirect("api-reference")
    asked_as = request_id(request)
    try:
        return _stamped(_handled(request, rest, asked_as), asked_as)
    except Exception as error:
        return _stamped(told(request, error, asked_as), asked_as)


def opened(request: HttpRequest) -> Actor | HttpResponse:
    """Who asks for the stream, or the answer to somebody who may not."""
    asked_as = request_id(request)
    try:
        if request.method != "GET":
            raise Problem(405, f"{request.method} is not answered here. Use GET.")
        return authenticated(request, asked_as)
    except Exception as error:
        return _stamped(told(request, error, asked_as), asked_as)


def refused_unread(request: HttpRequest, error: Exception) -> HttpResponse:
    """What Django does not take, before anybody was asked who sent it."""
    asked_as = request_id(request)
    return _stamped(told(request, error, asked_as), asked_as)


def _stamped(found: HttpResponse, asked_as: str) -> HttpResponse:
    found.headers["X-Request-ID"] = asked_as
    found.headers["Pairwise-Version"] = settings.PAIRWISE_VERSION
    found.headers["Cache-Control"] = "no-store"
    return found


def _handled(request: HttpRequest, rest: str, asked_as: str) -> HttpResponse:
    match = _match(rest)
    if not is_legible(rest):
        # No name has it, and not every database can be asked for it.
        raise Problem(404, NOTHING)
    if match.url_name in OPEN:
        if request.method not in SAFE:
            raise Problem(405, f"{request.method} is not answered here.")
        require_patience(request)
        return HttpResponse(description(), content_type=JSON)
    if request.method not in SAFE:
        look.require()
    actor = authenticated(request, asked_as)
    _require_media_type(request, match)
    if request.method == "HEAD":
        # Answered as GET; the server sends its headers alone.
        request.method = "GET"
    key = request.headers.get(repeats.HEADER, "")
    if key and request.method not in SAFE:
        return repeats.once(actor, key, request, lambda: _asked(request, match))
    return _asked(request, match)


def _asked(request: HttpRequest, match: ResolverMatch) -> HttpResponse:
    found = match.func(request, *match.args, **match.kwargs)
    if isinstance(found, HttpResponseNotAllowed):
        refused = _problem(request, 405, f"{request.method} is not answered here. Use {found['Allow']}.",
                           actor_of(request).request_id)
        refused["Allow"] = found["Allow"]
        return refused
    return found


def _match(rest: str) -> ResolverMatch:
    if not rest.startswith(VERSION):
        raise Problem(404, "There is one version of the API, at /api/v1/. It is described at /api/v1/openapi.json.")
    try:
        return resolved(rest.removeprefix(VERSION))
    except Resolver404:
        raise Problem(404, NOTHING) from None


def _require_media_type(request: HttpRequest, match: ResolverMatch) -> None:
    """Raises Problem for a body that is no JSON, where none but JSON is taken."""
    is_file = match.url_name in FILES and request.method == "POST"
    if request.method in SAFE or not (is_file or request.body):
        return
    kinds = {JSON, YAML} if match.url_name in TAKES_YAML else {JSON}
    if is_file:
        kinds = {FILES[match.url_name or ""], BINARY}
        repeats.refuse_key(request, repeats.FILE)
    if (request.content_type or "").lower() not in kinds:
        raise Problem(415, f"Send the body as {' or '.join(sorted(kinds))}, and say so in the header Content-Type.")


# --- errors


def told(request: HttpRequest, error: Exception, asked_as: str) -> HttpResponse:
    """``error`` as a problem; of a fault of the console no more than that it is one."""
    if isinstance(error, PairwiseError):
        return of_refusal(request, error, asked_as)
    if isinstance(error, Http404):
        return of_refusal(request, Problem(404, NOTHING), asked_as)
    if isinstance(error, RequestDataTooBig):
        return _problem(request, 413, f"At most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024**2} MB are taken. "
                                      "Nothing was kept of it.", asked_as)
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        detail = str(wrong_with(request, error) or "The request cannot be read. Nothing was done.")
        return _problem(request, 400, detail, asked_as)
    if (trouble := trouble_with(error)) is not None:
        log.warning("%s %s was answered with 503: %s (%s)", request.method, request.path, trouble.sentence, error)
        what = f"{trouble.sentence} {WHAT_TO_DO.get(trouble.code, '')}".strip()
        return _problem(request, 503, f"{what} Try again later.", asked_as,
                        retry_s=RETRY_S.get(trouble.code, RETRY_LATER_S))
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return _problem(request, 500, "This is a fault of the console; its log says more, by the time and this "
                                  "request_id. It is not known whether anything was changed.", asked_as)


def of_refusal(request: HttpRequest, error: PairwiseError, asked_as: str) -> HttpResponse:
    """What services and the API itself refuse."""
    body = problems.described(error, instance=escape_uri_path(request.path), request_id=asked_as)
    retry_s = getattr(error, "retry_after_s", None)
    return _sent(body, RETRY_LATER_S if retry_s is None and body["status"] == 503 else retry_s)


def _problem(request: HttpRequest, status: int, detail: str, asked_as: str,
             retry_s: int | None = None) -> HttpResponse:
    found = problems.document(status, detail, instance=escape_uri_path(request.path), request_id=asked_as)
    return _sent(found, retry_s)


def _sent(body: dict, retry_s: int | None) -> HttpResponse:
    found = JsonResponse(body, status=body["status"], content_type=problems.MEDIA_TYPE)
    # The answer is the message, not a line in the log as well.
    found._has_been_logged = True  # type: ignore[attr-defined]  # what Django's own log looks for
    if retry_s is not None:
        found["Retry-After"] = str(retry_s)
    if body["status"] == 401:
        found["WWW-Authenticate"] = "Bearer"
    return found


def location(kind: str, key: object) -> str:
    """Where the API has the object of ``key``."""
    return problems.ADDRESSES[kind].format(quote(str(key), safe=""))

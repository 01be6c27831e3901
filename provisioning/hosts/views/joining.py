"""What a machine asks for that joins as a host, and the verbs on the host's page that let it.

Machines have no session: they prove themselves with a one-time token and, from then on, with the host's secret.
"""

import functools
import time

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from protocol.broker_url import unverified
from protocol.jobs import SIGNED_WITHIN_S
from protocol.outside import NotJson, read_json
from protocol.said import storable
from provisioning.broker.worker.access import url_for
from provisioning.core.permissions import MANAGE_HOSTS, actor_of, origin_of
from provisioning.errors import Refused
from provisioning.hosts.selectors.hosts import get_host
from provisioning.hosts.selectors.joining import NO_BUNDLE, broker_authority, bundle, facts_of, last_joined, reach_from
from provisioning.hosts.services import enrolment as services
from provisioning.hosts.services.attempts import TooMany
from provisioning.jobs.worker.ping import pings
from provisioning.models import HostEnrolment
from provisioning.web.pages import page
from provisioning.web.ranges import chunks

from .host_api import sentence, signing_host

BODY_MAX = 8192


def for_machines(*methods: str):
    """No session, no CSRF token, no login; a refusal is a sentence in plain text, never a page."""

    def decorate(view):
        @csrf_exempt
        @login_not_required
        @require_http_methods(list(methods))
        @never_cache
        @functools.wraps(view)
        def answer(request, *args, **kwargs):
            try:
                return view(request, *args, **kwargs)
            except TooMany as error:
                return sentence(str(error), 429)
            except Refused as error:
                return sentence(str(error), 403)

        return answer

    return decorate


@for_machines("GET", "HEAD")
def program(request):
    """The join program. It holds no secret: the token is in the line."""
    built = bundle()
    if built is None:
        return sentence(NO_BUNDLE, 503)
    return HttpResponse(built.program.read_bytes(), content_type="text/x-python; charset=utf-8")


@for_machines("GET")
def archive(request):
    """The agent and what it needs, for who has a token that is still good."""
    services.admit(token=_token(request), origin=origin_of(request))
    built = bundle()
    if built is None:
        return sentence(NO_BUNDLE, 503)
    return StreamingHttpResponse(chunks(built.archive, 0, built.size), content_type="application/gzip",
                                 headers={"Content-Length": str(built.size)})


@for_machines("POST")
def stage(request):
    """One stage as the machine tells it: with its token before it has joined, signed afterwards. It is told what time
    it is, as what it signs is good for a while only."""
    body = _body(request)
    host, why = signing_host(request)
    row = last_joined(host) if host else None
    if row is None:
        if why and not _token(request):
            raise Refused(f"The console was told nothing. {why}")
        row = services.admit(token=_token(request), origin=origin_of(request))
    services.note_stage(enrolment=row, name=str(body.get("stage", "")), state=str(body.get("state", "")),
                        text=str(body.get("text", "")))
    return JsonResponse({"host": row.host.name, "now": time.time(), "within_s": SIGNED_WITHIN_S})


@for_machines("POST")
def exchange(request):
    """The host's secret and where everything is, for a token that is used up by it."""
    body = _body(request)
    machine = f"Python {body.get('python', '?')} on {body.get('system', '?')}."
    # Before the token is used up: both may be refused.
    authority = broker_authority()
    services.require_account(services.admit(token=_token(request), origin=origin_of(request)).host)
    host = services.spend(token=_token(request), origin=origin_of(request), proven=signing_host(request)[0],
                          machine=machine, install_root=str(body.get("install_root", "")))
    where = reach_from(request.get_host())
    controls = [{"host": address, "port": port} for address, port in where.controls]
    return JsonResponse({"host": host.name, "secret": host.secret, "control": controls,
                         "broker_url": unverified(url_for(host, where.broker_url)), "broker_ca": authority,
                         "lca_port": host.lca_port})


@for_machines("GET")
def state(request):
    """Whether control hears the agent of the host that asks, and whether its worker answers over the broker."""
    host, why = signing_host(request)
    row: HostEnrolment | None = last_joined(host) if host else None
    if host is None or row is None:
        raise Refused(why or "This machine has not joined with a token.")
    facts = facts_of(row, host)
    return JsonResponse({"connected": facts.connected, "worker": facts.connected and pings.answers(host.name)})


@for_machines("POST")
def leave(request):
    """The agent is being removed, says who has the secret of its host."""
    _body(request)
    host, why = signing_host(request)
    if host is None:
        raise Refused(f"The console was told nothing. {why}")
    services.leave(host=host, origin=origin_of(request))
    return JsonResponse({"host": host.name})


def _token(request) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind == "Bearer" else ""


def _body(request) -> dict:
    """What a machine says, as it can be kept and shown. Raises Refused."""
    try:
        body = storable(read_json(request.body)) if len(request.body) <= BODY_MAX else None
    except NotJson:
        body = None
    if not isinstance(body, dict):
        raise Refused("What the machine sent is no JSON object. Use the program of this console.")
    return body


# --- the verbs of the host's page


@require_POST
@page(MANAGE_HOSTS)
def host_join(request, pk):
    """A new line to paste on the machine."""
    def make():
        services.require_account(get_host(pk))
        services.make_token(actor=actor_of(request), host_id=pk)

    return _back(request, pk, make)


@require_POST
@page(MANAGE_HOSTS)
def host_join_revoke(request, pk):
    """Nobody joins with the line that the page showed."""
    return _back(request, pk, lambda: services.revoke_tokens(actor=actor_of(request), host_id=pk),
                 "The line is good for nothing any more.")


def _back(request, pk: int, work, said: str = ""):
    get_host(pk)
    try:
        work()
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        if said:
            messages.success(request, said)
    return redirect("host-detail", pk=pk)

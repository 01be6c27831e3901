"""What is done to an application on its host: verbs that make a job."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from provisioning.core.permissions import actor_of
from provisioning.errors import Refused
from provisioning.jobs.kinds import KINDS
from provisioning.jobs.selectors.readiness import refusals
from provisioning.states import JobKind
from provisioning.verbs.services import jobs as services
from provisioning.verbs.services.log_on import account_refusals
from provisioning.verbs.services.told import tell

from .applications import found
from .changes import of_object, tried
from .jobs import ACCEPTED, Asked, Waits, accepted

router = Router(tags=["applications"])
SENT = ("path", "log_on_as")
"""What is sent with a verb, and can be wrong."""


class Install(Asked):
    """``path``: a directory on the host, "" for one of its own. ``log_on_as``: the account that it runs as, "" for the
    one that it has."""

    path: str = Field("", max_length=900)
    log_on_as: str = Field("", max_length=64)


VERBS: tuple[tuple[str, JobKind, Callable[..., Any], str], ...] = (
    ("start", JobKind.START, services.start_application, "Start an application"),
    ("restart", JobKind.RESTART, services.restart_application, "Restart an application"),
    ("stop", JobKind.STOP, services.stop_application, "Stop an application"),
    ("stop-gracefully", JobKind.STOP, partial(services.stop_application, graceful=True),
     "Stop an application once it has finished what it has in hand"),
    ("certificates", JobKind.MAKE_CERTIFICATES, services.make_certificates,
     "Make certificates for the secured ports of an application"),
)
"""(word in the address, kind of job, service, what it does) of the verbs that need nothing else."""


def _done(request: HttpRequest, name: str, asked: Waits, body: Asked | None, kind: JobKind, work: Callable[..., Any],
          against: Callable[[Any], list] = lambda row: []) -> HttpResponse:
    actor, row = actor_of(request), found(name)
    if asked.dry_run:
        actor.require(KINDS[kind].permission)
        return tried(of_object([*refusals(row, kind, waits=True), *against(row)], *SENT))
    try:
        job = work(actor=actor, application_id=row.pk)
    except Refused as error:
        raise Refused(*of_object(error.refusals, *SENT)) from error
    tell(actor=actor, job=job, reason=asked.why(request, body.reason if body else ""))
    return accepted(job, asked.wait)


def _add(word: str, kind: JobKind, work: Callable[..., Any], summary: str) -> None:
    def verb(request: HttpRequest, name: str, asked: Query[Waits], body: Asked | None = None) -> HttpResponse:
        return _done(request, name, asked, body, kind, work)

    verb.__name__ = word.replace("-", "_")
    router.post(f"/{{name}}/{word}", response=ACCEPTED, summary=summary)(verb)


for _verb in VERBS:
    _add(*_verb)


@router.post("/{name}/install", response=ACCEPTED, summary="Install an application on its host")
def install(request: HttpRequest, name: str, asked: Query[Waits], body: Install | None = None) -> HttpResponse:
    """The newest Installation Package of its type. It may be installed while it runs."""
    body = body or Install()
    return _done(request, name, asked, body, JobKind.INSTALL, partial(
        services.install_application, path=body.path, log_on_as=body.log_on_as),
        lambda row: account_refusals(row, body.log_on_as))

"""Look on hosts: what is true there of the members of pairs (the facts of the audit)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from provisioning import permissions
from provisioning.errors import Link, Refusal, Refused
from provisioning.jobs import looks
from provisioning.models import Application, Host, Job
from provisioning.permissions import Actor
from provisioning.rules.known import Control
from provisioning.selectors.control import control_seen
from provisioning.selectors.hosts import get_host
from provisioning.spelling import by_name
from provisioning.states import ACTIVE_JOBS, JobKind

from .readiness import host_reasons


@dataclass(frozen=True)
class Looked:
    """``jobs``: the looks that are under way now; ``refusals``: {host: why there is none}."""

    jobs: tuple[Job, ...] = ()
    refusals: dict[int, Refusal] = field(default_factory=dict)


def look_at_hosts(*, actor: Actor, host_ids: Iterable[int]) -> Looked:
    """Look on these hosts at the members of pairs there; one look at a time works on a host. Raises NotAllowed."""
    actor.require(permissions.JOB_VERBS[JobKind.COLLECT_FACTS])
    jobs, refusals, control = [], {}, control_seen()
    for host in Host.objects.select_related("runtime").filter(pk__in=list(host_ids)).order_by(*by_name("name")):
        refusal = why_not_look(host, control)
        job = None if refusal else looks.look_at(host, asked_by=actor.name) or active_look(host)
        if job is not None:
            jobs.append(job)
        else:
            refusals[host.pk] = refusal or _nothing(host)
    return Looked(tuple(jobs), refusals)


def look_at_pairs(*, actor: Actor, primary_ids: Iterable[int]) -> Looked:
    """Look on the hosts of both members of these pairs. Raises NotAllowed."""
    rows = Application.objects.filter(pk__in=list(primary_ids)).values_list("host_id", "backup_server__host_id")
    return look_at_hosts(actor=actor, host_ids={key for row in rows for key in row if key is not None})


def look_at_host(*, actor: Actor, host_id: int) -> Job:
    """Look on one host. Raises Refused, NotAllowed, NotFound."""
    host = get_host(host_id)
    looked = look_at_hosts(actor=actor, host_ids=[host.pk])
    if looked.refusals:
        raise Refused(looked.refusals[host.pk])
    return looked.jobs[0]


def why_not_look(host: Host, control: Control) -> Refusal | None:
    """Why nobody can look on ``host`` now; None when it can be done."""
    refusals = host_reasons(host, control)
    if refusals:
        return refusals[0]
    if not looks.can_look(host):
        return Refusal(f"The agent of host {host.name} is older than this console and cannot look. Upgrade it on the "
                       "host's page.", "", (Link("host", str(host.pk), host.name),))
    return None


def active_look(host: Host) -> Job | None:
    return Job.objects.filter(kind=JobKind.COLLECT_FACTS, host=host, state__in=ACTIVE_JOBS).first()


def _nothing(host: Host) -> Refusal:
    return Refusal(f"No member of a pair and no Message Server is installed on host {host.name}: there is nothing to "
                   "look at.", "", (Link("host", str(host.pk), host.name),))

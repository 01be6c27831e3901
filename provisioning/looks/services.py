"""Look on hosts: what is true there of the members of pairs (the facts of the audit)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from provisioning.core.control import control_seen
from provisioning.core.permissions import Actor
from provisioning.errors import Refusal, Refused
from provisioning.hosts.selectors.hosts import get_host
from provisioning.jobs.kinds import ASK, KINDS
from provisioning.jobs.selectors.readiness import look_refusals
from provisioning.models import Application, Host, Job
from provisioning.spelling import by_name
from provisioning.states import ACTIVE_JOBS, JobKind

from . import worker as looks

CHANGED = "What is on host {} was changed at the same moment. Try again."


@dataclass(frozen=True)
class Looked:
    """``jobs``: the looks that are under way now; ``refusals``: {host: why there is none}."""

    jobs: tuple[Job, ...] = ()
    refusals: dict[int, Refusal] = field(default_factory=dict)


def look_at_hosts(*, actor: Actor, host_ids: Iterable[int]) -> Looked:
    """Look on these hosts at the members of pairs there; one look at a time works on a host. Raises NotAllowed."""
    actor.require(KINDS[JobKind.COLLECT_FACTS].permission)
    jobs, refusals = [], {}
    hosts = list(Host.objects.select_related("runtime").filter(pk__in=list(host_ids)).order_by(*by_name("name")))
    stands = look_refusals(hosts, control_seen())
    for host in hosts:
        job = None if stands[host.pk] else looks.look_at(host, asked_by=actor.name) or active_look(host)
        if job is not None:
            jobs.append(job)
        else:
            refusals[host.pk] = next(iter(stands[host.pk]), Refusal(CHANGED.format(host.name)))
    return Looked(tuple(jobs), refusals)


def look_at_pairs(*, actor: Actor, primary_ids: Iterable[int]) -> Looked:
    """Look on the hosts of both members of these pairs. Raises NotAllowed."""
    rows = Application.objects.filter(pk__in=list(primary_ids)).values_list("host_id", "backup_server__host_id")
    return look_at_hosts(actor=actor, host_ids={key for row in rows for key in row if key is not None})


@ASK.of(JobKind.COLLECT_FACTS)
def look_at_host(*, actor: Actor, host_id: int) -> Job:
    """Look on one host. Raises Refused, NotAllowed, NotFound."""
    host = get_host(host_id)
    looked = look_at_hosts(actor=actor, host_ids=[host.pk])
    if looked.refusals:
        raise Refused(looked.refusals[host.pk])
    return looked.jobs[0]


def active_look(host: Host) -> Job | None:
    return Job.objects.filter(kind=JobKind.COLLECT_FACTS, host=host, state__in=ACTIVE_JOBS).first()

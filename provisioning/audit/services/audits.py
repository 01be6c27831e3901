"""The audit as people ask for it: now, of some pairs or of all."""

import time
from collections.abc import Iterable

from django.db import transaction

from provisioning.audit.loader import audited
from provisioning.audit.worker.run import run_audit
from provisioning.core import permissions
from provisioning.core.permissions import Actor
from provisioning.jobs.worker import dispatch
from provisioning.looks import services as looks
from provisioning.models import Application, AuditRun, Job
from provisioning.states import ACTIVE_JOBS, AuditTrigger

RUN_AUDIT = "provisioning.run_audit"
TAKE_WITHIN_S = 300
LOOK_AGAIN_S = 0.2
AT_ONCE = 100
"""So many pairs are judged while somebody waits; more are handed to the console worker."""


def audit_now(*, actor: Actor, primary_ids: Iterable[int] | None = None, here: bool = False,
              look: bool = True) -> AuditRun | None:
    """Audit these pairs (all when None). The run, or None when it is under way in the console worker: pages are told of
    its results. The hosts of a few pairs are looked on too: what is found there is audited as soon as it arrives.
    ``here``: never in the worker, for who waits for the results; ``look``: False leaves the hosts alone."""
    actor.require(permissions.AUDIT)
    ids = None if primary_ids is None else list(dict.fromkeys(primary_ids))
    few = ids if ids is not None and len(ids) <= AT_ONCE else None
    if few is not None and look:
        looks.look_at_pairs(actor=actor, primary_ids=few)
    if here or few is not None:
        return run_audit(ids, trigger=AuditTrigger.DEMAND, asked_by=actor.name)
    if dispatch.give_to_console(RUN_AUDIT, expires_s=TAKE_WITHIN_S, primary_ids=ids, trigger=AuditTrigger.DEMAND.value,
                                asked_by=actor.name):
        return None
    # Nobody would carry it out: it takes a few seconds here.
    return run_audit(ids, trigger=AuditTrigger.DEMAND, asked_by=actor.name)


def audit_again(primary_id: int, *, actor: Actor) -> None:
    """After something was put right or waived: audit the pair as soon as the running transaction is committed."""
    transaction.on_commit(lambda: run_audit([primary_id], trigger=AuditTrigger.FIX, asked_by=actor.name))


def look_first(*, actor: Actor, primary_ids: Iterable[int] | None = None, timeout_s: float = 30.0) -> int:
    """Look on the hosts of these pairs (of all when None) and wait for what is found; how many looks had not ended in
    time. Of more than AT_ONCE pairs nobody waits for so many hosts: they are looked on on schedule anyway."""
    actor.require(permissions.AUDIT)
    ids = _audited(AT_ONCE + 1) if primary_ids is None else list(primary_ids)
    if len(ids) > AT_ONCE:
        return 0
    jobs = [job.pk for job in looks.look_at_pairs(actor=actor, primary_ids=ids).jobs]
    deadline = time.monotonic() + timeout_s
    while left := Job.objects.filter(pk__in=jobs, state__in=ACTIVE_JOBS).count():
        if time.monotonic() > deadline:
            return left
        time.sleep(LOOK_AGAIN_S)
    return 0


def _audited(most: int) -> list[int]:
    return list(Application.objects.filter(audited()).distinct().values_list("pk", flat=True)[:most])

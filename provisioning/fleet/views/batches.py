"""Jobs that were asked for together: a grid of host × step, and what tries the failed ones again alone."""

from django.contrib import messages
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from provisioning.core.permissions import actor_of, sentence_for
from provisioning.errors import Refused
from provisioning.fleet.selectors.batches import Batch, get_batch
from provisioning.fleet.services import batches as services
from provisioning.jobs.kinds import KINDS
from provisioning.jobs.selectors.awaited import awaited
from provisioning.web.answers import dialog, done, sentence
from provisioning.web.pages import page, show

SAID_MAX = 12


@require_safe
@page()
def batch_detail(request, pk):
    """The grid; htmx gets the part that changes while jobs run."""
    batch = get_batch(pk)
    verb = KINDS[batch.first.kind].permission
    barred = "" if actor_of(request).may(verb) else sentence_for(verb)
    retryable = sum(services.is_retryable(job) for job in batch.jobs)
    return show(request, "fleet/batch.html", {
        "batch": batch, "running": len(batch.rows) - batch.ended, "retryable": retryable, "barred": barred,
        "awaited": awaited(batch.jobs),
        "why_not_retry": barred or ("" if retryable else "Nothing has failed."),
        "failed": len(batch.rows) - batch.succeeded - sum(job.is_active for job in batch.jobs)})


@require_POST
@page()
def batch_retry(request, pk):
    """Run again only what failed."""
    batch = _allowed(request, pk)
    return _carry_out(request, batch, lambda: services.retry_batch(actor=actor_of(request), batch=pk), "tried again")


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def batch_cancel(request, pk):
    """Ask first, naming what is hit; then cancel what has not ended."""
    batch = _allowed(request, pk)
    if request.method != "POST":
        active = [job for job in batch.jobs if job.is_active]
        return dialog(request, "fleet/batch_cancel.html", f"Cancel {_jobs(len(active))}?", {
            "batch": batch, "follows": KINDS[batch.first.kind].cancel.format(host="its host"),
            "active": active[:SAID_MAX], "more": len(active) - SAID_MAX, "number": len(active)})
    return _carry_out(request, batch, lambda: services.cancel_batch(actor=actor_of(request), batch=pk), "cancelled")


def _allowed(request, pk) -> Batch:
    batch = get_batch(pk)
    actor_of(request).require(KINDS[batch.first.kind].permission)
    return batch


def _jobs(number: int) -> str:
    return f"{number} job{'' if number == 1 else 's'}"


def _carry_out(request, batch: Batch, work, past: str):
    try:
        asked = work()
    except Refused as error:
        for refusal in error.refusals:
            messages.error(request, sentence(refusal))
    else:
        if asked.jobs:
            verb = "is" if len(asked.jobs) == 1 else "are"
            messages.success(request, f"{_jobs(len(asked.jobs))} {verb} {past}.")
        tell_refusals(request, asked.refusals)
    return done(request, reverse("batch-detail", args=[batch.key]), leave=True)


def tell_refusals(request, refusals: dict) -> None:
    """Each as a message, the first so many."""
    for found in list(refusals.values())[:SAID_MAX]:
        for refusal in found:
            messages.error(request, sentence(refusal))
    if len(refusals) > SAID_MAX:
        messages.error(request, f"{len(refusals) - SAID_MAX} more could not, either.")

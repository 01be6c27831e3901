"""The end of a job: its state, and what the module that owns its kind does to the application."""

from datetime import datetime

from provisioning.core import refusals
from provisioning.jobs.found import bounded
from provisioning.jobs.kinds import AFTER, EFFECT, FAULT, KINDS
from provisioning.models import Job
from provisioning.states import JobState

from . import states

RESULT_BYTES = 1024 * 1024
"""Of a result, as JSON: start files of 16 KB each, as they are and as they should be, fit."""


def finish(job: Job, state: JobState, *, at: datetime, result: dict, fields: dict) -> bool:
    """End ``job`` and do, in the same transaction, what its kind does then; False when the job had ended before. A
    success whose result cannot be used becomes an error."""
    kind = KINDS[job.kind]
    # What was found on a host is kept with its applications, each bounded by itself.
    if not kind.of_host and (kept := bounded(result, RESULT_BYTES)) != result:
        refusals.record(host=job.host, kind="large result", text=(
            f"{job.host_name}, {job}: the host said more of the result than {RESULT_BYTES // 1024} KB. The largest of "
            "it was left out."))
        result = kept
    if state == JobState.SUCCEEDED and job.kind in FAULT:
        fault = FAULT[job.kind](job, result)
        if fault:
            refusals.record(host=job.host, kind="result", text=f"{job.host_name}, {job}: {fault}.")
            state, fields = JobState.ERROR, {
                "reason": f"The host reported {kind.name(job)} as finished, but {fault}.",
                "advice": "Look at the log below and run it again.", "reference": fields.get("reference", "")}
    # Of a host it would be kept a second time.
    if not states.move(job, state, at=at, result={} if kind.of_host else result, **fields):
        return False
    if state == JobState.SUCCEEDED and job.kind in EFFECT:
        EFFECT[job.kind](job, result)
    for follows in AFTER:
        follows(job)
    return True


def end_in_error(job: Job, reason: str) -> None:
    """End ``job`` and do nothing else that follows the end of one: the console could not."""
    states.move(job, JobState.ERROR, result={}, reason=reason, reference="",
                advice="Look at its host and at the log of the console worker. Then run it again, if that is wanted.")

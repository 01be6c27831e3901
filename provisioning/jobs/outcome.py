"""The end of a job: its state, and what the module that owns its kind does to the application."""

from datetime import datetime

from provisioning.job_kinds import AFTER, EFFECT, FAULT, KINDS
from provisioning.models import Job
from provisioning.states import JobState

from . import certificate_ports, installing, looks, refusals, states  # noqa: F401 - they register what they own


def finish(job: Job, state: JobState, *, at: datetime, result: dict, fields: dict) -> bool:
    """End ``job`` and do, in the same transaction, what its kind does then; False when the job had ended before. A
    success whose result cannot be used becomes an error."""
    kind = KINDS[job.kind]
    if state == JobState.SUCCEEDED and job.kind in FAULT:
        fault = FAULT[job.kind](job, result)
        if fault:
            refusals.record(host=job.host, kind="result", text=f"{job.host_name}, {job}: {fault}.")
            state, fields = JobState.ERROR, {
                "reason": f"The host reported {kind.name(job)} as finished, but {fault}.",
                "advice": "Look at the log below and run it again.", "reference": fields.get("reference", "")}
    # What was found on a host is kept with its applications; here it would be kept a second time.
    if not states.move(job, state, at=at, result={} if kind.of_host else result, **fields):
        return False
    if state == JobState.SUCCEEDED and job.kind in EFFECT:
        EFFECT[job.kind](job, result)
    for follows in AFTER:
        follows(job)
    return True

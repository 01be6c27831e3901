"""What a host reports of a job, as it is signed, and what is kept of it."""

import time

from protocol.jobs import sign_report
from provisioning.jobs.worker.reports import record_report
from provisioning.models import Job


def report(job, seq, kind, **fields):
    body = {"job": str(job.pk), "host": job.host_name, "seq": seq, "at": time.time(), "kind": kind, **fields}
    record_report(body, sign_report(job.host.secret, body))
    return Job.objects.get(pk=job.pk)


def step_states(job):
    return list(job.steps.values_list("state", flat=True))


def lines(job):
    return list(job.lines.values_list("number", "text"))

"""The frame of every job: verify, journal, report, finish, and clean up after one that was interrupted.

The steps of each kind are in modules of their own with two functions: ``work(run)`` → result, and
``undo(context, entry, *, lost)`` → sentence about what is in place now, which may be called again at any time.
"""

import contextlib
import logging
import os
import time
import uuid
from typing import Any, Protocol

from protocol import auth
from protocol.identity import start_ticks
from protocol.jobs import SIGNED_WITHIN_S, STEPS, TAKE_WITHIN_S, sign_job

from . import check_start_files, collect_facts, install, make_certificates, repair_start_files, restart, start, stop
from .cancel import Cancellation
from .context import Context
from .errors import JobCancelled, JobFailed
from .journal import Entry, Journal, is_job_id
from .reporter import Reporter
from .run import Run

log = logging.getLogger(__name__)

LONGEST_AGE_S = 48 * 3600.0
SAME_JOB_S = 3.0


class Kind(Protocol):
    """What the module of a kind of job has."""

    def work(self, run: Run) -> dict[str, Any]:
        """The job's result. Raises JobFailed, JobCancelled."""

    def undo(self, context: Context, entry: Entry, *, lost: bool) -> str:
        """What is in place now, as a sentence. May be called again at any time. Raises OSError, JobFailed."""


KINDS: dict[str, Kind] = {
    "check_start_files": check_start_files, "collect_facts": collect_facts, "install": install,
    "make_certificates": make_certificates, "repair_start_files": repair_start_files, "restart": restart,
    "start": start, "stop": stop}
"""{key of STEPS: the module of this name}."""


def run_job(context: Context, payload: dict[str, Any], signature: str) -> None:
    """Run one delivered job, or do what its journal entry says: repeat its last report, or clean up after it."""
    with Cancellation() as cancellation:
        if refusal := reason_to_refuse(payload, signature, context, now=time.time()):
            log.warning("A job was refused and not run: %s", refusal)
            context.refusals.tell("refused", f"A job was refused and not run: {refusal}")
            return
        entry = _open(context.journal, payload["job"])
        if entry is None:
            log.warning("Job %s was delivered again while it is worked on; this delivery is dropped.", payload["job"])
            return
        with contextlib.closing(entry):
            if not entry.body:
                if refusal := reason_not_to_begin(context, payload, now=time.time()):
                    _refuse_late(context, entry, payload, refusal)
                else:
                    _work(context, entry, payload, cancellation)
            elif entry.body["state"] == "finished":
                if not payload.get("again"):
                    context.refusals.tell("repeated", f"Job {entry.job} was delivered again after it had ended; it was "
                                                      "not run again.")
                deliver_final(context, entry, again=True)
            else:
                recover(context, entry)


def _open(journal: Journal, job: str) -> Entry | None:
    """The entry of ``job``; waits SAME_JOB_S for who holds it, who may just be finishing it."""
    until = time.monotonic() + SAME_JOB_S
    while (entry := journal.open(job)) is None and time.monotonic() < until:
        time.sleep(0.05)
    return entry


def reason_to_refuse(payload: object, signature: object, context: Context, *, now: float) -> str:
    """A sentence, "" when the job may run."""
    if not isinstance(payload, dict) or not isinstance(signature, str):
        return "it is not a job."
    job = payload.get("job")
    if not is_job_id(job):
        return "its job id is not valid."
    if not auth.same(sign_job(context.config.secret, payload), signature):
        return f"the signature of job {job} was not made with this host's secret."
    if payload.get("host") != context.config.host:
        return f"job {job} is for host {payload.get('host')!r}, this is {context.config.host!r}."
    issued = payload.get("issued_at")
    if not isinstance(issued, (int, float)) or not now - issued <= LONGEST_AGE_S:
        return f"job {job} was signed more than 48 hours ago, by this host's clock."
    if issued - now > SIGNED_WITHIN_S:
        return (f"job {job} was signed {(issued - now) / 60:.0f} minutes from now, by this host's clock: set the "
                "clocks of host and console.")
    if payload.get("kind") not in KINDS:
        return f"job {job} is of the unknown kind {payload.get('kind')!r}; update the agent."
    if not isinstance(payload.get("application"), str) or not isinstance(payload.get("arguments"), dict):
        return f"job {job} names no application or has no arguments."
    return ""


def reason_not_to_begin(context: Context, payload: dict[str, Any], *, now: float) -> str:
    """A sentence when a job came too late, "" else. People were told that it was not run, or a later one was."""
    if overtaken := context.journal.overtaken_by(payload):
        return (f"Job {payload['job']} came after job {overtaken} of {payload['application'] or 'this host'}, which "
                "was signed later; it was not run.")
    late_s = now - payload["issued_at"]
    return "" if late_s <= TAKE_WITHIN_S + SIGNED_WITHIN_S else (
        f"Job {payload['job']} came {late_s / 60:.0f} minutes after it was signed, by this host's clock; it was not "
        "run.")


def _refuse_late(context: Context, entry: Entry, payload: dict[str, Any], sentence: str) -> None:
    log.warning(sentence)
    context.refusals.tell("late", sentence)
    entry.claim(payload["kind"], payload["application"], {"pid": os.getpid(), "started": start_ticks(os.getpid())})
    entry.save(state="finished", final=final_report("failed", sentence, "Run it again if it is still wanted."))
    deliver_final(context, entry)


def _work(context: Context, entry: Entry, payload: dict[str, Any], cancellation: Cancellation) -> None:
    entry.claim(payload["kind"], payload["application"], {"pid": os.getpid(), "started": start_ticks(os.getpid())})
    context.journal.note_order(payload)
    with contextlib.closing(context.make_sender()) as sender:
        reporter = Reporter(context.outbox(entry, sender))
        reporter.start()
        reporter.claimed(context.worker)
        final = _outcome_alone(Run(context, payload, entry, reporter, cancellation))
        for number in range(entry.body["step"] + 1, len(STEPS[payload["kind"]])):
            reporter.step(number, "skipped")
        entry.save(state="finished", final=final)
        log.info("Job %s (%s %s): %s. %s", entry.job, payload["kind"], payload["application"], final["state"],
                 final["reason"])
        if not reporter.finish(final):
            log.warning("The last reports of job %s wait until the broker can be reached.", entry.job)


def _outcome_alone(run: Run) -> dict[str, Any]:
    with run.context.journal.alone(run.application) as alone:
        return _outcome(run) if alone else final_report(
            "failed", f"Another job still {_works_on(run.application)} on this host. This one did nothing.",
            "Wait until it has ended, then press Retry.")


def _works_on(application: str) -> str:
    return f"works on {application}" if application else "looks around"


def _outcome(run: Run) -> dict[str, Any]:
    """The final report of the job's work; after anything but success the host is as it was before."""
    try:
        with run.cancellation.open():
            return final_report("succeeded", result=KINDS[run.payload["kind"]].work(run))
    except JobFailed as failed:
        return _undone(run, final_report("failed", failed.reason, failed.advice))
    except JobCancelled:
        run.log("The job was cancelled.", "warning")
        return _undone(run, final_report("cancelled", "The job was cancelled."))
    except Exception:
        reference = uuid.uuid4().hex[:8]
        log.exception("Job %s ended with an error that is a bug, reference %s.", run.entry.job, reference)
        return _undone(run, final_report(
            "error", f"Something went wrong that Pairwise did not expect (reference {reference}).",
            "Look for the reference in the worker's log on the host and report it.", reference=reference))


def final_report(state: str, reason: str = "", advice: str = "", *, reference: str = "",
                 result: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"state": state, "reason": reason, "advice": advice, "reference": reference, "result": result or {}}


def _undone(run: Run, final: dict[str, Any]) -> dict[str, Any]:
    sentence = _undo(run.context, run.entry, lost=False)
    run.log(f"{final['reason']} {sentence}".strip(), "error" if final["state"] != "cancelled" else "warning")
    return {**final, "reason": f"{final['reason']} {sentence}".strip()}


def _undo(context: Context, entry: Entry, *, lost: bool) -> str:
    kind = KINDS.get(entry.body["kind"])
    if kind is None:
        return ""
    try:
        return kind.undo(context, entry, lost=lost)
    except (OSError, JobFailed) as error:
        log.exception("Job %s could not be undone.", entry.job)
        return f"Undoing it failed: {error}. Look at the application's directory on the host before the next job."


def recover(context: Context, entry: Entry) -> bool:
    """Clean up after a job whose process is gone and report it lost. The entry is locked, so nobody works on it.

    False, and nothing done, while another job works on the same application.
    """
    with context.journal.alone(entry.body["application"]) as alone:
        if alone:
            _clean_up(context, entry)
    if alone:
        deliver_final(context, entry)
    return alone


def _clean_up(context: Context, entry: Entry) -> None:
    steps = STEPS.get(entry.body["kind"], ())
    number = entry.body["step"]
    where = f"in the step “{steps[number]}”" if 0 <= number < len(steps) else "before its first step"
    sentence = _undo(context, entry, lost=True)
    reason = f"The worker on {context.config.host} was ended {where}. {sentence}".strip()
    log.warning("Job %s was interrupted. %s", entry.job, reason)
    entry.save(state="finished", final=final_report("lost", reason, "Run the job again."))


def deliver_final(context: Context, entry: Entry, *, again: bool = False) -> bool:
    """Send what a finished job has not yet reported; ``again``: its final report even when it was sent before.

    True when everything has gone out.
    """
    with contextlib.closing(context.make_sender()) as sender:
        outbox = context.outbox(entry, sender)
        repeat = again and outbox.final is not None
        if not outbox.knows_final:
            outbox.add("finished", **entry.body["final"])
        try:
            if repeat:
                outbox.send_final_again()
            outbox.send_all()
        except Exception as error:
            log.warning("The report of job %s waits for the broker: %s", entry.job, type(error).__name__)
            outbox.keep()
            return False
    return True

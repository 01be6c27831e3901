"""Records what hosts report: verified, in order, each report once (protocol.jobs)."""

import json
import logging
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Sum, TextField
from django.db.models.functions import Cast, Length
from django.utils import timezone

from protocol import auth
from protocol.jobs import FINISHED, REFUSED, STEP_STATES, sign_report
from protocol.said import legible, storable
from provisioning.core import changes, refusals
from provisioning.core.database_trouble import may_pass
from provisioning.core.log_context import about_job
from provisioning.history import history
from provisioning.jobs.kinds import KINDS
from provisioning.models import Host, Job, JobLine, JobReport
from provisioning.states import EventLevel, JobState, StepState

from . import dispatch, outcome, states

log = logging.getLogger(__name__)

MAX_WAITING, WAITING_A_TURN = 500, 50
"""Reports of one job that are kept until a missing one comes; more and the gap is given up. So many of them are caught
up on in one transaction."""
WAITING_BYTES_MAX = 4 * 1024 * 1024
"""Of the reports of one job that wait, all together."""
SAID_MEANWHILE_BYTES_MAX = 2 * 1024 * 1024
"""Of one report that is not the last of its job: hosts send 500 lines of 2000 characters at most."""
MAX_LINES, MAX_TEXT, MAX_REASON = 5000, 4000, 4000
WORD_WITHIN_S = 3600.0
"""How old a host's word of a job that it refused may be: reports wait while no console worker runs."""
MAX_ITEMS = 1000
"""Items of one report; a host sends what it collected in a second at most."""
LEVELS = ("debug", "info", "warning", "error")


class ReportRefused(ValueError):
    """A report that is not a host's word on one of its jobs. The text is a sentence for the log and the timeline of
    ``host``: the one that it claims to be of, None when there is no such host."""

    def __init__(self, sentence: str, host: Host | None = None):
        super().__init__(sentence)
        self.host = host


def record_report(report: Any, signature: Any) -> None:
    """Record one report. Raises ReportRefused; a report that was recorded before is ignored, and that it came."""
    behind = _record(report, signature)
    if behind is not None:
        catch_up(behind)


def _record(report: Any, signature: Any) -> uuid.UUID | None:
    """The job when reports that waited for this one are left to catch up on, else None."""
    with history.atomic():
        host = _host_of(report, signature)
        # The door: behind it a host's word is text and numbers that can be kept and shown.
        report = storable(report)
        if report.get("kind") == "refused":
            _refused(host, report)
            return None
        job = _job_of(host, report)
        if not _is_last(report) and (size := _size(report)) > SAID_MEANWHILE_BYTES_MAX:
            raise ReportRefused(f"Report {report['seq']} of job {job.pk} has {size} bytes, and one that does not end "
                                f"its job has {SAID_MEANWHILE_BYTES_MAX} at most.", host)
        if report["seq"] <= job.last_seq:
            refusals.record(
                host=host, kind="repeated report", level=EventLevel.STANDARD,
                text=f"Report {report['seq']} of job {job.pk} came again and was ignored. A host repeats what it is "
                     "not sure to have sent; without a cut of the network or the broker, somebody else does.")
        elif report["seq"] > job.last_seq + 1:
            _keep_for_later(job, report)
            _remind_of_cancel(job, report)
        else:
            _apply(job, report)
            if job.has_waiting:
                _apply_waiting(job)
            _remind_of_cancel(job, report)
        Job.objects.filter(pk=job.pk).update(heard_at=timezone.now(), last_seq=job.last_seq)
        return job.pk if job.has_waiting and is_behind(job) else None


def catch_up(job_id: uuid.UUID) -> None:
    """Record the reports of a job that wait for none that is missing, some in a transaction."""
    while True:
        with history.atomic():
            job = Job.objects.select_for_update().filter(pk=job_id).first()
            if job is None:
                return
            _apply_waiting(job)
            Job.objects.filter(pk=job_id).update(last_seq=job.last_seq)
            if not is_behind(job):
                return


def is_behind(job: Job) -> bool:
    """True while there are reports to catch up on."""
    return job.waiting_reports.filter(seq__lte=job.last_seq + 1).exists()


def _refused(host: Host, report: dict) -> None:
    at = report.get("at")
    # It has no number that would be good once.
    if not isinstance(at, (int, float)) or not abs(time.time() - at) <= WORD_WITHIN_S:
        raise ReportRefused("It tells of a refused job, and was not signed within the last hour: somebody sends it "
                            "again, reports have waited for long, or the clock of the host is off.", host)
    what = report.get("what") if report.get("what") in REFUSED else REFUSED[0]
    refusals.record(host=host, kind=f"{what} job", text=f"{host.name}: {legible(report.get('text'), 500)}",
                    level=EventLevel.STANDARD if what == "repeated" else EventLevel.ALARM)


def _host_of(report: Any, signature: Any) -> Host:
    if not isinstance(report, dict) or not isinstance(signature, str):
        raise ReportRefused("It is no report.")
    name = report.get("host")
    host = Host.objects.filter(name=legible(name)).first() if isinstance(name, str) else None
    if host is None or not auth.same(sign_report(host.secret, report), signature):
        raise ReportRefused(f"It is not signed with the secret of host {str(name)[:100]!r}.", host)
    return host


def _job_of(host: Host, report: dict) -> Job:
    seq = report.get("seq")
    if isinstance(seq, bool) or not isinstance(seq, int) or not 1 <= seq <= 10_000_000:
        raise ReportRefused(f"Its number is {str(seq)[:40]!r}.", host)
    try:
        job = _with_waiting(Job.objects.select_for_update(of=("self",))).get(pk=report.get("job", ""), host=host)
    except (Job.DoesNotExist, ValueError, TypeError, ValidationError):
        raise ReportRefused(f"Host {host.name} has no job {str(report.get('job'))[:40]!r}.", host) from None
    return job


def _with_waiting(jobs: QuerySet) -> QuerySet[Job]:
    return jobs.annotate(has_waiting=Exists(JobReport.objects.filter(job=OuterRef("pk"))))


def _is_last(report: dict) -> bool:
    return report.get("kind") == "finished"


def _size(report: dict) -> int:
    """In bytes, as the database keeps it."""
    return len(json.dumps(report))


def _keep_for_later(job: Job, report: dict) -> None:
    if waiting_bytes(job) + _size(report) > WAITING_BYTES_MAX:
        _keep_no_more(job, report)
        return
    body = {**report, "received": timezone.now().timestamp()}
    JobReport.objects.get_or_create(job=job, seq=report["seq"], defaults={"body": body})
    job.has_waiting = True
    # The end of a job that was thought lost is worth more than the lines before it.
    if job.waiting_reports.count() > MAX_WAITING or (job.state == JobState.LOST and _is_last(report)):
        skip_gap(job)


def waiting_bytes(job: Job) -> int:
    """What the waiting reports of ``job`` hold, which is not read for it."""
    return job.waiting_reports.aggregate(all=Sum(Length(Cast("body", TextField()))))["all"] or 0


def _keep_no_more(job: Job, report: dict) -> None:
    """The end of a job is recorded without what waits before it. Raises ReportRefused of anything else."""
    if not _is_last(report):
        raise ReportRefused(f"Report {report['seq']} of job {job.pk} came before others that are missing, and those "
                            f"that wait for them may hold {WAITING_BYTES_MAX // 1024 ** 2} MB together.", job.host)
    job.waiting_reports.all().delete()
    job.has_waiting = False
    _note_gap(job, report["seq"])
    _apply(job, report)


def _note_gap(job: Job, until: int) -> None:
    """The reports before number ``until`` are not waited for any more."""
    missing = f"{job.last_seq + 1}" + (f" to {until - 1}" if until > job.last_seq + 2 else "")
    add_lines(job, [(timezone.now(), "warning", f"Report {missing} of the host never arrived; the log has a gap.")])
    job.last_seq = until - 1


def skip_gap(job: Job) -> None:
    """Give up on the reports that are missing: go on with the first that waits. Call within a transaction; it may leave
    some to catch up on."""
    first = job.waiting_reports.order_by("seq").values_list("seq", flat=True).first()
    if first is None:
        return
    _note_gap(job, first)
    _apply_waiting(job)
    Job.objects.filter(pk=job.pk).update(last_seq=job.last_seq)


def _apply_waiting(job: Job) -> None:
    for waiting in job.waiting_reports.order_by("seq")[:WAITING_A_TURN]:
        if waiting.seq > job.last_seq + 1:
            break
        if waiting.seq == job.last_seq + 1:
            _apply(job, waiting.body)
        waiting.delete()


@about_job
def _apply(job: Job, report: dict) -> None:
    """Do what it says; its number is not saved. Raises what may pass: anything else would be met again each time that
    the report came, so the report counts as recorded."""
    handler = _HANDLERS.get(str(report.get("kind")))
    if handler is None:
        log.warning("job %s: report %s is of the unknown kind %.40r", job.pk, report["seq"], report.get("kind"))
    else:
        try:
            with transaction.atomic():
                handler(job, report)
        except Exception as error:
            if may_pass(error):
                raise
            _not_recorded(job, report, error)
    job.last_seq = report["seq"]


def _not_recorded(job: Job, report: dict, error: Exception) -> None:
    """A report led to an error, and nothing of it was done: the log of its job says so, and a last one ends the job."""
    job.refresh_from_db(fields=["state", "reason", "advice", "started_at", "finished_at"])
    sentence = f"Report {report['seq']} of the host could not be recorded: it led to the error {type(error).__name__}."
    log.warning("job %s: %s", job.pk, sentence, exc_info=error)
    refusals.record(host=job.host, kind="report", text=f"{job.host_name}, {job}: {sentence}")
    add_lines(job, [(timezone.now(), "error", sentence)])
    if _is_last(report):
        outcome.end_in_error(job, f"The host ended its work on {KINDS[job.kind].name(job)}. {sentence}")


def _claimed(job: Job, report: dict) -> None:
    states.move(job, JobState.CLAIMED, at=_time(report.get("at")), worker=legible(report.get("worker"), 255))


def _step(job: Job, report: dict) -> None:
    _steps(job, [report])


def _steps(job: Job, items: list[dict]) -> None:
    """What was said of steps, in order; one that began and ended meanwhile is written once."""
    values: dict[int, dict[str, Any]] = {}
    unknown = 0
    for item in items:
        number, state, at = item.get("number"), item.get("state"), _time(item.get("at"))
        if state not in STEP_STATES or not isinstance(number, int):
            unknown += 1
            continue
        value = values.setdefault(number, {})
        value["state"] = state
        if state == StepState.RUNNING:
            value["started_at"] = at
            states.move(job, JobState.RUNNING, at=at)
        elif state != StepState.WAITING:
            value["finished_at"] = at
    if unknown:
        log.warning("job %s: report %s names no step (%d of its items)", job.pk, items[0]["seq"], unknown)
    for number, value in values.items():
        job.steps.filter(number=number).update(**value)
    if values:
        changes.tell(*dispatch.topics(job))


def _log(job: Job, report: dict) -> None:
    add_lines(job, _lines(report))


def _lines(report: dict) -> list[tuple[datetime, str, str]]:
    rows = report.get("lines")
    lines = []
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, list) and len(row) == 3:
            at, level, text = row
            lines.append((_time(at), level if level in LEVELS else "info", legible(text, MAX_TEXT)))
    return lines


def _alive(job: Job, report: dict) -> None:
    """``heard_at`` says it already."""


def _items(report: dict) -> list[dict]:
    """What travelled in one report of kind several."""
    items = report.get("items")
    return [item for item in items[:MAX_ITEMS] if isinstance(item, dict)] if isinstance(items, list) else []


def _several(job: Job, report: dict) -> None:
    """Its items by kind: what is written together costs a fraction of what it costs one by one."""
    by_kind: dict[str, list[dict]] = {kind: [] for kind in _WITHIN}
    unknown = []
    for item in _items(report):
        if (kind := str(item.get("kind"))) in by_kind:
            by_kind[kind].append({**item, "seq": report["seq"]})
        else:
            unknown.append(item)
    if unknown:
        log.warning("job %s: report %s holds %d unknown items, first %.100r", job.pk, report["seq"], len(unknown),
                    unknown[0])
    for item in by_kind["claimed"]:
        _claimed(job, item)
    _steps(job, by_kind["step"])
    add_lines(job, [line for item in by_kind["log"] for line in _lines(item)])


def _finished(job: Job, report: dict) -> None:
    state = report.get("state")
    if state not in FINISHED:
        log.warning("job %s: report %s ends in the unknown state %.40r", job.pk, report["seq"], state)
        state = JobState.ERROR
    result = report.get("result")
    fields = {name: legible(report.get(name), MAX_REASON) for name in ("reason", "advice")}
    fields["reference"] = legible(report.get("reference"), 64)
    outcome.finish(job, JobState(state), at=_time(report.get("at")),
                   result=result if isinstance(result, dict) else {}, fields=fields)


_WITHIN = {"claimed": _claimed, "step": _step, "log": _log, "alive": _alive}
_HANDLERS = {**_WITHIN, "several": _several, "finished": _finished}


def add_lines(job: Job, lines: list[tuple[datetime, str, str]]) -> None:
    """Append log lines, numbered within the job; past MAX_LINES the log is cut and says so."""
    if not lines:
        return
    last = job.lines.order_by("-number").values_list("number", flat=True).first() or 0
    room = MAX_LINES - last
    if room <= 0:
        return
    if len(lines) > room:
        lines = [*lines[:room - 1], (timezone.now(), "warning", f"The log is cut here: {MAX_LINES} lines are kept.")]
    JobLine.objects.bulk_create(JobLine(job=job, number=last + index, at=at, level=level, text=text)
                                for index, (at, level, text) in enumerate(lines, 1))
    changes.tell(f"job:{job.pk}")


def _remind_of_cancel(job: Job, report: dict) -> None:
    """A job that was cancelled before a host took it, and that a host works on all the same, is to end."""
    kinds = {str(item.get("kind")) for item in (report, *_items(report))}
    if job.state == JobState.CANCELLED and kinds & {"claimed", "alive"}:
        transaction.on_commit(lambda: dispatch.revoke(job, terminate=True))


def _time(value: Any) -> datetime:
    """A host's Unix time, or now when it is no time of this century."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 946_684_800 < value < 4_102_444_800:
        return datetime.fromtimestamp(value, UTC)
    return timezone.now()

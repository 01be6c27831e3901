"""Runs of the audit: judge pairs, and store what is not as it was."""

import gc
import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from protocol.patience import PatientClock
from provisioning.audit.facts import AuditFacts
from provisioning.audit.judgement import fact_of, judge, verdict
from provisioning.audit.loader import load
from provisioning.audit.registry import Rule, Trouble
from provisioning.audit.worker.result import Result
from provisioning.core import signals
from provisioning.models import Application, AuditMark, AuditRun, Finding, PairAudit, Waiver
from provisioning.states import AuditTrigger, Severity, Verdict
from provisioning.turns import delete_in_turns, write_in_turns

log = logging.getLogger(__name__)

_clock = PatientClock()
TOPICS_MAX = 50
"""Of more pairs than that, only the list is told."""


def run_audit(primary_ids: Iterable[int] | None = None, *, trigger: AuditTrigger, asked_by: str = "") -> AuditRun:
    """Judge these pairs (all when None) and store the results; those that are as before are confirmed."""
    ids = None if primary_ids is None else list(dict.fromkeys(primary_ids))
    with _collector_paused():
        return _run(ids, trigger, asked_by)


def _run(ids: list[int] | None, trigger: AuditTrigger, asked_by: str) -> AuditRun:
    began = time.monotonic()
    loaded = load(ids)
    at = loaded[0].now if loaded else timezone.now()
    waivers = _waivers(ids, at.date())
    results = [_result(facts, waivers) for facts in loaded]
    run = AuditRun.objects.create(at=at, trigger=trigger, asked_by=asked_by[:150], whole=ids is None,
                                  pairs=len(results), counts=_counts(results))
    stored = write_in_turns(results, lambda some: _store(run, some))
    changed = [key for keys in stored for key in keys] + _retire({result.primary_id for result in results}, ids)
    run.changed, run.took_ms = len(changed), round((time.monotonic() - began) * 1000)
    run.save(update_fields=["changed", "took_ms"])
    signals.announce("audits", *(f"audit:{key}" for key in changed[:TOPICS_MAX]))
    log.debug("audit %s: %d pairs in %d ms, %d changed", trigger, run.pairs, run.took_ms, run.changed)
    return run


@contextmanager
def _collector_paused() -> Iterator[None]:
    """The collector would look through millions of new objects again and again, of which none is garbage yet; also
    while results are stored, with the database held."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _waivers(ids: list[int] | None, today: date) -> dict[tuple[int, str, str, str], Waiver]:
    """{(pair, code, subject, fact): the waiver that holds}."""
    found = Waiver.objects.filter(ended_at=None, expires_on__gte=today)
    if ids is not None:
        found = found.filter(primary_id__in=ids)
    return {(row.primary_id, row.code, row.subject, row.fact): row for row in found}


def _result(facts: AuditFacts, waivers: Mapping[tuple[int, str, str, str], Waiver]) -> Result:
    judged = judge(facts)
    held = tuple(waivers.get((facts.primary.id, rule.code, trouble.subject, fact_of(trouble)))
                 for rule, trouble in judged.troubles)
    found = verdict((rule.severity for (rule, _), waiver in zip(judged.troubles, held, strict=True) if waiver is None),
                    (rule.severity for rule, _ in judged.unknown))
    return Result(facts, judged, held, found)


def _counts(results: list[Result]) -> dict[str, int]:
    return {str(each): sum(result.verdict == each for result in results) for each in Verdict}


def _store(run: AuditRun, results: list[Result]) -> list[int]:
    """Write some; keys of the pairs whose result is another one than before."""
    hold_mark()
    keys = [result.primary_id for result in results]
    # Somebody may have deleted some since they were judged.
    there = set(Application.objects.filter(pk__in=keys).values_list("pk", flat=True))
    latest = {row.primary_id: row for row in PairAudit.objects.filter(is_latest=True, primary_id__in=keys)}
    same: list[Result] = []
    new: list[Result] = []
    for result in (result for result in results if result.primary_id in there):
        before = latest.get(result.primary_id)
        if before is not None and before.confirmed_at > run.at:
            # Somebody judged it later than this run did.
            continue
        (same if before is not None and before.digest == result.digest else new).append(result)
    PairAudit.objects.filter(pk__in=[latest[each.primary_id].pk for each in same]).update(confirmed_at=run.at)
    _note_versions(latest, same)
    _replace(run, latest, new)
    return [result.primary_id for result in new]


def _note_versions(latest: Mapping[int, PairAudit], same: list[Result]) -> None:
    moved = []
    for result in same:
        row, version = latest[result.primary_id], _version(result)
        if row.record_version != version:
            row.record_version = version
            moved.append(row)
    PairAudit.objects.bulk_update(moved, ["record_version"], batch_size=200)


def _version(result: Result) -> int:
    return result.facts.version


def _replace(run: AuditRun, latest: Mapping[int, PairAudit], new: list[Result]) -> None:
    """One more result for each of ``new``; findings that were there before keep the time since when they are."""
    old = [latest[each.primary_id].pk for each in new if each.primary_id in latest]
    since: dict[tuple[int, str, str], datetime] = {
        (key, code, subject): at for key, code, subject, at in Finding.objects.filter(audit__in=old).values_list(
            "audit__primary_id", "code", "subject", "first_found_at")}
    PairAudit.objects.filter(pk__in=old).update(is_latest=False)
    rows = PairAudit.objects.bulk_create([_row(run, result, latest.get(result.primary_id)) for result in new])
    Finding.objects.bulk_create([
        _finding(row, rule, trouble, waiver, since.get((result.primary_id, rule.code, trouble.subject), run.at))
        for row, result in zip(rows, new, strict=True) for rule, trouble, waiver in result.pairs])


def _row(run: AuditRun, result: Result, before: PairAudit | None) -> PairAudit:
    errors, warnings = result.open(Severity.ERROR), result.open(Severity.WARNING)
    is_same = before is not None and (bool(errors), bool(errors or warnings)) == (
        bool(before.errors), bool(before.errors or before.warnings))
    return PairAudit(
        primary_id=result.primary_id, run=run, at=run.at, confirmed_at=run.at, verdict=result.verdict,
        errors=errors, warnings=warnings, notes=result.open(Severity.NOTE),
        waived=sum(waiver is not None for waiver in result.waivers), unknown=result.unknown,
        passed=len(result.judged.passed), digest=result.digest, record_version=_version(result),
        since=before.since if before is not None and is_same else run.at,
        told=before.told if before is not None else {})


def _finding(row: PairAudit, rule: Rule, trouble: Trouble, waiver: Waiver | None, since: datetime) -> Finding:
    return Finding(
        audit=row, code=rule.code, severity=rule.severity, subject=trouble.subject[:600], fact=fact_of(trouble),
        sentence=trouble.sentence, values=[[value.label, value.text] for value in trouble.values],
        about=list(trouble.about), remedy=rule.remedy if trouble.remedy is None else trouble.remedy, waiver=waiver,
        first_found_at=since)


def _retire(judged: set[int], ids: list[int] | None) -> list[int]:
    """Applications that are no pair (any more) have no latest result."""
    stale = PairAudit.objects.filter(is_latest=True)
    if ids is not None:
        stale = stale.filter(primary_id__in=ids)
    gone = [row for row in stale.values_list("pk", "primary_id") if row[1] not in judged]
    write_in_turns([key for key, _ in gone], lambda some: PairAudit.objects.filter(pk__in=some).update(is_latest=False))
    return [primary_id for _, primary_id in gone]


def hold_mark() -> None:
    """Whoever stores results holds this row, so that two runs do not store one pair at once."""
    # Without what it says of changes, which may be long.
    if not AuditMark.objects.select_for_update().filter(name="changes").values_list("name"):
        AuditMark.objects.get_or_create(name="changes")


def forget_old(now: datetime | None = None) -> int:
    """Remove results that were replaced PAIRWISE_AUDIT_KEEP_DAYS ago or earlier, and runs that nothing points to any
    more; how many results went. Called without ``now`` time and again, by a clock that has held for a while."""
    now = now or datetime.fromtimestamp(_clock.now(time.time(), time.monotonic()), UTC)
    before = now - timedelta(days=settings.PAIRWISE_AUDIT_KEEP_DAYS)
    gone = delete_in_turns(PairAudit.objects.filter(is_latest=False, confirmed_at__lt=before))
    delete_in_turns(AuditRun.objects.filter(at__lt=before, results=None))
    return gone

"""What a support bundle of a pair holds, part by part: each is read, cleaned of secrets and handed on."""

import importlib.metadata
import json
import platform
import sqlite3
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.forms.models import model_to_dict

from protocol.events import written
from protocol.names import safe_name
from provisioning.applications.selectors.export import export_yaml
from provisioning.audit.exports import FORMATS
from provisioning.audit.exports.stored_results import Pairs, head_of
from provisioning.broker.selectors import broker
from provisioning.core.redaction import Redactor
from provisioning.core.text import file_word
from provisioning.history.kinds import KINDS, application_snapshot
from provisioning.models import (
    Application,
    Drill,
    Event,
    FoundOnHost,
    HistoryEntry,
    Host,
    Job,
    JobLine,
    PairAudit,
    PairException,
    RuntimeStatus,
    Waiver,
)
from provisioning.models.records import OF_NO_APPLICATION
from provisioning.pairs.selectors.pairs import OfPair

from .log_lines import Whose, log_lines

HISTORY_MAX, EVENTS_MAX, JOBS_MAX, LINES_MAX, RESULTS_MAX, DRILLS_MAX = 5_000, 20_000, 200, 5_000, 100, 50
LOG_BYTES, LOGS_MAX = 2 * 1024 * 1024, 20
PART_CHARACTERS = 8 * 1024 * 1024


@dataclass(frozen=True)
class Part:
    """A file of the bundle: its path, what it is in plain words, its text without secrets."""

    path: str
    about: str
    text: str


@dataclass
class Scope(OfPair):
    """Whose bundle it is, from when until when. ``notes`` says what was left out, in sentences."""

    primary: Application
    backup: Application | None
    since: datetime
    until: datetime
    made_by: str
    redactor: Redactor
    notes: list[str] = field(default_factory=list)

    @property
    def hosts(self) -> list[Host]:
        return list({row.host_id: row.host for row in self.members if row.host}.values())

    def newest(self, rows: QuerySet, most: int, path: str) -> list:
        """The ``most`` newest of ``rows`` (given newest first), oldest first; says so when there are more."""
        found = list(rows[:most + 1])
        if len(found) > most:
            self.notes.append(f"{path} holds the newest {most:,} only: there were more in that time.")
        return found[:most][::-1]

    def json(self, path: str, about: str, value: object) -> Part:
        return Part(path, about, json.dumps(self.redactor.value(json.loads(json.dumps(value, default=str))),
                                            ensure_ascii=False, indent=2) + "\n")

    def lines(self, path: str, about: str, lines: Iterable[str]) -> Part:
        return Part(path, about, self.redactor.text("".join(f"{line}\n" for line in lines)))


def parts(scope: Scope) -> Iterator[Part]:
    for each in (_configuration, _record, _states, _audit, _history, _events, _jobs, _drills, _versions,
                 _log_records, _logs):
        yield from each(scope)


def _configuration(scope: Scope) -> Iterator[Part]:
    text = export_yaml(names=[row.name for row in scope.members])
    yield Part("configuration/pair.yaml", "Both members and their hosts, as manage.py apply reads them.",
               scope.redactor.exact(text))
    for row in scope.members:
        yield scope.json(f"configuration/application-{file_word(row.name)}.json", f"All of {row.name}.",
                         application_snapshot(row))
    for host in scope.hosts:
        yield scope.json(f"configuration/host-{file_word(host.name)}.json", f"Host {host.name}.",
                         KINDS[Host].snapshot(host))
    for template in {row.template_id: row.template for row in scope.members}.values():
        yield scope.json(f"configuration/template-{file_word(template.name)}.json",
                         f"Application Template {template.name}.", KINDS[type(template)].snapshot(template))


def _record(scope: Scope) -> Iterator[Part]:
    state = getattr(scope.primary, "pair_state", None)
    exceptions = PairException.objects.filter(primary=scope.primary)
    waivers = Waiver.objects.filter(primary=scope.primary)
    yield scope.json("pair.json", "Control's record of the pair, exceptions and waivers.", {
        "record": model_to_dict(state) if state else None, "names": {row.pk: row.name for row in scope.members},
        "intended_differences": [_row(each) for each in exceptions], "waivers": [_row(each) for each in waivers]})


def _states(scope: Scope) -> Iterator[Part]:
    runtimes = {row.application_id: row for row in RuntimeStatus.objects.filter(application__in=scope.members)}
    found = {row.application_id: row for row in FoundOnHost.objects.filter(application__in=scope.members)}
    for row in scope.members:
        about = f"What {row.name} last reported, and what was found on its host."
        yield scope.json(f"now/server-{file_word(row.name)}.json", about, {
            "reported": _row(runtimes.get(row.pk)), "found_on_host": _row(found.get(row.pk))})
    for host in scope.hosts:
        yield scope.json(f"now/host-{file_word(host.name)}.json", f"What the agent of {host.name} last reported.",
                         _row(getattr(host, "runtime", None)))


def _audit(scope: Scope) -> Iterator[Part]:
    latest = list(PairAudit.objects.filter(primary=scope.primary, is_latest=True).values_list("pk", flat=True))
    if not latest:
        scope.notes.append("The pair was never audited, so there are no findings.")
        return
    head = head_of(latest, scope=scope.name, made_by=scope.made_by)
    about = "The audit's result that holds now"
    for name, words in (("html", f"{about}, to read and print."), ("json", f"{about}, for programs.")):
        text = "".join(FORMATS[name].write(head, Pairs(latest)))
        yield Part(f"audit/now.{FORMATS[name].suffix}", words, scope.redactor.exact(text))
    rows = PairAudit.objects.filter(primary=scope.primary, at__lt=scope.until, confirmed_at__gte=scope.since)
    keys = scope.newest(rows.order_by("-pk").values_list("pk", flat=True), RESULTS_MAX, "audit/results.json")
    text = "".join(FORMATS["json"].write(head_of(keys, scope=scope.name, made_by=scope.made_by), Pairs(keys)))
    yield Part("audit/results.json", "Every result of the audit in that time, oldest first.",
               scope.redactor.exact(text))


def _history(scope: Scope) -> Iterator[Part]:
    templates = [str(row.template_id) for row in scope.members]
    own = Q(object_type="application", object_id__in=[str(row.pk) for row in scope.members]) | Q(
        object_type="host", object_id__in=[str(row.pk) for row in scope.hosts]) | Q(
        object_type="template", object_id__in=templates)
    rows = HistoryEntry.objects.filter(own, at__gte=scope.since, at__lt=scope.until).order_by("-number")
    found = scope.newest(rows, HISTORY_MAX, "history.json")
    yield scope.json("history.json", "Who changed or did what to these objects in that time.", [
        {name: getattr(entry, name) for name in ("number", "at", "user_name", "origin", "request_id", "action",
                                                 "object_type", "object_name", "reason", "before", "after")}
        for entry in found])


def _events(scope: Scope) -> Iterator[Part]:
    # What happened to other servers of these hosts is none of the pair's.
    own = Q(application__in=scope.members) | Q(host__in=scope.hosts) & OF_NO_APPLICATION
    rows = Event.objects.filter(own, at__gte=scope.since, at__lt=scope.until).select_related(
        "application", "host").order_by("-id")
    found = scope.newest(rows, EVENTS_MAX, "events.txt")
    yield scope.lines("events.txt", "The timeline: what happened to both members and their hosts.", (
        f"{event.at.isoformat()} {written(event.number):8} {event.level:11} "
        f"{event.application_shown or event.host_shown}: {event.text}" for event in found))


def _jobs(scope: Scope) -> Iterator[Part]:
    own = Q(application__in=scope.members) | Q(host__in=scope.hosts, application=None)
    in_time = Q(created_at__lt=scope.until) & (Q(finished_at=None) | Q(finished_at__gte=scope.since))
    rows = Job.objects.filter(own & in_time).prefetch_related("steps").order_by("-created_at")
    for job in scope.newest(rows, JOBS_MAX, "jobs/"):
        what = f"{file_word(job.kind)}-{file_word(job.application_name or job.host_name)}-{str(job.pk)[:8]}"
        path = f"jobs/{job.created_at:%Y%m%d-%H%M%S}-{what}"
        body = {**_fields(job), "steps": [_row(step) for step in job.steps.all()]}
        yield scope.json(f"{path}.json", f"{job}: {job.get_state_display()}.", body)
        lines = scope.newest(JobLine.objects.filter(job=job).order_by("-number"), LINES_MAX, f"{path}.log")
        if lines:
            yield scope.lines(f"{path}.log", f"The log of {job}.", (
                f"{line.at.isoformat()} {line.level:7} {line.text}" for line in lines))


def _drills(scope: Scope) -> Iterator[Part]:
    rows = Drill.objects.filter(primary=scope.primary, created_at__lt=scope.until).filter(
        Q(finished_at=None) | Q(finished_at__gte=scope.since)).prefetch_related("steps").order_by("-id")
    found = scope.newest(rows, DRILLS_MAX, "drills.json")
    if found:
        yield scope.json("drills.json", "Failover drills in that time with their reports.", [
            {**_fields(drill), "steps": [_row(step) for step in drill.steps.all()]} for drill in found])


def _versions(scope: Scope) -> Iterator[Part]:
    connection.ensure_connection()
    version = sqlite3.sqlite_version
    if connection.vendor == "postgresql":
        version = connection.pg_version  # type: ignore[attr-defined]  # PostgreSQL's has it
    hosts = {host.name: runtime.agent_version for host in scope.hosts if (runtime := getattr(host, "runtime", None))}
    packages = sorted({f"{each.name}=={each.version}" for each in importlib.metadata.distributions()}, key=str.lower)
    yield scope.json("versions.json", "Versions of everything.", {
        "console": settings.PAIRWISE_VERSION, "python": sys.version, "system": platform.platform(),
        "database": {"kind": connection.vendor, "version": str(version)}, "broker": asdict(broker()),
        "agents": hosts, "servers": {row.name: {"object": row.version, "runs": row.runtime.version if getattr(
            row, "runtime", None) else ""} for row in scope.members}, "packages": packages})


def _log_records(scope: Scope) -> Iterator[Part]:
    path = "log-records.jsonl"
    whose = Whose(tuple(row.name for row in scope.members), tuple(host.name for host in scope.hosts), scope.since,
                  scope.until)
    text, notes = log_lines(whose, scope.redactor, characters=PART_CHARACTERS)
    scope.notes.extend(f"{path}: {note}" for note in notes)
    yield Part(path, "The centralized log of both members and their hosts, newest first, a record a line.", text)


def _logs(scope: Scope) -> Iterator[Part]:
    """Ends of what the processes of this console wrote; a console that systemd runs keeps them elsewhere."""
    directory = settings.PAIRWISE_DATA_DIR / "logs"
    files = sorted(directory.glob("*.log")) if directory.is_dir() else []
    if not files:
        scope.notes.append(f"The console keeps no logs in {directory}, so there are none.")
    for path in files[:LOGS_MAX]:
        yield _log(scope, path, f"What {path.stem} of the console wrote last.")
    for row in scope.members:
        # Only those of this machine's agent lie where the console can read them.
        own = sorted(settings.PAIRWISE_DATA_DIR.glob(f"hosts/*/state/logs/{safe_name(row.name)}.log"))
        for path in own:
            yield _log(scope, path, f"What the server {row.name} wrote last.")
        if not own:
            where = f"host {row.host.name}" if row.host else "its host"
            scope.notes.append(f"The log of the server {row.name} is on {where}, in its agent's directory: fetch "
                               f"state/logs/{safe_name(row.name)}.log there.")


def _log(scope: Scope, path: Path, what: str) -> Part:
    text, is_cut = _tail(path)
    if is_cut:
        scope.notes.append(f"logs/{path.name} holds the last {LOG_BYTES // 1024 // 1024} MB only.")
    return Part(f"logs/{file_word(path.name)}", what, scope.redactor.text(text))


def _tail(path: Path) -> tuple[str, bool]:
    if not stat.S_ISREG(path.lstat().st_mode):
        return "", False
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - LOG_BYTES))
        body = file.read(LOG_BYTES)
    is_cut = size > LOG_BYTES
    # The first line of a cut file is half a line, and perhaps half a secret.
    return (body.split(b"\n", 1)[-1] if is_cut else body).decode(errors="replace"), is_cut


def _row(row: Model | None) -> dict | None:
    return None if row is None else _fields(row)


def _fields(row: Model) -> dict:
    """Its own fields; encrypted ones are nobody's business."""
    return {each.attname: getattr(row, each.attname) for each in row._meta.concrete_fields if each.name != "secret"}

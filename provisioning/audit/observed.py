"""Reads what is true: last words of servers, what jobs found on hosts, recent starts and role changes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from provisioning.audit.facts import Live
from provisioning.audit.found import Found, found_from
from provisioning.declared import at_start
from provisioning.drafts import ApplicationDraft, PortDraft
from provisioning.job_kinds import FIND_START_FILES
from provisioning.models import Event, FoundOnHost, HistoryEntry, Job
from provisioning.models.applications import os_account
from provisioning.rules import ages
from provisioning.rules.certificates import certificates_of_ports
from provisioning.selectors import start_files
from provisioning.selectors.drills import last_drills
from provisioning.states import ALIVE, DrillState, HistoryAction, JobKind, JobState

_AS_THEY_ARE = ("status", "mode", "reason", "heard_at", "pid", "by_hand", "account", "version", "link", "link_reason",
                "last_seq", "common_seq", "common_digest", "first_seq", "discarded", "started_at")
RUNTIME = (*_AS_THEY_ARE, "ports")
"""Columns of RuntimeStatus."""
FLAPPING = 10327
FLAPPING_FOR = timedelta(minutes=10)
STARTS_FOR = timedelta(days=30)
_SEEN = {"command_line_arguments", "log_on_as", "port_id", "port"}
"""What other rules see in the running server."""
_AT_START, _OF_PORT = ({name: label for name, label in at_start(draft).items() if name not in _SEEN}
                       for draft in (ApplicationDraft, PortDraft))


@dataclass
class Observed:
    """Of many applications at once, by their keys."""

    now: datetime
    found: Mapping[int, Found]
    starts: Mapping[int, float]
    flaps: Mapping[int, int]
    since_start: Mapping[int, dict]
    """{application: its snapshot as it was when its server started}, of those that were changed since."""
    drills: Mapping[int, str]

    def live(self, row) -> Live | None:
        """The last word of the server of ``row``, which has RUNTIME; None when nothing was ever heard of it."""
        if row.runtime__status is None:
            return None
        ports = [port for port in row.runtime__ports or () if isinstance(port, dict)]
        return Live(
            **{name: getattr(row, f"runtime__{name}") for name in _AS_THEY_ARE},
            ports={str(port.get("id")): port.get("port") for port in ports},
            certificates=certificates_of_ports(ports, self.now.timestamp()))

    def waits(self, row, draft: ApplicationDraft) -> tuple[str, ...]:
        """Labels of what was changed since the server's start and counts from the next one only."""
        before = self.since_start.get(row.id)
        if before is None:
            return ()
        labels = [label for name, label in _AT_START.items()
                  if before.get(name) not in (None, ".", getattr(draft, name))]
        ports = {port.get("port_id"): port for port in before.get("ports", ()) if isinstance(port, dict)}
        labels += dict.fromkeys(label for port in draft.ports or () for name, label in _OF_PORT.items()
                                if port.port_id in ports and ports[port.port_id].get(name) != getattr(port, name))
        return tuple(labels)


def read(rows: Mapping[int, Any], now: datetime, *, whole: bool) -> Observed:
    """Of ``rows`` (by key, each with RUNTIME); ``whole``: they are all there are."""
    own = Q() if whole else Q(application_id__in=list(rows))
    flaps = Counter(Event.objects.filter(own, number=FLAPPING, at__gte=now - FLAPPING_FOR).values_list(
        "application_id", flat=True))
    return Observed(now=now, found=_found(rows, own, now), starts=_starts(own, now), flaps=flaps,
                    since_start=_since_start(rows.values()), drills=_drills(None if whole else rows))


_LOOK = ("application_id", "host_id", "host__name", "at", "body")


def _found(rows: Mapping[int, Any], own: Q, now: datetime) -> dict[int, Found]:
    """{application: what a job last found on its host}. What is about a former Working Directory, Command Line or
    account says nothing about the present one."""
    since = now - ages.FOUND
    looks = {look.application_id: look for look in FoundOnHost.objects.filter(own, at__gte=since).values_list(
        *_LOOK, named=True)}
    about_files = Job.objects.filter(own, kind__in=FIND_START_FILES, state=JobState.SUCCEEDED, finished_at__gte=since,
                                     result__has_key="start_files").order_by("finished_at", "created_at")
    newest = {job.application_id: job for job in about_files
              if job.application_id in looks and job.finished_at > looks[job.application_id].at}
    server, found = start_files.server_address(), {}
    for key, look in looks.items():
        row = rows.get(key)
        if row is not None and isinstance(look.body, dict) and look.body.get("asked") == asked_of(row):
            wanted = start_files.Wanted(row.name, row.host__name or "", row.working_directory, server)
            files = start_files.newer(
                start_files.of_look(look.body, wanted, host=look.host__name, at=look.at, brief=True),
                start_files.of_job(newest[key], wanted) if key in newest else None)
            found[key] = found_from(look.body, at=look.at, host_id=look.host_id, start_files=files)
    return found


def asked_of(row) -> dict[str, str]:
    """What a look on the host goes by, of an application or its columns."""
    return {"directory": row.working_directory, "command_line": row.command_line,
            "log_on_as": os_account(row.log_on_as)}


def _starts(own: Q, now: datetime) -> dict[int, float]:
    """{application: seconds of its longest recent start}."""
    jobs = Job.objects.filter(own, kind=JobKind.START, state=JobState.SUCCEEDED, started_at__isnull=False,
                              finished_at__gte=now - STARTS_FOR)
    longest: dict[int, float] = {}
    for key, began, ended in jobs.values_list("application_id", "started_at", "finished_at"):
        if key is not None:
            longest[key] = max(longest.get(key, 0.0), (ended - began).total_seconds())
    return longest


def _drills(primary_ids: Iterable[int] | None) -> dict[int, str]:
    """{primary: what its last failover drill says}, of those that failed; one that was cancelled proves nothing."""
    return {key: drill.sentence or "The last failover drill failed."
            for key, drill in last_drills(primary_ids).items() if drill.state == DrillState.FAILED}


def _since_start(rows: Iterable) -> dict[int, dict]:
    """The first snapshot before a change that came after the start of the server that runs now."""
    started = {str(row.id): row.runtime__started_at for row in rows
               if row.runtime__started_at and row.runtime__status in ALIVE and row.changed_at > row.runtime__started_at}
    if not started:
        return {}
    found: dict[int, dict] = {}
    entries = HistoryEntry.objects.filter(object_type="application", action=HistoryAction.CHANGED,
                                          at__gte=min(started.values()))
    for key, at, before in entries.order_by("id").values_list("object_id", "at", "before").iterator():
        if key in started and at > started[key] and int(key) not in found and isinstance(before, dict):
            found[int(key)] = before
    return found

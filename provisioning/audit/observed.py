"""Reads what is true: last words of servers, what jobs found on hosts, recent starts and role changes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from provisioning.core import ages
from provisioning.declared import at_start
from provisioning.drafts import ApplicationDraft, PortDraft
from provisioning.drills.selectors import last_drills
from provisioning.jobs.facts import Wanted
from provisioning.jobs.found import Found, found_from
from provisioning.jobs.kinds import FIND_START_FILES
from provisioning.jobs.selectors import start_files
from provisioning.looks.worker import asked_of
from provisioning.models import Event, FoundOnHost, HistoryEntry, Job
from provisioning.pairs.rules.members import Member
from provisioning.states import DrillState, HistoryAction, JobKind, JobState

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

    def waits(self, application_id: int, draft: ApplicationDraft) -> tuple[str, ...]:
        """Labels of what was changed since the server's start and counts from the next one only."""
        before = self.since_start.get(application_id)
        if before is None:
            return ()
        labels = [label for name, label in _AT_START.items()
                  if before.get(name) not in (None, ".", getattr(draft, name))]
        ports = {port.get("port_id"): port for port in before.get("ports", ()) if isinstance(port, dict)}
        labels += dict.fromkeys(label for port in draft.ports or () for name, label in _OF_PORT.items()
                                if port.port_id in ports and ports[port.port_id].get(name) != getattr(port, name))
        return tuple(labels)


def read(members: Mapping[int, Member], now: datetime, *, whole: bool) -> Observed:
    """Of ``members``, by key; ``whole``: they are all there are."""
    own = Q() if whole else Q(application_id__in=list(members))
    flaps = Counter(Event.objects.filter(own, number=FLAPPING, at__gte=now - FLAPPING_FOR).values_list(
        "application_id", flat=True))
    return Observed(now=now, found=_found(members, own, now), starts=_starts(own, now), flaps=flaps,
                    since_start=_since_start(members.values()), drills=_drills(None if whole else members))


_LOOK = ("application_id", "host_id", "host__name", "at", "body")


def _found(members: Mapping[int, Member], own: Q, now: datetime) -> dict[int, Found]:
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
        member = members.get(key)
        if member is not None and isinstance(look.body, dict) and look.body.get("asked") == asked_of(member.draft):
            wanted = Wanted(member.name, member.host_name, member.working_directory, server)
            files = start_files.newer(
                start_files.of_look(look.body, wanted, host=look.host__name, at=look.at, brief=True),
                start_files.of_job(newest[key], wanted) if key in newest else None)
            found[key] = found_from(look.body, at=look.at, host_id=look.host_id, start_files=files)
    return found


def _starts(own: Q, now: datetime) -> dict[int, float]:
    """{application: seconds of its longest recent start}."""
    jobs = Job.objects.filter(own, kind=JobKind.START, state=JobState.SUCCEEDED, started_at__isnull=False,
                              finished_at__gte=now - STARTS_FOR)
    longest: dict[int, float] = {}
    for key, began, ended in jobs.values_list("application_id", "started_at", "finished_at"):
        if key is not None and began and ended:
            longest[key] = max(longest.get(key, 0.0), (ended - began).total_seconds())
    return longest


def _drills(primary_ids: Iterable[int] | None) -> dict[int, str]:
    """{primary: what its last failover drill says}, of those that failed; one that was cancelled proves nothing."""
    return {key: drill.sentence or "The last failover drill failed."
            for key, drill in last_drills(primary_ids).items() if drill.state == DrillState.FAILED}


def _since_start(members: Iterable[Member]) -> dict[int, dict]:
    """The first snapshot before a change that came after the start of the server that runs now."""
    started = {str(each.id): each.live.started_at for each in members
               if each.live.started_at and each.live.runs and each.changed_at
               and each.changed_at > each.live.started_at}
    if not started:
        return {}
    found: dict[int, dict] = {}
    entries = HistoryEntry.objects.filter(object_type="application", action=HistoryAction.CHANGED,
                                          at__gte=min(started.values()))
    for key, at, before in entries.order_by("id").values_list("object_id", "at", "before").iterator():
        if key in started and at > started[key] and int(key) not in found and isinstance(before, dict):
            found[int(key)] = before
    return found

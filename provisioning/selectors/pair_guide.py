"""What the checklist of the guide's procedure looks at (rules.guide)."""

from provisioning.job_kinds import ABOUT_START_FILES, FIND_START_FILES
from provisioning.models import Application, Job
from provisioning.rules.failover_facts import Condition
from provisioning.rules.guide import GuideFacts, MemberSetup, StartFile
from provisioning.rules.pair_facts import MemberFacts, PairFacts
from provisioning.rules.systems import is_windows
from provisioning.states import ACTIVE_JOBS, JobKind, JobState

from .start_files import StartFiles, start_files


def guide_facts(facts: PairFacts, primary: Application, backup: Application | None, *, meant: MemberFacts | None,
                differences: int | None, missing: tuple[Condition, ...]) -> GuideFacts:
    """``backup`` is the Backup Server, or, when there is none, the server that somebody means to make it, with the
    facts ``meant``; ``differences`` and ``missing`` as in GuideFacts."""
    rows = [row for row in (primary, backup) if row]
    jobs, found = _last_jobs([row.pk for row in rows]), start_files(rows)
    setups = [_setup(row, now, jobs, found.get(row.pk))
              for row, now in zip(rows, (facts.primary, facts.backup or meant), strict=False)]
    return GuideFacts(
        primary=setups[0], backup=setups[1] if len(setups) > 1 else None, linked=facts.backup is not None,
        redundancy_type=primary.redundancy_type, differences=differences, in_sync=facts.in_sync, missing=missing)


def _setup(row: Application, now: MemberFacts, jobs: dict[tuple[int, str], Job], found: StartFiles | None):
    windows = row.host is not None and is_windows(row.host.os_type)
    name = "startServer.bat" if windows else "run.sh"
    job = jobs.get((row.pk, JobKind.INSTALL))
    looks = [jobs[key] for kind in ABOUT_START_FILES
             if (key := (row.pk, kind)) in jobs]
    last = max(looks, key=lambda look: look.created_at, default=None)
    return MemberSetup(
        now=now, type=row.get_type_display(), template=row.template.name,
        ports=tuple((port.port_id, port.port, port.ha_sync) for port in row.ports.all()),
        auto_restart=row.auto_restart, installing=(job.state, job.link, job.reason) if job else None,
        start_file=_start_file(name, last, found), start_file_name=name)


def _last_jobs(application_ids: list[int]) -> dict[tuple[int, str], Job]:
    """{(application id, kind): the latest job of this kind}."""
    jobs = Job.objects.filter(application_id__in=application_ids, kind__in=FIND_START_FILES).order_by("created_at")
    fields = ("kind", "state", "reason", "application_id", "application_name", "created_at", "finished_at")
    return {(job.application_id, job.kind): job for job in jobs.only(*fields)}


def _start_file(name: str, last: Job | None, found: StartFiles | None) -> StartFile | None:
    """``last``: the latest job that was only about start files; ``found``: what the latest that succeeded found."""
    if last is not None and last.state in ACTIVE_JOBS:
        return StartFile(busy=last.link)
    if last is not None and last.state != JobState.SUCCEEDED and (found is None or last.created_at > found.checked_at):
        return StartFile(trouble=last.reason or f"{last} ended without saying why.")
    file = next((file for file in found.files if file.name == name), None) if found else None
    if file is None:
        return None
    return StartFile(right=file.starts, as_written=file.equal, outdated=found.outdated, sentence=file.sentence,
                     diff=file.diff)

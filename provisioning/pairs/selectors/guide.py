"""What the checklist of the guide's procedure looks at (pairs.rules.guide)."""

from dataclasses import replace

from provisioning.jobs.facts import StartFiles
from provisioning.jobs.kinds import ABOUT_START_FILES, FIND_START_FILES
from provisioning.jobs.selectors.start_files import start_files
from provisioning.models import Application, Job
from provisioning.pairs.rules.facts import PairFacts
from provisioning.pairs.rules.failover_facts import Condition
from provisioning.pairs.rules.guide import GuideFacts, MemberSetup, StartFile
from provisioning.pairs.rules.members import Member
from provisioning.states import ACTIVE_JOBS, JobKind, JobState


def guide_facts(facts: PairFacts, primary: Application, backup: Application | None, *, meant: Member | None,
                differences: int | None, missing: tuple[Condition, ...]) -> GuideFacts:
    """``backup`` is the Backup Server, or, when there is none, the server that somebody means to make it, with the
    facts ``meant``; ``differences`` and ``missing`` as in GuideFacts."""
    rows = [row for row in (primary, backup) if row]
    jobs, found = _last_jobs([row.pk for row in rows]), start_files(rows)
    setups = [_setup(member, jobs, found.get(member.id)) for member in (facts.primary, facts.backup or meant) if member]
    return GuideFacts(
        primary=setups[0], backup=setups[1] if len(setups) > 1 else None, linked=facts.backup is not None,
        differences=differences, in_sync=facts.in_sync, missing=missing)


def _setup(member: Member, jobs: dict[tuple[int, str], Job], found: StartFiles | None) -> MemberSetup:
    job = jobs.get((member.id, JobKind.INSTALL))
    looks = [jobs[key] for kind in ABOUT_START_FILES if (key := (member.id, kind)) in jobs]
    last = max(looks, key=lambda look: look.created_at, default=None)
    setup = MemberSetup(server=member, installing=(job.state, job.link, job.reason) if job else None)
    return replace(setup, start_file=_start_file(setup.start_file_name, last, found))


def _last_jobs(application_ids: list[int]) -> dict[tuple[int, str], Job]:
    """{(application id, kind): the latest job of this kind}."""
    jobs = Job.objects.filter(application_id__in=application_ids, kind__in=FIND_START_FILES).order_by("created_at")
    fields = ("kind", "state", "reason", "application_id", "application_name", "created_at", "finished_at")
    return {(job.application_id, job.kind): job for job in jobs.only(*fields) if job.application_id is not None}


def _start_file(name: str, last: Job | None, found: StartFiles | None) -> StartFile | None:
    """``last``: the latest job that was only about start files; ``found``: what the latest that succeeded found."""
    if last is not None and last.state in ACTIVE_JOBS:
        return StartFile(busy=last.link)
    if last is not None and last.state != JobState.SUCCEEDED and (found is None or last.created_at > found.checked_at):
        return StartFile(trouble=last.reason or f"{last} ended without saying why.")
    file = next((file for file in found.files if file.name == name), None) if found else None
    if found is None or file is None:
        return None
    return StartFile(right=file.starts, as_written=file.equal, outdated=found.outdated, sentence=file.sentence,
                     diff=file.diff)

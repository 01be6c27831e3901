"""Why a job of some kind cannot be created for an application now."""

from protocol.jobs import SIGNATURES
from provisioning.errors import Link, Refusal
from provisioning.models import Application, Host, Job
from provisioning.rules.known import Control, word
from provisioning.selectors.control import control_of
from provisioning.selectors.jobs import lacks_its_last_report, working_on
from provisioning.states import ALIVE, ENDED, ApplicationStatus, HostStatus, JobKind

from .facts import application_link, job_link

UNREACHABLE = frozenset({HostStatus.DISCONNECTED, HostStatus.UNAVAILABLE, HostStatus.UNREACHABLE})


def why_not(application: Application, kind: str) -> str:
    """Why a job of this kind cannot be created now, "" when it can; for disabled buttons.

    ``application`` is a row of selectors.applications (no further queries are made).
    """
    refusals = reasons(application, kind, working_on(application))
    return refusals[0].message if refusals else ""


def reasons(row: Application, kind: str, job: Job | None) -> list[Refusal]:
    """Everything that stands against a job of ``kind``; ``job`` is the active one of the application."""
    own, verb = application_link(row), JobKind(kind).label.lower()
    if not row.is_server:
        return [Refusal(f"{row.name} is no server: there is nothing to {verb}.", "", (own,))]
    if row.host is None:
        return [Refusal(f"{row.name} has no Host. Choose one in Server Info first.", "host_id", (own,))]
    refusals = host_reasons(row.host, control_of(row))
    if job is not None:
        refusals.append(busy(row, job))
    if kind in (JobKind.INSTALL, JobKind.START, JobKind.RESTART) and not row.enabled:
        refusals.append(Refusal(f"{row.name} is disabled. Enable it first.", "enabled", (own,)))
    if kind not in (JobKind.INSTALL, JobKind.STOP) and not row.is_installed:
        refusals.append(Refusal(f"{row.name} is not installed yet: Working Directory and Command Line are not "
                                "filled in. Press Install first.", "working_directory", (own,)))
    if kind == JobKind.START and row.status in ALIVE | {ApplicationStatus.START_PENDING}:
        refusals.append(Refusal(f"{row.name} runs already: it is {row.status}.", "", (own,)))
    if kind == JobKind.STOP and row.status in ENDED:
        refusals.append(Refusal(f"{row.name} is stopped already.", "", (own,)))
    if kind == JobKind.RESTART and row.status in ENDED:
        refusals.append(Refusal(f"{row.name} does not run. Start it.", "", (own,)))
    return refusals


def busy(row: Application, job: Job) -> Refusal:
    """One job at a time works on an application."""
    if lacks_its_last_report(row, job):
        return Refusal(f"{job} has done its work, but its last report has not arrived yet. Try again in a moment.", "",
                       (job_link(job),))
    return Refusal(f"Another job works on {row.name}: {job.get_kind_display()}, {job.get_state_display().lower()}. "
                   "Wait until it has ended, or cancel it.", "", (job_link(job),))


def host_reasons(host: Host, control: Control) -> list[Refusal]:
    """What stands against any job on ``host``; that its agent is away only while ``control`` can tell."""
    link = Link("host", str(host.pk), host.name)
    runtime = getattr(host, "runtime", None)
    if not host.enabled:
        return [Refusal(f"Host {host.name} is disabled. Enable it first.", "host_id", (link,))]
    if runtime is None:
        return [Refusal(f"The agent (LCA) of host {host.name} has never connected. Start it there first.", "host_id",
                        (link,))]
    if word(control, status=runtime.status).status in UNREACHABLE:
        return [Refusal(f"Host {host.name} is {runtime.status}: its agent (LCA) is not connected. Start the agent on "
                        "that host, then try again.", "host_id", (link,))]
    if runtime.agent_version and runtime.facts.get("reports") != SIGNATURES:
        return [Refusal(f"The agent of host {host.name} is older than this console, which would not hear from it what "
                        "became of a job. Press Upgrade Agent on the host's page and paste the line; servers keep "
                        "running.", "host_id", (link,))]
    return []

"""Whether a verb can be done to an application or a host now, and if not, why: the one judge of every page, button,
service and command. Pure.

A verb is a kind of job (``jobs.kinds``) or one of stop-gracefully, delete, enable, disable and switch-over. Whether a
switchover works is decided by control; what is said here of it is what control's record shows.
"""

from collections.abc import Callable
from dataclasses import dataclass

from provisioning.core.systems import no_agent
from provisioning.errors import Link, Refusal
from provisioning.jobs.kinds import KINDS, Need
from provisioning.states import (
    ENDED,
    RUNNABLE_TYPES,
    RUNS,
    SERVER_TYPES,
    ApplicationStatus,
    ApplicationType,
    HostStatus,
    JobKind,
    OSType,
)

UNREACHABLE = frozenset({HostStatus.DISCONNECTED, HostStatus.UNAVAILABLE, HostStatus.UNREACHABLE})


@dataclass(frozen=True, kw_only=True)
class HostNow:
    """A host as jobs meet it. ``status``: as far as it is known now, None when its agent never connected;
    ``is_heard``: the console hears from its agent what became of a job; ``looks``: its agent can look around;
    ``has_something``: what a look is about is installed there."""

    link: Link
    enabled: bool = True
    os_type: str = OSType.LINUX
    status: str | None = HostStatus.RUNNING
    is_heard: bool = True
    looks: bool = True
    has_something: bool = True


@dataclass(frozen=True, kw_only=True)
class Work:
    """The job that works on an application. ``is_done``: all that is missing of it is its last report."""

    link: Link
    kind: str
    state: str
    is_done: bool = False


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the last look at its start files found. ``outdated``: why that says nothing of them as they are now."""

    equal: bool = False
    outdated: str = ""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a verb is to be done to: an application, or (``link`` None) a host alone.

    ``status`` is known now, "" when there is none to know; ``last_status`` also counts what had ended when control was
    last heard of. ``drill`` is what is said while one runs on its pair, ``clients`` connect to it, ``package``: there
    is one for its type and host; ``keys_travel_safely``: the console can send it a private key. ``start_files``: None
    when there are none, or when nobody asks for a verb that depends on them. ``switch``: what stands against a
    switchover of its pair.
    """

    link: Link | None = None
    type: str = ApplicationType.MESSAGE_SERVER
    enabled: bool = True
    installed: bool = True
    status: str = ApplicationStatus.STOPPED
    last_status: str = ApplicationStatus.STOPPED
    host: HostNow | None = None
    job: Work | None = None
    drill: Refusal | None = None
    clients: tuple[Link, ...] = ()
    package: bool = True
    secured: bool = False
    keys_travel_safely: bool = True
    start_files: Checked | None = None
    switch: Refusal | None = None

    @property
    def name(self) -> str:
        return self.link.name if self.link else ""

    @property
    def links(self) -> tuple[Link, ...]:
        """To the application; none of a host alone."""
        return (self.link,) if self.link else ()

    def refuse(self, message: str, field: str = "", *links: Link) -> Refusal:
        return Refusal(message, field, links or self.links)


Check = Callable[[Subject], Refusal | None]


def refusals(subject: Subject, verb: str) -> list[Refusal]:
    """Everything that stands against ``verb``, what has to be put right first in front; empty when it can be done. Of
    what Pairwise does not do at all, and of a host that takes no job, only that is said."""
    found = []
    for check in CHECKS_OF[verb]:
        refusal = check(subject)
        if refusal is not None:
            found.append(refusal)
            if check in FINAL:
                break
    return found


# --- checks


def _server(subject: Subject) -> Refusal | None:
    if subject.type in SERVER_TYPES:
        return None
    return subject.refuse(f"{subject.name} is no server: nothing of it is installed, started or stopped.")


def _runnable_type(subject: Subject) -> Refusal | None:
    if subject.type in RUNNABLE_TYPES:
        return None
    return _server(subject) or subject.refuse(
        f"{subject.name} is a {ApplicationType(subject.type).label}: Pairwise keeps its configuration, and installs "
        "and starts Message Servers only.")


def _stoppable(subject: Subject) -> Refusal | None:
    """Of a type that Pairwise only keeps, what is known to run can be stopped all the same."""
    return None if subject.status and subject.type in SERVER_TYPES else _runnable_type(subject)


def _host(subject: Subject) -> Refusal | None:
    host = subject.host
    if host is None:
        return subject.refuse(f"{subject.name} has no Host. Choose one in Server Info first.", "host_id")
    text = no_agent(host.link.name, host.os_type) or next(
        (text.format(name=host.link.name, status=host.status) for is_so, text in _OF_HOST if is_so(host)), "")
    return subject.refuse(text, "host_id", host.link) if text else None


_OF_HOST: tuple[tuple[Callable[[HostNow], bool], str], ...] = (
    (lambda host: not host.enabled, "Host {name} is disabled. Enable it first."),
    (lambda host: host.status is None,
     "The agent (LCA) of host {name} has never connected. Start it there first."),
    (lambda host: host.status in UNREACHABLE,
     "Host {name} is {status}: its agent (LCA) is not connected. Start the agent on that host, then try again."),
    (lambda host: not host.is_heard,
     "The agent of host {name} is older than this console, which would not hear from it what became of a job. Press "
     "Upgrade Agent on the host's page and paste the line; servers keep running."),
)


def _no_drill(subject: Subject) -> Refusal | None:
    return subject.drill


def _no_job(subject: Subject) -> Refusal | None:
    job = subject.job
    if job is None or job.is_done:
        return None
    return subject.refuse(f"Another job works on {subject.name}: {job.kind}, {job.state.lower()}. Wait until it has "
                          "ended, or cancel it.", "", job.link)


def _last_report(subject: Subject) -> Refusal | None:
    """In the way of another job alone, and for a moment: what else there is stands before it."""
    job = subject.job
    return subject.refuse(f"{job.link.name} has done its work, but its last report has not arrived yet. Try again in a "
                          "moment.", "", job.link) if job is not None and job.is_done else None


def _enabled(subject: Subject) -> Refusal | None:
    return None if subject.enabled else subject.refuse(f"{subject.name} is disabled. Enable it first.", "enabled")


def _installed(subject: Subject) -> Refusal | None:
    return None if subject.installed else subject.refuse(
        f"{subject.name} is not installed yet: Working Directory and Command Line are not filled in. Press Install "
        "first.", "working_directory")


def _not_running(subject: Subject) -> Refusal | None:
    if subject.status not in RUNS:
        return None
    return subject.refuse(f"{subject.name} runs already: it is {subject.status}.")


def _not_stopped(subject: Subject) -> Refusal | None:
    return subject.refuse(f"{subject.name} does not run: it is {subject.status}.") if subject.status in ENDED else None


def _package(subject: Subject) -> Refusal | None:
    if subject.package or subject.host is None:
        return None
    return subject.refuse(f"There is no Installation Package for a {ApplicationType(subject.type).label} on "
                          f"{OSType(subject.host.os_type).label}. Import one first.")


def _secured_port(subject: Subject) -> Refusal | None:
    return None if subject.secured else subject.refuse(
        f"No port of {subject.name} is secured. Set Listening Mode Secured on its HA Sync port or on a port for "
        "clients first.", "ports")


def _safe_way(subject: Subject) -> Refusal | None:
    return None if subject.keys_travel_safely else Refusal(
        "The private key would go over the network in the plain: the web console speaks no HTTPS. Unset "
        "PAIRWISE_WEB_TLS, or put a proxy with TLS in front of it.")


def _checked(subject: Subject) -> Refusal | None:
    found = subject.start_files
    if found is None:
        return subject.refuse(f"Check the start files of {subject.name} first, and look at what differs.")
    if found.outdated:
        return subject.refuse(found.outdated)
    return subject.refuse(f"The start files of {subject.name} are as they should be.") if found.equal else None


def _eyes(subject: Subject) -> Refusal | None:
    host = subject.host
    return None if host is None or host.looks else subject.refuse(
        f"The agent of host {host.link.name} is older than this console and cannot look. Upgrade it on the host's "
        "page.", "", host.link)


def _something_there(subject: Subject) -> Refusal | None:
    host = subject.host
    return None if host is None or host.has_something else subject.refuse(
        f"No Message Server is installed on host {host.link.name}: there is nothing to look at.", "", host.link)


def _no_clients(subject: Subject) -> Refusal | None:
    if not subject.clients:
        return None
    names = ", ".join(link.name for link in subject.clients[:5]) + (" and others" if len(subject.clients) > 5 else "")
    return subject.refuse(
        f"{subject.name} cannot be deleted: {names} connect{'s' if len(subject.clients) == 1 else ''} to it. Remove "
        "that connection first.", "", *subject.links, *subject.clients[:5])


def _ended(subject: Subject) -> Refusal | None:
    return None if subject.last_status in ENDED else subject.refuse(
        f"{subject.name} cannot be deleted while it is {subject.last_status}. Stop it first.")


def _disabled_now(subject: Subject) -> Refusal | None:
    return subject.refuse(f"{subject.name} is enabled already.") if subject.enabled else None


def _enabled_now(subject: Subject) -> Refusal | None:
    return None if subject.enabled else subject.refuse(f"{subject.name} is disabled already.")


def _switches(subject: Subject) -> Refusal | None:
    return subject.switch


_CHECKS: dict[Need, Check] = {
    Need.RUNNABLE_TYPE: _runnable_type, Need.STOPPABLE: _stoppable, Need.HOST: _host, Need.NO_DRILL: _no_drill,
    Need.NO_JOB: _no_job, Need.ENABLED: _enabled, Need.INSTALLED: _installed, Need.NOT_RUNNING: _not_running,
    Need.NOT_STOPPED: _not_stopped, Need.PACKAGE: _package, Need.SECURED_PORT: _secured_port,
    Need.SAFE_WAY: _safe_way, Need.CHECKED: _checked, Need.EYES: _eyes, Need.SOMETHING_THERE: _something_there,
}


def _of_kind(kind: str) -> tuple[Check, ...]:
    return (*(_CHECKS[need] for need in KINDS[kind].needs), _last_report)


FINAL = frozenset({_runnable_type, _stoppable, _host, _eyes})
"""Behind these nothing else is worth saying, or can be judged."""
CHECKS_OF: dict[str, tuple[Check, ...]] = {
    **{kind: _of_kind(kind) for kind in KINDS}, "stop-gracefully": _of_kind(JobKind.STOP),
    "delete": (_no_clients, _ended, _no_job), "enable": (_disabled_now,), "disable": (_enabled_now,),
    "switch-over": (_runnable_type, _no_drill, _switches),
}
"""{verb: what is judged, in this order}."""

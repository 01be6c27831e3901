"""Why verbs cannot be done to these rows now: what ``jobs.rules.readiness`` judges, read for many rows at once."""

from collections.abc import Collection, Iterable, Sequence

from protocol.jobs import SIGNATURES
from provisioning.catalog.selectors import packaged, systems_for
from provisioning.core.control import control_of, keys_travel_safely, status_for_rules
from provisioning.core.held import in_the_way, running_drill
from provisioning.core.known import Control, word
from provisioning.errors import Link, Refusal
from provisioning.jobs.kinds import KINDS, Hook, Need
from provisioning.jobs.rules.readiness import Checked, HostNow, Subject, Work
from provisioning.jobs.rules.readiness import refusals as judge
from provisioning.models import Application, Connection, Drill, Host, Job
from provisioning.states import JobKind

from .installed import installed
from .jobs import lacks_its_last_report
from .start_files import start_files

OF_MEMBERS = (JobKind.INSTALL, JobKind.START, JobKind.STOP, JobKind.CHECK_START_FILES, JobKind.MAKE_CERTIFICATES)
"""Verbs of one member for which the Pair page has buttons."""
AGAINST = Hook()
"""(rows) → {application: what stands against a verb that is no job}: made by the module that knows."""


def why_not(rows: Iterable[Application], verbs: Sequence[str], *,
            going: Collection[int] = ()) -> dict[int, dict[str, str]]:
    """{application: {verb: why it cannot be done to it now}}; verbs that can are missing. ``going``: what is deleted
    together. The same number of queries, however many rows of ``applications.selectors.applications`` there are.

    A job that lacks only its last report is in no verb's way: services wait for it.
    """
    found = {}
    for key, subject in subjects(rows, verbs, going=going, waits=True).items():
        said = {verb: judge(subject, verb) for verb in verbs}
        found[key] = {verb: stands[0].message for verb, stands in said.items() if stands}
    return found


def refusals(row: Application, verb: str, *, waits: bool = False) -> list[Refusal]:
    """Everything that stands against ``verb`` on one row. ``waits``: as in ``why_not``."""
    return judge(subjects([row], [verb], waits=waits)[row.pk], verb)


def look_refusals(hosts: Iterable[Host], control: Control) -> dict[int, list[Refusal]]:
    """{host: what stands against a look on it}."""
    hosts = list(hosts)
    there = set(installed().filter(host__in=hosts).values_list("host", flat=True))
    return {host.pk: judge(Subject(host=host_now(host, control, has_something=host.pk in there)), JobKind.COLLECT_FACTS)
            for host in hosts}


# --- reading


def subjects(rows: Iterable[Application], verbs: Collection[str], *, going: Collection[int] = (),
             waits: bool = False) -> dict[int, Subject]:
    """{application: what is judged of it}; what only other verbs depend on is not read."""
    rows = list(rows)
    needs = {need for verb in verbs if verb in KINDS for need in KINDS[verb].needs}
    drill, drilled = _drill()
    packages = packaged() if Need.PACKAGE in needs else None
    switch = AGAINST["switch-over"](rows) if "switch-over" in verbs else {}
    clients = _clients(rows, going) if "delete" in verbs else {}
    files = start_files(rows) if Need.CHECKED in needs else {}
    safe = keys_travel_safely()
    return {row.pk: Subject(
        link=row.link, type=row.type, enabled=row.enabled, installed=row.is_installed, status=row.status or "",
        last_status=status_for_rules(row, control_of(row)),
        host=host_now(row.host, control_of(row)) if row.host else None, job=work_on(row, waits=waits),
        drill=in_the_way(drill) if drill and row.pk in drilled else None, clients=tuple(clients.get(row.pk, ())),
        package=packages is None or row.host is None or any(
            (row.type, system) in packages for system in systems_for(row.host.os_type)),
        secured=any(port.is_secured for port in row.ports.all()), keys_travel_safely=safe,
        start_files=Checked(equal=found.equal, outdated=found.outdated) if (found := files.get(row.pk)) else None,
        switch=switch.get(row.pk)) for row in rows}


def host_now(host: Host, control: Control, *, has_something: bool = True) -> HostNow:
    """``host`` as far as ``control`` can tell; its runtime must have been read with it."""
    runtime = getattr(host, "runtime", None)
    facts = runtime.facts if runtime and isinstance(runtime.facts, dict) else {}
    return HostNow(
        link=host.link, enabled=host.enabled, os_type=host.os_type,
        status=word(control, status=runtime.status).status if runtime else None,
        is_heard=bool(runtime is None or not runtime.agent_version or facts.get("reports") == SIGNATURES),
        looks=bool(facts.get("looks")), has_something=has_something)


def work_on(row: Application, *, waits: bool = False) -> Work | None:
    """The job that works on ``row``; ``waits``: none when all that is missing of it is its last report."""
    job = row.active_jobs[0] if row.active_jobs else None
    found = work_of(row, job) if job else None
    return None if waits and found and found.is_done else found


def work_of(row: Application, job: Job) -> Work:
    return Work(link=job.link, kind=job.get_kind_display(), state=job.get_state_display(),
                is_done=lacks_its_last_report(row, job))


def _drill() -> tuple[Drill | None, set[int]]:
    """The drill that runs, and who takes part in it."""
    drill = running_drill()
    primary = Application.objects.filter(pk=drill.primary_id).first() if drill and drill.primary_id else None
    keys = (primary.pk, primary.backup_server_id) if primary else ()
    return drill, {key for key in keys if key is not None}


def _clients(rows: list[Application], going: Collection[int]) -> dict[int, list[Link]]:
    found: dict[int, dict[int, Link]] = {}
    for each in Connection.objects.filter(server__in=rows).select_related("application").defer(
            "application__secret").order_by("pk"):
        if each.application_id not in going:
            found.setdefault(each.server_id, {})[each.application_id] = each.application.link
    return {key: list(links.values()) for key, links in found.items()}

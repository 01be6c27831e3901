"""Applications as lists, as drafts (for editor, clone and export) and by name."""

from collections.abc import Iterable

from django.db.models import Case, F, Prefetch, Q, QuerySet, Value, When

from provisioning.applications.rules.saved_notes import ports_differ, waiting_sentence
from provisioning.core.called import named
from provisioning.core.control import control_seen, with_control
from provisioning.declared import values
from provisioning.drafts import ApplicationDraft, ConnectionDraft, PortDraft
from provisioning.errors import NotFound
from provisioning.models import Application, Connection, Host, Job
from provisioning.models.applications import PLACEHOLDERS
from provisioning.spelling import by_name, ordering
from provisioning.states import ACTIVE_JOBS, ALIVE, RUNNABLE_TYPES, RUNS, ApplicationStatus

SORTS = {
    "name": ("name",), "type": ("type", "name"), "host": ("host__name", "name"), "status": ("status", "name"),
    "version": ("version", "name"), "enabled": ("enabled", "name"), "mode": ("mode", "name"),
    "backup": ("backup_server__name", "name"), "changed": ("changed_at", "name"),
}
GONE = "This application does not exist any more. Somebody may have deleted it."
SECRETS = ("secret", "host__secret", "backup_server__secret", "primary_server__secret")
"""Read only when asked for: decrypting them costs more than all the rest of a row."""


def application_list(*, text: str = "", type: str = "", host: str = "", status: str = "",
                     sort: str = "name") -> QuerySet[Application]:
    """Applications whose name, host or description holds ``text``, of this type, host (``named``) and status.

    ``sort`` is a key of SORTS, "-" in front reverses; anything else sorts by name. Each row has ``status`` and ``mode``
    as far as they are known now and ``active_jobs`` (a list of at most one Job); host, runtime, template, backup,
    primary and ports are there without further queries, so a page costs the same number of queries whatever its length.
    """
    found = chosen(with_related(Application.objects.all()), text=text, type=type, host=host, status=status)
    # What no list shows would be sorted and carried along with every row.
    return found.defer(*SECRETS, "template__options", "template__ports").order_by(*ordering(SORTS, sort))


def chosen(found: QuerySet, *, text: str, type: str, host: str, status: str) -> QuerySet:
    if text:
        found = found.filter(Q(name__holds=text) | Q(host__name__holds=text) | Q(description__holds=text))
    if type:
        found = found.filter(type=type)
    if host:
        found = found.filter(host__in=named(Host, host))
    if status:
        found = found.filter(status=status)
    return found


def with_status(applications: QuerySet[Application]) -> QuerySet[Application]:
    """``applications`` with ``status`` and ``mode`` by ``core.known``, whether or not control ever heard of them
    (models.runtime), to be sorted and filtered by. ``status`` is None of what Pairwise only keeps: that no agent named
    a process of it tells nothing of whether it runs."""
    control = control_seen()
    said = F("runtime__status") if control.answers else Value(str(ApplicationStatus.UNKNOWN))
    return with_control(applications, control).annotate(
        status=status_by(said), mode=F("runtime__mode") if control.answers else Value(""))


def status_by(said: F | Value) -> Case:
    """The status of an application of which control says ``said``, if anything."""
    return Case(
        When(~(Q(type__in=RUNNABLE_TYPES) | Q(runtime__status__in=RUNS)), then=Value(None)),
        When(runtime__status__isnull=False, then=said),
        When(Q(working_directory__in=PLACEHOLDERS) | Q(command_line__in=PLACEHOLDERS),
             then=Value(str(ApplicationStatus.STOPPED))),
        default=Value(str(ApplicationStatus.UNKNOWN)))


def with_related(applications: QuerySet[Application]) -> QuerySet[Application]:
    """``applications`` as in ``application_list``."""
    return with_status(applications).select_related(
        "host", "host__runtime", "runtime", "template", "backup_server", "primary_server", "primary_server__pair_state",
        "pair_state",
    ).defer(*SECRETS).prefetch_related("ports", jobs_at_work("active_jobs"))


def jobs_at_work(attribute: str) -> Prefetch:
    """For each application the jobs that work on it, of which there is one at most, as a list in its ``attribute``."""
    return Prefetch("jobs", Job.objects.filter(state__in=ACTIVE_JOBS), to_attr=attribute)


def get_application(application_id: int) -> Application:
    """One row as in ``application_list``. Raises NotFound."""
    row = with_related(Application.objects.filter(pk=application_id)).first()
    if row is None:
        raise NotFound(GONE)
    return row


def find_application(name: str) -> Application:
    """One row by its name. Raises NotFound."""
    row = with_related(Application.objects.filter(name=name)).first()
    if row is None:
        raise NotFound(f"There is no application named {name}.")
    return row


def application_draft(application: Application, *, masked: bool = True) -> ApplicationDraft:
    """What is stored, as a draft: what an editor shows, a clone starts from and an export writes."""
    return ApplicationDraft(
        **values(ApplicationDraft, application),
        ports=tuple(PortDraft(**values(PortDraft, row)) for row in application.ports.all()),
        connections=connection_drafts(application),
        options=application.options_dict(masked=masked), annex=application.options_dict(annex=True, masked=masked),
    )


def connection_drafts(application: Application) -> tuple[ConnectionDraft, ...]:
    return tuple(ConnectionDraft(**values(ConnectionDraft, row)) for row in application.connections.all())


def clients_of(application: Application) -> QuerySet[Connection]:
    """Connections of other applications to this one."""
    return (application.clients.select_related("application").only("port_id", "server_id", "application__name")
            .order_by(*by_name("application__name")))


def ports_wait(row: Application) -> str:
    """The sentence that a server runs on other Listening Ports than its object has; "" when it does not."""
    runtime = getattr(row, "runtime", None)
    configured = [(port.port_id, port.port) for port in row.ports.all()]
    if runtime is None or row.status not in ALIVE or not ports_differ(configured, runtime.ports):
        return ""
    return waiting_sentence(["The changed Listening Ports"], row.name, row.status)


def used_ports(host_id: int) -> dict[int, str]:
    """{port number: application name} of everything that listens on a host."""
    rows = Application.objects.filter(host_id=host_id, ports__isnull=False)
    return dict(rows.values_list("ports__port", "name"))


def keys_by_name(names: Iterable[str]) -> dict[str, int]:
    """{name: key} of those among ``names`` that there are."""
    return dict(Application.objects.filter(name__in={*names} - {""}).values_list("name", "pk"))


def names_by_key(keys: Iterable[int]) -> dict[int, str]:
    """{key: name} of those among ``keys`` that there are."""
    return dict(Application.objects.filter(pk__in={*keys}).values_list("pk", "name"))

"""Hosts as lists and one by one, with what their agents last said."""

from django.db.models import Count, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from provisioning.core.control import control_seen, with_control
from provisioning.errors import NotFound
from provisioning.models import Host
from provisioning.spelling import ordering
from provisioning.states import HostStatus

SORTS = {
    "name": ("name",), "address": ("ip_address",), "os": ("os_type", "name"), "port": ("lca_port", "name"),
    "status": ("status", "name"), "agent": ("runtime__agent_version", "name"),
    "applications": ("application_count", "name"), "heard": ("runtime__heard_at", "name"),
}


def host_list(*, text: str = "", status: str = "", sort: str = "name") -> QuerySet[Host]:
    """Hosts whose name or address holds ``text``; each has ``status`` as far as it is known now and
    ``application_count``, and its runtime without a further query. ``sort`` is a key of SORTS, "-" in front
    reverses."""
    control, unknown = control_seen(), Value(str(HostStatus.UNKNOWN))
    found = with_control(Host.objects.select_related("runtime"), control).annotate(
        status=Coalesce("runtime__status", unknown) if control.answers else unknown,
        application_count=Count("applications", distinct=True),
    )
    if text:
        found = found.filter(Q(name__holds=text) | Q(ip_address__holds=text))
    if status:
        found = found.filter(status=status)
    return found.order_by(*ordering(SORTS, sort))


def get_host(host_id: int) -> Host:
    """One row as in ``host_list``. Raises NotFound."""
    host = host_list().filter(pk=host_id).first()
    if host is None:
        raise NotFound("This host does not exist any more. Somebody may have deleted it.")
    return host


def find_host(name: str) -> Host:
    """One row by its name. Raises NotFound."""
    host = host_list().filter(name=name).first()
    if host is None:
        raise NotFound(f"There is no host named {name}.")
    return host

"""What is there beside a draft, as the rules ask for it. ``world.World`` answers the same questions with what a file
that is applied has planned so far."""

from collections.abc import Iterable
from functools import cache

from django.db.models import Model, QuerySet

from provisioning.applications.rules.fields import normal_directory
from provisioning.applications.rules.ports import share_a_path
from provisioning.applications.selectors.applications import used_ports
from provisioning.core.control import control_seen
from provisioning.core.known import Control
from provisioning.core.rows import without
from provisioning.drafts import ApplicationDraft
from provisioning.models import Application, ApplicationTemplate, Host
from provisioning.models.applications import PORT_MAX


class Stored:
    """What the Configuration Database holds now."""

    def control(self) -> Control:
        return control_seen()

    def template(self, key: int | None) -> ApplicationTemplate | None:
        return ApplicationTemplate.objects.filter(pk=key).first() if key else None

    def host(self, key: int | None) -> Host | None:
        return Host.objects.filter(pk=key).first() if key else None

    def hosts_like(self, name: str, address: str, but: int | None) -> tuple[Host | None, Host | None]:
        """(the host of this name, the host at this address), not counting the one with the key ``but``."""
        others = without(Host.objects.all(), but)
        return others.filter(name=name).first(), others.filter(ip_address=address).first()

    def application_named(self, name: str) -> Application | None:
        return Application.objects.filter(name=name).only("name").first()

    def applications(self, keys: Iterable[int]) -> Iterable[Application]:
        """Those of ``keys`` that there are, with their ports, status and primary."""
        return with_relations(Application.objects.filter(pk__in=set(keys)))

    def neighbours(self, draft: ApplicationDraft, host: Host, own_id: int | None) -> Iterable[Application]:
        """Applications of the host that share a port number or a part of the path with the draft; the rules decide.

        A host may have thousands of applications, and this runs while somebody types.
        """
        on_host = without(Application.objects.filter(host=host), own_id)
        keys = set(on_host.filter(ports__port__in=port_numbers(draft)).values_list("pk", flat=True))
        own = normal_directory(draft.working_directory, host.os_type)
        if own:
            keys.update(key for key, path in on_host.values_list("pk", "working_directory")
                        if share_a_path(own, normal_directory(path, host.os_type)))
        return self.applications(keys) if keys else ()

    def used_ports(self, host: Host) -> Iterable[int]:
        """Numbers that applications listen on there."""
        return used_ports(host.pk)

    def names(self, model: type[Model], keys: Iterable[int]) -> dict[int, str]:
        """{key: name} of those that there are."""
        keys = set(keys)
        return dict(model._default_manager.filter(pk__in=keys).values_list("pk", "name")) if keys else {}


STORED = Stored()


class Moment(Stored):
    """As ``Stored``, for one save: templates, hosts and control are read once."""

    def __init__(self) -> None:
        self._control, self._template, self._host = cache(super().control), cache(super().template), cache(super().host)

    def control(self) -> Control:
        return self._control()

    def template(self, key: int | None) -> ApplicationTemplate | None:
        return self._template(key)

    def host(self, key: int | None) -> Host | None:
        return self._host(key)


def port_numbers(draft: ApplicationDraft) -> set[int]:
    """What the draft wants to listen on, as far as it can be a port."""
    return {port.port for port in draft.ports or () if isinstance(port.port, int) and port.port <= PORT_MAX}


def with_relations(rows: QuerySet[Application]) -> QuerySet[Application]:
    """``rows`` as the rules look at other applications."""
    return rows.select_related("runtime", "primary_server").defer("secret", "primary_server__secret").prefetch_related(
        "ports")

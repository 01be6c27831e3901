"""What the Configuration Database will hold once the file that is being planned is applied so far, in memory.

Everything that a file names, and what the rules compare it with, is read once, in a few queries; then templates, hosts
and applications are put in as they are planned, and found by what comes after. What is new has a key below zero.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TypeVar

from django.db.models import Model, Q
from django.utils.functional import cached_property

from provisioning.applications.rules.fields import normal_directory
from provisioning.applications.rules.ports import share_a_path
from provisioning.applications.selectors.applications import jobs_at_work
from provisioning.applications.services import storage
from provisioning.applications.services.objects import Stored, port_numbers, with_relations
from provisioning.core.known import Control
from provisioning.declared import facts
from provisioning.drafts import ApplicationDraft, HostDraft, TemplateDraft
from provisioning.fleet.services.world_rows import _blank, _by_name, _fill, _related, _some
from provisioning.models import Application, ApplicationTemplate, Host

from .manifest import Manifest

Named = TypeVar("Named", Host, ApplicationTemplate)


class World(Stored):
    """As ``Stored``, of what is planned."""

    def __init__(self, manifest: Manifest):
        self._new = 0
        self._templates = {row.pk: row for row in ApplicationTemplate.objects.all()}
        self._hosts = {row.pk: row for row in Host.objects.defer("secret")}
        self._applications: dict[int, Application] = {}
        self._keys: dict[type[Model], dict[str, int]] = {
            ApplicationTemplate: _by_name(self._templates), Host: _by_name(self._hosts), Application: {}}
        self._on_host: dict[int | None, set[int]] = defaultdict(set)
        self._listening: dict[tuple[int | None, int], set[int]] = defaultdict(set)
        self._normal = lru_cache(maxsize=None)(normal_directory)
        self._read(manifest)

    # --- reading

    def _read(self, manifest: Manifest) -> None:
        names = {name for spec in manifest.applications for name in
                 (spec["name"], spec.get("backup"), *(row.get("server") for row in spec.get("connections") or ()))}
        names.add(manifest.log_to)
        named = list(self._whole(Q(name__in=some) for some in _some(names - {None, ""})))
        known = {row.pk for row in named}
        related = {key for row in named for key in _related(row)} - known - {None}
        named += self._whole(Q(pk__in=some) for some in _some(related))
        places = {spec["host"] for spec in manifest.applications if spec.get("host")}
        here = {row.pk for row in self._hosts.values() if row.name in places} | {row.host_id for row in named} - {None}
        around = [row for some in _some(here) for row in with_relations(Application.objects.filter(host__in=some))]
        for row in (*named, *around):
            if row.pk not in self._applications:
                self._take(row)
        for row in self._applications.values():
            # Whoever is changed here is changed for all who name it.
            if row.backup_server_id in self._applications:
                row.backup_server = self._applications[row.backup_server_id]

    def _whole(self, conditions: Iterable[Q]) -> Iterator[Application]:
        for condition in conditions:
            yield from with_relations(Application.objects.filter(condition)).prefetch_related(
                "options", "connections", jobs_at_work("jobs_at_work"))

    # --- asking, as Stored

    @cached_property
    def _control(self) -> Control:
        return super().control()

    def control(self) -> Control:
        return self._control

    def template(self, key: int | None) -> ApplicationTemplate | None:
        return None if key is None else self._templates.get(key)

    def host(self, key: int | None) -> Host | None:
        return None if key is None else self._hosts.get(key)

    def hosts_like(self, name: str, address: str, but: int | None) -> tuple[Host | None, Host | None]:
        others = [row for row in self._hosts.values() if row.pk != but]
        return (next((row for row in others if row.name == name), None),
                next((row for row in others if row.ip_address == address), None))

    def application_named(self, name: str) -> Application | None:
        return self._application(self._keys[Application].get(name))

    def _application(self, key: int | None) -> Application | None:
        return None if key is None else self._applications.get(key)

    def primary_of(self, row: Application) -> Application | None:
        """Whoever names ``row`` as its Backup Server."""
        return next((each for each in self._applications.values() if each.backup_server_id == row.pk), None)

    def applications(self, keys: Iterable[int]) -> list[Application]:
        return [self._applications[key] for key in keys if key in self._applications]

    def neighbours(self, draft: ApplicationDraft, host: Host, own_id: int | None) -> list[Application]:
        keys = {key for port in port_numbers(draft) for key in self._listening.get((host.pk, port), ())}
        own = self._normal(draft.working_directory, host.os_type)
        if own:
            keys.update(row.pk for row in self.applications(self._on_host[host.pk]) if share_a_path(
                own, self._normal(row.working_directory, host.os_type)))
        return self.applications(sorted(keys - {own_id}))

    def used_ports(self, host: Host) -> set[int]:
        return {port.port for row in self.applications(self._on_host[host.pk]) for port in row.ports.all()}

    def names(self, model: type[Model], keys: Iterable[int]) -> dict[int, str]:
        rows: dict[type[Model], Mapping[int, Application | Host | ApplicationTemplate]] = {
            Application: self._applications, Host: self._hosts, ApplicationTemplate: self._templates}
        return {key: rows[model][key].name for key in keys if key in rows[model]}

    def template_key(self, name: str | None) -> int | None:
        """Of the template of this name."""
        return self._keys[ApplicationTemplate].get(name or "")

    def host_key(self, name: str | None) -> int | None:
        """Of the host of this name."""
        return self._keys[Host].get(name or "")

    # --- planning

    def put_template(self, row: ApplicationTemplate | None, draft: TemplateDraft) -> ApplicationTemplate:
        """Make ``row`` (None: a new one) what ``draft`` says."""
        return self._put(self._templates, row or ApplicationTemplate(), draft, facts(TemplateDraft))

    def put_host(self, row: Host | None, draft: HostDraft) -> Host:
        """As ``put_template``."""
        return self._put(self._hosts, row or Host(), draft, facts(HostDraft))

    def put_application(self, row: Application | None, draft: ApplicationDraft) -> Application:
        """As ``put_template``; ``draft`` is complete and was accepted."""
        if row is None:
            template = self._templates[draft.template_id or 0]
            row = _blank(Application(pk=self._key(), template=template, type=template.type, version=template.version))
        else:
            self._leave(row)
            row.revision += 1
        row.backup_server = None
        row.backup_server = self._application(draft.backup_server_id)
        storage.assign(row, draft)
        _fill(row, draft)
        self._take(row)
        return row

    def _key(self) -> int:
        self._new -= 1
        return self._new

    def _put(self, rows: dict[int, Named], row: Named, draft: HostDraft | TemplateDraft, names: Iterable[str]) -> Named:
        row.pk = row.pk or self._key()
        for name in names:
            setattr(row, name, getattr(draft, name))
        rows[row.pk] = row
        self._keys[type(row)][row.name] = row.pk
        return row

    def _take(self, row: Application) -> None:
        self._applications[row.pk] = row
        self._keys[Application][row.name] = row.pk
        self._on_host[row.host_id].add(row.pk)
        for port in row.ports.all():
            self._listening[row.host_id, port.port].add(row.pk)

    def _leave(self, row: Application) -> None:
        self._on_host[row.host_id].discard(row.pk)
        for port in row.ports.all():
            self._listening[row.host_id, port.port].discard(row.pk)

"""One application of a manifest as drafts: with what it names, as far as that is planned already."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from provisioning.applications.rules.fields import NOT_YET_INSTALLED
from provisioning.applications.rules.saved_notes import notes
from provisioning.applications.selectors.applications import application_draft
from provisioning.applications.services import comparison, draft_completion
from provisioning.applications.services.written import merged
from provisioning.catalog.known_options import KnownOptions
from provisioning.core.control import status_for_rules
from provisioning.declared import columns
from provisioning.drafts import ApplicationDraft, ConnectionDraft, PortDraft
from provisioning.errors import Difference, Refused
from provisioning.models import Application
from provisioning.states import RedundancyType

from .world import World


class Planning(Protocol):
    """What an application needs of the plan that it belongs to. ``failed`` are names of what was refused."""

    world: World
    failed: set[str]

    def save(self, row: Application | None, draft: ApplicationDraft) -> None:
        """Put it into the plan."""


class PlannedApplication:
    """``first`` plans it without what it names but is not there yet, ``second`` with it; then ``differences`` and
    ``hints`` say what becomes of it. Both raise Refused."""

    def __init__(self, planning: Planning, spec: dict[str, Any], in_file: frozenset[str]):
        self.planning, self.world, self.spec, self.in_file = planning, planning.world, spec, in_file
        self.deferred = self.follows = False
        self.before: ApplicationDraft | None = None
        self.shown: ApplicationDraft | None = None
        self.differences: tuple[Difference, ...] = ()
        self.hints: tuple[str, ...] = ()

    def first(self) -> None:
        row = self.world.application_named(self.spec["name"])
        self.before = application_draft(row) if row else None
        # Once its primary is written it has what it takes over from there; by then the file must not contradict it.
        self.follows = self.deferred = row is not None and not row.is_primary
        self.shown = draft_completion.complete(self._draft(row), row, self.world)
        self.planning.save(row, self.shown)

    def second(self) -> None:
        row = self.world.application_named(self.spec["name"])
        if self.deferred:
            self.deferred = self.follows = False
            draft = replace(self._draft(row), options=None, annex=None)
            self.planning.save(row, draft_completion.complete(draft, row, self.world))
        template = self.world.template(row.template_id) if row else None
        if row is None or template is None or self.shown is None:
            raise RuntimeError(f"{self.spec['name']} was not planned")
        after = application_draft(row)
        shown = replace(self.shown, backup_server_id=after.backup_server_id, connections=after.connections,
                        tenants=after.tenants, redundancy_type=after.redundancy_type)
        self.differences = self._differences(shown)
        self.hints = tuple(notes(KnownOptions(template.options), self.before, after,
                                 status_for_rules(row, self.world.control()), row.type))

    def _differences(self, shown: ApplicationDraft) -> tuple[Difference, ...]:
        if self.before is not None:
            names = comparison.changed_fields(self.before, shown)
            return comparison.differences(self.before, shown, names, self.world)
        blank = ApplicationDraft(name="", template_id=None, ports=(), connections=(), options={}, annex={})
        names = [name for name in comparison.changed_fields(blank, shown) if name != "name"]
        return tuple(replace(difference, theirs="") for difference in
                     comparison.differences(blank, shown, names, self.world))

    def _draft(self, row: Application | None) -> ApplicationDraft:
        spec, base = self.spec, self.before if row else None
        given = {name: spec[name] for name in columns(ApplicationDraft) if spec.get(name) is not None}
        if base is None or row is None:
            draft = ApplicationDraft(**{"template_id": None, "working_directory": NOT_YET_INSTALLED,
                                        "command_line": NOT_YET_INSTALLED, **given})
        else:
            draft = replace(application_draft(row), **draft_completion.without_placeholders(row, given))
        draft = replace(draft, **self._references(), **self._tables(draft, row))
        if base is not None and row is not None and draft_completion.changes_host(base, draft):
            draft = self._not_installed_there(base, draft, application_draft(row))
        if self.follows and base is not None:
            draft = replace(draft, tenants=base.tenants, connections=base.connections)
        return draft

    def _not_installed_there(self, base: ApplicationDraft, draft: ApplicationDraft,
                             now: ApplicationDraft) -> ApplicationDraft:
        """What the file repeats of the former host is no word about the new one, in the second step either."""
        repeated = [name for name in draft_completion.INSTALLER_FILLS_IN if getattr(draft, name) == getattr(base, name)]
        return replace(draft, **{name: getattr(now, name) for name in repeated})

    def _references(self) -> dict[str, Any]:
        spec = self.spec
        values: dict[str, Any] = {}
        if "template" in spec:
            values["template_id"] = _found(spec["template"], self.world.template_key, "Application Template")
        if "host" in spec:
            values["host_id"] = _found(spec["host"], self.world.host_key, "Host")
        if "backup" in spec:
            values["backup_server_id"] = self._application(spec["backup"])
            if values["backup_server_id"] is None and spec["backup"]:
                values["redundancy_type"] = RedundancyType.NOT_SPECIFIED
        if spec.get("connections") is not None:
            rows = [(self._application(row["server"]), row) for row in spec["connections"] if "server" in row]
            values["connections"] = tuple(
                ConnectionDraft(server_id=key, **{k: v for k, v in row.items() if k != "server"})
                for key, row in rows if key is not None)
        return values

    def _application(self, name: str | None) -> int | None:
        """Key of an application; None for none, and for one that this file is still to create."""
        if not name:
            return None
        row = self.world.application_named(name)
        if row is None:
            if name not in self.in_file:
                raise Refused(f"there is no application named {name}, neither stored nor in this file.")
            if name in self.planning.failed:
                raise Refused(f"it names {name}, which is refused itself.")
            self.deferred = True
        return row.pk if row else None

    def _tables(self, draft: ApplicationDraft, row: Application | None) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if self.spec.get("ports") is not None:
            values["ports"] = tuple(PortDraft(port_id=port.pop("id", ""), **{"port": 0, **port})
                                    for port in map(dict, self.spec["ports"]))
        if self.spec.get("options") is not None:
            template = self.world.template(self.world.template_key(self.spec.get("template")))
            base = draft.options if row else draft_completion.template_options(template)
            values["options"] = merged(base or {}, self.spec["options"])
        if self.spec.get("annex") is not None:
            values["annex"] = merged(draft.annex or {}, self.spec["annex"])
        return values


def _found(name: str | None, key_of: Callable[[str], int | None], label: str) -> int | None:
    if not name:
        return None
    key = key_of(name)
    if key is None:
        raise Refused(f"there is no {label} named {name}.")
    return key


def in_order(specs: dict[str, dict]) -> list[str]:
    """Names so that what others name comes first, as far as they do not name each other in a circle."""
    order: dict[str, None] = {}
    visited: set[str] = set()
    for root in specs:
        stack = [(root, False)]
        while stack:
            name, is_done = stack.pop()
            if is_done:
                order.setdefault(name)
            elif name in specs and name not in visited:
                visited.add(name)
                servers = [row.get("server") for row in specs[name].get("connections") or ()]
                stack.append((name, True))
                stack += [(other, False) for other in (*servers, specs[name].get("backup")) if other]
    return list(order)

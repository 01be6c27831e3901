"""Applies a manifest: all of it or nothing, with a plan of what is created and changed.

The plan is made by doing the work in a transaction that is rolled back, so it knows every rule that the real run
would meet. Applications may name each other in any order.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction

from provisioning import history
from provisioning.apd import MAX_BYTES
from provisioning.drafts import ApplicationDraft, ConnectionDraft, HostDraft, PortDraft
from provisioning.errors import Difference, PairwiseError, Refusal, Refused
from provisioning.models import Application, ApplicationTemplate, Host, InstallationPackage
from provisioning.permissions import Actor
from provisioning.rules.fields import NOT_YET_INSTALLED
from provisioning.rules.known_options import KnownOptions
from provisioning.rules.saved_notes import notes
from provisioning.selectors.applications import application_draft
from provisioning.selectors.control import control_seen
from provisioning.states import RedundancyType

from . import applications, comparison, drafting, hosts, packages, templates
from .facts import status_for_rules
from .manifest import Manifest

CREATE, CHANGE, NOTHING = "create", "change", "nothing"


@dataclass(frozen=True)
class Entry:
    """One object of the plan; ``differences`` are old → new ("theirs" is the old value), ``hints`` what is allowed and
    still strange."""

    kind: str
    name: str
    action: str
    differences: tuple[Difference, ...] = ()
    hints: tuple[str, ...] = ()


@dataclass
class Plan:
    entries: list[Entry] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return all(entry.action == NOTHING for entry in self.entries)


def plan(*, actor: Actor, manifest: Manifest, directory: Path) -> Plan:
    """What ``apply`` would do; changes nothing. Raises Refused with everything that stands against it."""
    with history.atomic():
        result = _Work(actor, manifest, directory).run()
        transaction.set_rollback(True)
    return result


def apply(*, actor: Actor, manifest: Manifest, directory: Path) -> Plan:
    """Do it, all or nothing. Paths in the manifest are relative to ``directory``. Raises Refused."""
    with history.atomic():
        return _Work(actor, manifest, directory).run()


class _Work:
    def __init__(self, actor: Actor, manifest: Manifest, directory: Path):
        self.actor, self.manifest, self.directory = actor, manifest, directory
        self.plan, self.refusals = Plan(), []
        self.failed: set[str] = set()

    def run(self) -> Plan:
        for path in self.manifest.templates:
            self._guard(path, lambda path=path: self._template(path))
        for path in self.manifest.packages:
            self._guard(path, lambda path=path: self._package(path))
        for spec in self.manifest.hosts:
            self._guard(spec["name"], lambda spec=spec: self._host(spec))
        self._applications()
        if self.refusals:
            raise Refused(*self.refusals)
        return self.plan

    def _guard(self, name: str, work: Callable[[], Any]) -> None:
        try:
            with history.atomic():
                work()
        except Refused as error:
            self.failed.add(name)
            self.refusals += [replace(r, message=f"{name}: {r.message}") for r in error.refusals]
        except PairwiseError as error:
            self.failed.add(name)
            self.refusals.append(Refusal(f"{name}: {error}"))

    def _open(self, path: str) -> BinaryIO:
        try:
            return open(self.directory / path, "rb")
        except OSError as error:
            raise Refused(f"the file cannot be read: {error.strerror}.") from None

    def _template(self, path: str) -> None:
        known = set(ApplicationTemplate.objects.values_list("pk", flat=True))
        with self._open(path) as file:
            row = templates.import_template(actor=self.actor, file_name=Path(path).name,
                                            content=file.read(MAX_BYTES + 1))
        self.plan.entries.append(Entry("template", row.name, NOTHING if row.pk in known else CREATE))

    def _package(self, path: str) -> None:
        known = set(InstallationPackage.objects.values_list("pk", flat=True))
        with self._open(path) as file:
            row = packages.import_package(actor=self.actor, file_name=Path(path).name, stream=file)
        self.plan.entries.append(Entry("package", str(row), NOTHING if row.pk in known else CREATE))

    def _host(self, spec: dict[str, Any]) -> None:
        given = {key: value for key, value in spec.items() if value is not None}
        row = Host.objects.filter(name=spec["name"]).first()
        if row is None:
            draft = HostDraft(**{"ip_address": "", **given})
            hosts.create_host(actor=self.actor, draft=draft)
            before = {f.name: f.default for f in fields(HostDraft)}
        else:
            before = {name: getattr(row, name) for name in hosts.FIELDS}
            draft = HostDraft(**{**before, **given})
            hosts.update_host(actor=self.actor, host_id=row.pk, revision=row.revision, draft=draft)
        changed = tuple(
            Difference(name, label, "" if row is None else str(before[name]), str(getattr(draft, name)))
            for name, label in hosts.FIELDS.items() if before[name] != getattr(draft, name))
        self.plan.entries.append(Entry("host", spec["name"], _action(row is None, changed), changed))

    # --- applications

    def _applications(self) -> None:
        specs = {spec["name"]: spec for spec in self.manifest.applications}
        work = {name: _One(self, specs[name], frozenset(specs)) for name in _in_order(specs)}
        for name, one in work.items():
            self._guard(name, one.first)
        for name, one in work.items():
            if name not in self.failed:
                self._guard(name, one.second)
        self.plan.entries += [work[name].entry for name in specs if name not in self.failed]


class _One:
    """One application: ``first`` writes it without what it names but is not there yet, ``second`` with it."""

    def __init__(self, work: _Work, spec: dict[str, Any], in_file: frozenset[str]):
        self.work, self.spec, self.in_file = work, spec, in_file
        self.deferred = self.follows = False
        self.before: ApplicationDraft | None = None
        self.shown: ApplicationDraft | None = None
        self.entry: Entry | None = None

    def first(self) -> None:
        row = Application.objects.filter(name=self.spec["name"]).first()
        self.before = application_draft(row) if row else None
        # Once its primary is written it has what it takes over from there; by then the file must not contradict it.
        self.follows = self.deferred = row is not None and not row.is_primary
        draft = self._draft(row)
        self.shown = drafting.complete(draft, row)
        if row is None:
            applications.create_application(actor=self.work.actor, draft=draft)
        else:
            self._update(row, draft)

    def second(self) -> None:
        row = Application.objects.get(name=self.spec["name"])
        if self.deferred:
            self.deferred = self.follows = False
            draft = self._draft(row)
            self._update(row, replace(draft, options=None, annex=None))
        after = application_draft(Application.objects.get(pk=row.pk))
        shown = replace(self.shown, backup_server_id=after.backup_server_id, connections=after.connections,
                        tenants=after.tenants, redundancy_type=after.redundancy_type)
        blank = ApplicationDraft(name="", template_id=None, ports=(), connections=(), options={}, annex={})
        before = self.before or blank
        names = [name for name in comparison.changed_fields(before, shown) if self.before or name != "name"]
        changed = comparison.differences(before, shown, names)
        if self.before is None:
            changed = tuple(replace(difference, theirs="") for difference in changed)
        self.entry = Entry("application", row.name, _action(self.before is None, changed), changed,
                           tuple(notes(KnownOptions(row.template.options), self.before, after,
                                       status_for_rules(row, control_seen()))))

    def _update(self, row: Application, draft: ApplicationDraft) -> None:
        applications.update_application(actor=self.work.actor, application_id=row.pk, revision=row.revision,
                                        draft=draft, reason="Applied from a file.")

    def _draft(self, row: Application | None) -> ApplicationDraft:
        spec, base = self.spec, self.before if row else None
        plain = {f.name for f in fields(ApplicationDraft)} - {"ports", "connections", "options", "annex"}
        given = {key: value for key, value in spec.items() if key in plain and value is not None}
        if base is None or row is None:
            draft = ApplicationDraft(**{"template_id": None, "working_directory": NOT_YET_INSTALLED,
                                        "command_line": NOT_YET_INSTALLED, **given})
        else:
            draft = replace(application_draft(row), **drafting.without_placeholders(row, given))
        draft = replace(draft, **self._references(draft), **self._tables(draft, row))
        if self.follows and base is not None:
            draft = replace(draft, tenants=base.tenants, connections=base.connections)
        return draft

    def _references(self, draft: ApplicationDraft) -> dict[str, Any]:
        spec, values = self.spec, {}
        if "template" in spec:
            values["template_id"] = _key_of(ApplicationTemplate, "Application Template", spec["template"])
        if "host" in spec:
            values["host_id"] = _key_of(Host, "Host", spec["host"])
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
        row = Application.objects.filter(name=name).first()
        if row is None:
            if name not in self.in_file:
                raise Refused(f"there is no application named {name}, neither stored nor in this file.")
            if name in self.work.failed:
                raise Refused(f"it names {name}, which is refused itself.")
            self.deferred = True
        return row.pk if row else None

    def _tables(self, draft: ApplicationDraft, row: Application | None) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if self.spec.get("ports") is not None:
            values["ports"] = tuple(PortDraft(port_id=port.pop("id", ""), **{"port": 0, **port})
                                    for port in map(dict, self.spec["ports"]))
        if self.spec.get("options") is not None:
            template = ApplicationTemplate.objects.filter(name=self.spec.get("template") or "").first()
            base = draft.options if row else drafting.template_options(template)
            values["options"] = _merged(base or {}, self.spec["options"])
        if self.spec.get("annex") is not None:
            values["annex"] = _merged(draft.annex or {}, self.spec["annex"])
        return values


def _merged(base: dict[str, dict[str, str]], given: dict[str, dict[str, str | None] | None]) -> dict:
    """``given`` over ``base``; None removes a key or a whole section."""
    result = {section: dict(keys) for section, keys in base.items()}
    for section, keys in given.items():
        if keys is None:
            result.pop(section, None)
            continue
        for key, value in keys.items():
            if value is None:
                result.get(section, {}).pop(key, None)
            else:
                result.setdefault(section, {})[key] = value
    return {section: keys for section, keys in result.items() if keys}


def _key_of(model, label: str, name: str | None) -> int | None:
    if not name:
        return None
    key = model.objects.filter(name=name).values_list("pk", flat=True).first()
    if key is None:
        raise Refused(f"there is no {label} named {name}.")
    return key


def _in_order(specs: dict[str, dict]) -> list[str]:
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


def _action(is_new: bool, changed: tuple) -> str:
    return CREATE if is_new else CHANGE if changed else NOTHING

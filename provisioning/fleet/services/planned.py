"""What a manifest asks for against what is there: the steps that make it so, and what stands against them.

Nothing is written. Each object is checked by the rules of a save against the ``World`` of what is stored and what was
planned before it, so that carrying out the steps in their order meets the same rules in the same state. Applications
may name each other in any order.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from provisioning.applications.rules import application_refusals
from provisioning.applications.selectors.applications import application_draft
from provisioning.applications.services.copies_of_primary import follows
from provisioning.applications.services.facts import application_facts, followed_connections
from provisioning.catalog.apd import MAX_BYTES
from provisioning.catalog.services import packages, templates
from provisioning.declared import labels, values
from provisioning.drafts import ApplicationDraft, HostDraft, TemplateDraft
from provisioning.errors import Difference, PairwiseError, Refusal, Refused
from provisioning.hosts.services import hosts
from provisioning.logs.selectors.setting import chosen as log_chosen
from provisioning.logs.services import setting as log_setting
from provisioning.models import Application

from .listed import LISTED, Names
from .manifest import Manifest
from .planned_application import PlannedApplication, in_order
from .planned_listed import ListedDraft, differences, names_with, stored
from .world import World

CREATE, CHANGE, NOTHING = "create", "change", "nothing"
TEMPLATE, PACKAGE, HOST, APPLICATION, SETTING = "template", "package", "host", "application", "setting"


@dataclass(frozen=True)
class LogTo:
    """Which pair log records are sent to: the key of its primary, None for none."""

    primary_id: int | None


@dataclass(frozen=True)
class Entry:
    """One object of the plan; ``differences`` are old → new ("theirs" is the old value), ``hints`` what is allowed and
    still strange."""

    kind: str
    name: str
    action: str
    differences: tuple[Difference, ...] = ()
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One save. ``key`` is the object's; of one that the step creates, or an earlier one, it is below zero, and so are
    those that ``draft`` names. ``draft`` is the path of a package; ``revision`` is what the draft was made from."""

    kind: str
    name: str
    draft: ApplicationDraft | HostDraft | TemplateDraft | LogTo | ListedDraft | Path
    key: int = 0
    revision: int | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass
class ApplyPlan:
    entries: list[Entry] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.steps


class Planner:
    """Makes the plan of one manifest; paths in it are relative to ``directory``."""

    def __init__(self, manifest: Manifest, directory: Path):
        self.manifest, self.directory = manifest, directory
        self.plan, self.world = ApplyPlan(), World(manifest)
        self.refusals: list[Refusal] = []
        self.failed: set[str] = set()

    def run(self) -> ApplyPlan:
        """Raises Refused with everything that stands against it."""
        for path in self.manifest.templates:
            self._guard(path, partial(self._template, path))
        for path in self.manifest.packages:
            self._guard(path, partial(self._package, path))
        for spec in self.manifest.hosts:
            self._guard(spec["name"], partial(self._host, spec))
        self._applications()
        if self.manifest.log_to is not None:
            self._guard(log_setting.LABEL, partial(self._log_to, self.manifest.log_to))
        if self.manifest.listed:
            self._listed()
        if self.refusals:
            raise Refused(*self.refusals)
        return self.plan

    def _guard(self, name: str, work: Callable[[], Any]) -> None:
        try:
            work()
        except Refused as error:
            self.failed.add(name)
            self.refusals += [replace(r, message=f"{name}: {r.message}") for r in error.refusals]
        except PairwiseError as error:
            self.failed.add(name)
            self.refusals.append(Refusal(f"{name}: {error}"))
        except OSError as error:
            self.failed.add(name)
            self.refusals.append(Refusal(f"{name}: the file cannot be read: {error.strerror}."))

    def _template(self, path: str) -> None:
        with open(self.directory / path, "rb") as file:
            draft = templates.read_file(Path(path).name, file.read(MAX_BYTES + 1))
        row = self.world.template(self.world.template_key(draft.name))
        refuse(templates.import_refusals(draft, row))
        action = CREATE if row is None else NOTHING if templates.says_the_same(row, draft) else CHANGE
        if action != NOTHING:
            put = self.world.put_template(row, draft)
            self.plan.steps.append(Step(TEMPLATE, put.name, draft, put.pk))
        self.plan.entries.append(Entry(TEMPLATE, draft.name, action))

    def _package(self, path: str) -> None:
        row, is_there = packages.check_package(self.directory / path)
        if not is_there:
            self.plan.steps.append(Step(PACKAGE, str(row), self.directory / path))
        self.plan.entries.append(Entry(PACKAGE, str(row), NOTHING if is_there else CREATE))

    def _host(self, spec: dict[str, Any]) -> None:
        given = {key: value for key, value in spec.items() if value is not None}
        row = self.world.host(self.world.host_key(spec["name"]))
        before = {f.name: f.default for f in fields(HostDraft)} if row is None else values(HostDraft, row)
        draft = HostDraft(**({"ip_address": ""} | given if row is None else before | given))
        changed = tuple(
            Difference(name, label, "" if row is None else str(before[name]), str(getattr(draft, name)))
            for name, label in labels(HostDraft).items() if before[name] != getattr(draft, name))
        if row is None or changed:
            refuse(hosts.refusals_of(draft, row, self.world))
            revision = row.revision if row else None
            put = self.world.put_host(row, draft)
            self.plan.steps.append(Step(HOST, draft.name, draft, put.pk, revision))
        self.plan.entries.append(Entry(HOST, spec["name"], _action(row is None, changed), changed))

    def _log_to(self, name: str) -> None:
        """After the applications: it may be one that the file creates."""
        if name in self.failed:
            return
        row, stored = self.world.application_named(name) if name else None, log_chosen().log_to
        if name and row is None:
            raise Refused(f'There is no application "{name}".')
        refuse(log_setting.refusals(row, self.world.primary_of(row) if row else None))
        is_same = (row.pk if row else None) == (stored.pk if stored else None)
        changed = () if is_same else (Difference(log_setting.FIELD, log_setting.LABEL, log_setting.name_of(stored),
                                                 log_setting.name_of(row)),)
        if changed:
            self.plan.steps.append(Step(SETTING, log_setting.LABEL, LogTo(row.pk if row else None)))
        self.plan.entries.append(Entry(SETTING, log_setting.LABEL, _action(False, changed), changed))

    def _listed(self) -> None:
        """Objects of the kinds of LISTED. A rule may name a channel that the file creates."""
        names = names_with(self.manifest)
        for key, specs in self.manifest.listed.items():
            rows = stored(key, (spec["name"] for spec in specs))
            for spec in specs:
                self._guard(spec["name"], partial(self._one_listed, key, spec, rows.get(spec["name"]), names))

    def _one_listed(self, key: str, spec: dict[str, Any], row: Any, names: Names) -> None:
        kind = LISTED[key]
        draft = kind.drafted({name: value for name, value in spec.items() if value is not None}, row)
        changed = differences(kind, row, draft)
        if row is None or changed:
            refuse(kind.refusals(draft, row, names))
            of_row = (0, None) if row is None else (row.pk, row.revision)
            self.plan.steps.append(Step(kind.label, draft.name, ListedDraft(key, draft), *of_row))
        self.plan.entries.append(Entry(kind.label, draft.name, _action(row is None, changed), changed,
                                       tuple(kind.hints(draft, names))))

    # --- applications

    def _applications(self) -> None:
        specs = {spec["name"]: spec for spec in self.manifest.applications}
        work = {name: PlannedApplication(self, specs[name], frozenset(specs)) for name in in_order(specs)}
        for name, one in work.items():
            self._guard(name, one.first)
        for name, one in work.items():
            if name not in self.failed:
                self._guard(name, one.second)
        for name in specs:
            if name not in self.failed:
                one = work[name]
                action = _action(one.before is None, one.differences)
                self.plan.entries.append(Entry(APPLICATION, name, action, one.differences, one.hints))

    def save(self, row: Application | None, draft: ApplicationDraft) -> None:
        """Plan that ``row`` (None: a new one) becomes ``draft``, complete. Raises Refused."""
        refuse(application_refusals(draft, application_facts(draft, row, self.world)))
        if row is not None and application_draft(row) == draft:
            return
        revision = row.revision if row else None
        row = self.world.put_application(row, draft)
        self.plan.steps.append(Step(APPLICATION, row.name, draft, row.pk, revision))
        backup = row.backup_server
        if backup is not None and not follows(backup, row):
            # The save of a primary does this by itself (applications.services.copies_of_primary).
            self.world.put_application(backup, replace(application_draft(backup), tenants=row.tenants,
                                                       connections=followed_connections(row, backup)))


def described(plan: ApplyPlan, *, applied: bool) -> dict[str, Any]:
    """The plan as plain values, for programs; ``applied``: whether it was carried out."""
    return {"applied": applied, "changes": [
        {"kind": entry.kind, "name": entry.name, "action": entry.action,
         "fields": [{"field": row.field, "label": row.label, "old": row.theirs, "new": row.yours}
                    for row in entry.differences], "hints": list(entry.hints)} for entry in plan.entries]}


def refuse(refusals: list[Refusal]) -> None:
    """Raises Refused when there are any."""
    if refusals:
        raise Refused(*refusals)


def _action(is_new: bool, changed: tuple) -> str:
    return CREATE if is_new else CHANGE if changed else NOTHING

"""Reads the facts of pairs: the same few queries for one pair and for thousands."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from protocol.said import LARGEST, number
from provisioning.audit import configured, observed
from provisioning.audit.configured import Configured
from provisioning.audit.facts import AuditFacts, Client, Hints, Machine, Member, PortUse, Record
from provisioning.audit.observed import Observed
from provisioning.control_client import configuration_server, controls
from provisioning.declared import columns
from provisioning.drafts import ApplicationDraft
from provisioning.errors import Link
from provisioning.models import Application, ApplicationTemplate, Host, PairException
from provisioning.rules.fields import normal_directory
from provisioning.rules.known_options import KnownOptions
from provisioning.selectors.applications import PLACEHOLDERS
from provisioning.selectors.control import control_seen
from provisioning.selectors.joining import bundle
from provisioning.spelling import by_name
from provisioning.states import RUNNABLE_TYPES, HostStatus


def audited() -> Q:
    """What the audit looks at: primaries and servers in no pair, of the types that Pairwise runs. Of others it neither
    knows nor decides anything that a rule could ask for."""
    # A chain of backups has no first one when it is a circle.
    in_a_chain = Q(backup_server__isnull=False, backup_server__backup_server__isnull=False)
    return Q(type__in=RUNNABLE_TYPES) & (Q(primary_server__isnull=True) | in_a_chain)


def load(primary_ids: Iterable[int] | None = None) -> list[AuditFacts]:
    """Facts of these pairs (single servers), by name; of all of them when None."""
    chosen = Application.objects.filter(audited())
    whole = primary_ids is None
    if not whole:
        chosen = chosen.filter(pk__in=list(primary_ids))
    primaries = list(_rows(chosen))
    backups = Application.objects.filter(primary_server__isnull=False) if whole else Application.objects.filter(
        pk__in=[row.backup_server_id for row in primaries if row.backup_server_id])
    return _Loading(primaries, {row.id: row for row in _rows(backups)}, whole=whole).facts()


_COLUMNS = (
    "id", "type", "version", *columns(ApplicationDraft), "changed_at", "template__name", "host__name",
    *(f"runtime__{name}" for name in observed.RUNTIME),
    *(f"pair_state__{name}" for name in ("version", "active_id", "standby_in_sync", "disputed", "reason",
                                         "automatic_failover", "paused_by", "paused_reason")))


def _rows(found: QuerySet[Application]) -> QuerySet:
    """Plain values in one query: thousands of model objects would take seconds."""
    return found.distinct().order_by(*by_name("name")).values_list(*_COLUMNS, named=True)


class _Loading:
    """One load: what is shared between pairs is read and built once."""

    def __init__(self, primaries: list, backups: dict[int, Any], *, whole: bool):
        self.primaries, self.backups = primaries, backups
        self.rows = {row.id: row for row in primaries} | backups
        control = control_seen()
        self.now, self.control_answers = control.now, control.answers
        self.configured: Configured = configured.read(self.rows, whole=whole)
        self.observed: Observed = observed.read(self.rows, self.now, whole=whole)
        self.servers = _servers()
        self.hints = {key: Hints(KnownOptions(options)) for key, options in ApplicationTemplate.objects.filter(
            pk__in={row.template_id for row in self.rows.values()}).values_list("pk", "options")}
        built = bundle()
        self.agent_build = built.name if built else ""
        self.exceptions = _exceptions([row.id for row in primaries], whole)
        self.hosts = _machines({row.host_id for row in self.rows.values()} - {None}, whole)
        self.primaries_of: dict[int, list[Link]] = defaultdict(list)
        for row in self.rows.values():
            if row.backup_server_id:
                self.primaries_of[row.backup_server_id].append(Link("application", str(row.id), row.name))

    def facts(self) -> list[AuditFacts]:
        return [self._pair(row) for row in self.primaries]

    def _pair(self, row) -> AuditFacts:
        backup = self.backups.get(row.backup_server_id) if row.backup_server_id else None
        return AuditFacts(
            now=self.now, primary=self._member(row), backup=self._member(backup) if backup else None,
            record=_record(row), exceptions=self.exceptions.get(row.id, {}), servers=self.servers,
            agent_build=self.agent_build, control_answers=self.control_answers, clients=self._clients(row, backup),
            drill=self.observed.drills.get(row.id, ""))

    def _clients(self, row, backup) -> tuple[Client, ...]:
        members = {each.id for each in (row, backup) if each}
        return tuple(client for key in members for client in self.configured.clients.get(key, ())
                     if client.id not in members)

    def _member(self, row) -> Member:
        read, seen = self.configured, self.observed
        draft = read.draft(row)
        own = self.rows.get(row.backup_server_id) if row.id in self.backups and row.backup_server_id else None
        return Member(
            id=row.id, draft=draft, type=row.type, version=row.version, template=row.template__name,
            hints=self.hints.get(row.template_id),
            installed=not {row.working_directory, row.command_line} & set(PLACEHOLDERS),
            connections=read.connection_lines.get(row.id, ()),
            host=self.hosts.get(row.host_id), live=seen.live(row), found=seen.found.get(row.id),
            longest_start_s=seen.starts.get(row.id), flaps=seen.flaps.get(row.id, 0), waits=seen.waits(row, draft),
            own_backup=Link("application", str(own.id), own.name) if own else None,
            primaries=tuple(self.primaries_of.get(row.id, ())))


def _record(row) -> Record | None:
    if row.pair_state__version is None:
        return None
    return Record(
        version=row.pair_state__version, active_id=row.pair_state__active_id, in_sync=row.pair_state__standby_in_sync,
        disputed=row.pair_state__disputed, reason=row.pair_state__reason,
        automatic_failover=row.pair_state__automatic_failover, paused_by=row.pair_state__paused_by,
        paused_reason=row.pair_state__paused_reason)


def _servers() -> tuple[tuple[str, int], ...]:
    """Every address that may stand in -host and -port."""
    given = configuration_server()
    return tuple(dict.fromkeys([(given["host"], given["port"]), *controls()]))


def _exceptions(primary_ids: list[int], whole: bool) -> Mapping[int, dict[str, str]]:
    found = PairException.objects.all() if whole else PairException.objects.filter(primary_id__in=primary_ids)
    result: dict[int, dict[str, str]] = defaultdict(dict)
    for key, what, reason in found.values_list("primary_id", "what", "reason"):
        result[key][what] = reason
    return result


_HOST = ("id", "name", "ip_address", "os_type", "lca_port", "enabled", "runtime__status", "runtime__reason",
         "runtime__heard_at", "runtime__agent_version", "runtime__facts")


def _machines(host_ids: set[int], whole: bool) -> dict[int, Machine]:
    """Hosts with everything that listens or lies there, of applications outside the pairs too."""
    found = Host.objects.all() if whole else Host.objects.filter(pk__in=host_ids)
    there = Application.objects.filter(host__isnull=False) if whole else Application.objects.filter(host__in=host_ids)
    hosts = {row.id: row for row in found.values_list(*_HOST, named=True)}
    uses: dict[int, dict[int, list[PortUse]]] = defaultdict(lambda: defaultdict(list))
    directories: dict[int, dict[str, list[PortUse]]] = defaultdict(lambda: defaultdict(list))
    for host_id, key, name, port_id, port in there.filter(ports__isnull=False).values_list(
            "host_id", "pk", "name", "ports__port_id", "ports__port"):
        uses[host_id][port].append(PortUse(key, name, port_id))
    for host_id, key, name, path in there.values_list("host_id", "pk", "name", "working_directory"):
        if host_id in hosts and (directory := normal_directory(path, hosts[host_id].os_type)):
            directories[host_id][directory].append(PortUse(key, name))
    return {key: _machine(row, uses[key], directories[key]) for key, row in hosts.items()}


def _machine(row, uses: dict[int, list[PortUse]], directories: dict[str, list[PortUse]]) -> Machine:
    uses[row.lca_port].append(PortUse(None, "the agent (LCA Port)"))
    facts = row.runtime__facts if isinstance(row.runtime__facts, dict) else {}
    return Machine(
        id=row.id, name=row.name, ip_address=row.ip_address, os_type=row.os_type, lca_port=row.lca_port,
        enabled=row.enabled, status=row.runtime__status or HostStatus.UNKNOWN,
        reason=row.runtime__reason or "", heard_at=row.runtime__heard_at,
        agent_version=row.runtime__agent_version or "", looks=facts.get("looks") is True,
        account=str(facts.get("account", "")), agent_build=str(facts.get("agent_build", "")),
        comes_back_by=str(facts.get("comes_back_by", "")),
        accounts=facts["accounts"] if isinstance(facts.get("accounts"), dict) else None,
        clock_offset_s=number(facts.get("clock_offset_s"), -LARGEST, LARGEST),
        disk_free_bytes=number(facts.get("disk_free_bytes"), -1, LARGEST),
        uses=uses, directories=directories)



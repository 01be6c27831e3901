"""Reads the facts of pairs: the same few queries for one pair and for thousands."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from provisioning.audit import configured, observed
from provisioning.audit.configured import Configured
from provisioning.audit.facts import AuditFacts, Client, Machine, Member, PortUse
from provisioning.audit.observed import Observed
from provisioning.control_client import configuration_server, controls
from provisioning.errors import Link
from provisioning.models import Application, ComponentHeartbeat, Host, PairException
from provisioning.rules.fields import normal_directory
from provisioning.selectors.applications import SECRETS, STATUS
from provisioning.selectors.failover import failover_facts
from provisioning.selectors.monitoring import heartbeat_status
from provisioning.selectors.pairs import Pair
from provisioning.states import ApplicationType


def audited() -> Q:
    """What the audit looks at: primaries, and Message Servers that are in no pair."""
    return Q(backup_server__isnull=False, primary_server__isnull=True) | Q(
        type=ApplicationType.MESSAGE_SERVER, primary_server__isnull=True) | Q(
        # A chain of backups has no first one when it is a circle.
        backup_server__isnull=False, backup_server__backup_server__isnull=False)


def load(primary_ids: Iterable[int] | None = None) -> list[AuditFacts]:
    """Facts of these pairs (single servers), by name; of all of them when None."""
    chosen = Application.objects.filter(audited())
    if primary_ids is not None:
        chosen = chosen.filter(pk__in=list(primary_ids))
    primaries = list(_rows(chosen.distinct()))
    backups = {row.pk: row for row in _rows(Application.objects.filter(
        pk__in=[row.backup_server_id for row in primaries if row.backup_server_id]) if primary_ids is not None
        else Application.objects.filter(primary_server__isnull=False))}
    everything = {row.pk: row for row in primaries} | backups
    return _Loading(primaries, backups, everything, whole=primary_ids is None).facts()


def _rows(found: QuerySet[Application]) -> QuerySet[Application]:
    related = ("template", "runtime", "pair_state", "host", "host__runtime")
    return found.annotate(status=STATUS).select_related(*related).defer(
        *(name for name in SECRETS if name in ("secret", "host__secret")), "template__options", "template__ports",
    ).prefetch_related("ports").order_by("name")


class _Loading:
    """One load: what is shared between pairs is read and built once."""

    def __init__(self, primaries: list[Application], backups: dict[int, Application],
                 rows: dict[int, Application], *, whole: bool):
        self.primaries, self.backups, self.rows = primaries, backups, rows
        self.now = timezone.now()
        self.configured: Configured = configured.read(rows, whole=whole)
        self.observed: Observed = observed.read(rows, self.now, whole=whole)
        self.servers = _servers()
        self.exceptions = _exceptions([row.pk for row in primaries], whole)
        self.hosts = _machines({row.host_id: row.host for row in rows.values() if row.host}, whole)
        self.primaries_of: dict[int, list[Link]] = defaultdict(list)
        for row in rows.values():
            if row.backup_server_id:
                self.primaries_of[row.backup_server_id].append(Link("application", str(row.pk), row.name))
        beat = ComponentHeartbeat.objects.filter(name="control").values_list("at", flat=True).first()
        self.control_answers = heartbeat_status(beat, self.now) == "ok"

    def facts(self) -> list[AuditFacts]:
        return [self._pair(row) for row in self.primaries]

    def _pair(self, row: Application) -> AuditFacts:
        backup = self.backups.get(row.backup_server_id) if row.backup_server_id else None
        return AuditFacts(
            now=self.now, primary=self._member(row), backup=self._member(backup) if backup else None,
            failover=failover_facts(Pair(row, backup)) if backup else None,
            exceptions=self.exceptions.get(row.pk, {}), servers=self.servers, control_answers=self.control_answers,
            clients=self._clients(row, backup), drill=self.observed.drills.get(row.pk, ""),
            record_version=row.pair_state.version if getattr(row, "pair_state", None) else 0)

    def _clients(self, row: Application, backup: Application | None) -> tuple[Client, ...]:
        members = {each.pk for each in (row, backup) if each}
        return tuple(client for key in members for client in self.configured.clients.get(key, ())
                     if client.id not in members)

    def _member(self, row: Application) -> Member:
        read, seen = self.configured, self.observed
        own = self.rows.get(row.backup_server_id) if row.pk in self.backups and row.backup_server_id else None
        return Member(
            id=row.pk, draft=read.draft(row), type=row.type, version=row.version, template=row.template.name,
            installed=row.is_installed, connections=read.connection_texts.get(row.pk, ()),
            connects_to_dap=row.pk in read.to_database, host=self.hosts.get(row.host_id),
            live=seen.live(row), found=seen.found.get(row.pk), longest_start_s=seen.starts.get(row.pk),
            flaps=seen.flaps.get(row.pk, 0), waits=seen.waits(row, read.draft(row)),
            own_backup=Link("application", str(own.pk), own.name) if own else None,
            primaries=tuple(self.primaries_of.get(row.pk, ())))


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


def _machines(hosts: dict[int, Host], whole: bool) -> dict[int, Machine]:
    """Hosts with everything that listens or lies there, of applications outside the pairs too."""
    there = Application.objects.filter(host__isnull=False) if whole else Application.objects.filter(host_id__in=hosts)
    uses: dict[int, dict[int, list[PortUse]]] = defaultdict(lambda: defaultdict(list))
    directories: dict[int, dict[str, list[PortUse]]] = defaultdict(lambda: defaultdict(list))
    for host_id, key, name, port_id, number in there.filter(ports__isnull=False).values_list(
            "host_id", "pk", "name", "ports__port_id", "ports__port"):
        uses[host_id][number].append(PortUse(key, name, port_id))
    for host_id, key, name, path in there.values_list("host_id", "pk", "name", "working_directory"):
        if host_id in hosts and (directory := normal_directory(path, hosts[host_id].os_type)):
            directories[host_id][directory].append(PortUse(key, name))
    return {key: _machine(row, uses[key], directories[key]) for key, row in hosts.items()}


def _machine(row: Host, uses: dict[int, list[PortUse]], directories: dict[str, list[PortUse]]) -> Machine:
    uses[row.lca_port].append(PortUse(None, "the agent (LCA Port)"))
    runtime = getattr(row, "runtime", None)
    facts = runtime.facts if runtime and isinstance(runtime.facts, dict) else {}
    return Machine(
        id=row.pk, name=row.name, ip_address=row.ip_address, os_type=row.os_type, lca_port=row.lca_port,
        enabled=row.enabled, joined=runtime is not None, status=runtime.status if runtime else "",
        reason=runtime.reason if runtime else "", heard_at=runtime.heard_at if runtime else None,
        agent_version=runtime.agent_version if runtime else "", account=str(facts.get("account", "")),
        clock_offset_s=_number(facts.get("clock_offset_s")), disk_free_bytes=_number(facts.get("disk_free_bytes")),
        uses={number: tuple(found) for number, found in uses.items()},
        directories={path: tuple(found) for path, found in directories.items()})


def _number(value: Any) -> Any:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None



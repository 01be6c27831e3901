"""Reads the facts of pairs: the same few queries for one pair and for thousands."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from django.db.models import Q
from django.utils import timezone

from provisioning.applications.rules.fields import normal_directory
from provisioning.catalog.known_options import KnownOptions
from provisioning.core.control_client import configuration_server, controls
from provisioning.errors import Link
from provisioning.hosts.selectors.joining import bundle
from provisioning.logs.selectors.pairs import own_pairs
from provisioning.logs.selectors.setting import chosen as chosen_for_logs
from provisioning.models import Application, ApplicationTemplate, PairException
from provisioning.pairs.rules.facts import PairFacts
from provisioning.pairs.rules.members import Machine, Member, PortUse
from provisioning.pairs.selectors.members import facts_of
from provisioning.spelling import sort_key
from provisioning.states import RUNNABLE_TYPES

from . import configured, observed
from .configured import Configured
from .facts import AuditedMember, AuditFacts, Hints
from .logins import NO_LOGINS
from .observed import Observed


def audited() -> Q:
    """What the audit looks at: primaries and servers in no pair, of the types that Pairwise runs. Of others it neither
    knows nor decides anything that a rule could ask for."""
    # A chain of backups has no first one when it is a circle.
    in_a_chain = Q(backup_server__isnull=False, backup_server__backup_server__isnull=False)
    return Q(type__in=RUNNABLE_TYPES) & (Q(primary_server__isnull=True) | in_a_chain)


def load(primary_ids: Iterable[int] | None = None) -> list[AuditFacts]:
    """Facts of these pairs (single servers), by name; of all of them when None."""
    chosen = Application.objects.filter(audited())
    if primary_ids is not None:
        chosen = chosen.filter(pk__in=list(primary_ids))
    return _Loading(facts_of(chosen, in_full=True), whole=primary_ids is None).facts()


class _Loading:
    """One load: what is shared between pairs is read and built once."""

    def __init__(self, pairs: list[PairFacts], *, whole: bool):
        self.pairs = pairs
        members = {member.id: member for pair in pairs for member in pair.members}
        now = pairs[0].now if pairs else timezone.now()
        self.configured: Configured = configured.read(members, whole=whole)
        self.observed: Observed = observed.read(members, now, whole=whole)
        self.servers = _servers()
        self.hints = {key: Hints(KnownOptions(options)) for key, options in ApplicationTemplate.objects.filter(
            pk__in={member.draft.template_id for member in members.values()}).values_list("pk", "options")}
        built = bundle()
        self.agent_build = built.name if built else ""
        chosen = chosen_for_logs().log_to
        self.log_to, self.own_log_pairs = chosen and chosen.link, own_pairs()
        self.exceptions = _exceptions([pair.primary.id for pair in pairs], whole)
        self.hosts = _with_uses({member.host.id: member.host for member in members.values() if member.host}, whole)

    def facts(self) -> list[AuditFacts]:
        return [self._pair(pair) for pair in self.pairs]

    def _pair(self, pair: PairFacts) -> AuditFacts:
        return AuditFacts(**vars(pair) | {
            "primary": self._member(pair.primary),
            "backup": pair.backup and self._member(pair.backup, pair.primary.link),
            "exceptions": self.exceptions.get(pair.primary.id, {}), "servers": self.servers,
            "agent_build": self.agent_build, "drill": self.observed.drills.get(pair.primary.id, ""),
            "log_to": self.log_to, "own_log_pairs": self.own_log_pairs})

    def _member(self, member: Member, *primaries: Link) -> AuditedMember:
        key, seen, draft = member.id, self.observed, self.configured.draft(member)
        there: dict[str, Any] = vars(member) | {
            "draft": draft, "connections": self.configured.connection_lines.get(key, ()),
            "host": self.hosts.get(draft.host_id or 0), "hints": self.hints.get(draft.template_id or 0),
            "found": seen.found.get(key), "longest_start_s": seen.starts.get(key), "flaps": seen.flaps.get(key, 0),
            "waits": seen.waits(key, draft), "primaries": primaries,
            "logins": self.configured.logins.get(key, NO_LOGINS)}
        return AuditedMember(**there)


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


def _with_uses(hosts: Mapping[int, Machine], whole: bool) -> dict[int, Machine]:
    """Hosts with everything that listens or lies there, by name, of applications outside the pairs too."""
    # Few uses share a place: to sort those takes less than to have the database sort all.
    there = Application.objects.filter(host__isnull=False).order_by()
    if not whole:
        there = there.filter(host__in=hosts)
    uses: dict[int, dict[int, list[PortUse]]] = defaultdict(lambda: defaultdict(list))
    directories: dict[int, dict[str, list[PortUse]]] = defaultdict(lambda: defaultdict(list))
    for host_id, key, name, port_id, port in there.filter(ports__isnull=False).values_list(
            "host_id", "pk", "name", "ports__port_id", "ports__port"):
        uses[host_id][port].append(PortUse(key, name, port_id))
    for host_id, key, name, path in there.values_list("host_id", "pk", "name", "working_directory"):
        if host_id in hosts and (directory := normal_directory(path, hosts[host_id].os_type)):
            directories[host_id][directory].append(PortUse(key, name))
    together: list[Iterable[list[PortUse]]] = [places.values() for places in uses.values()]
    together += [places.values() for places in directories.values()]
    for there_together in chain.from_iterable(together):
        if len(there_together) > 1:
            there_together.sort(key=lambda use: (sort_key(use.name), use.name))
    for key, host in hosts.items():
        uses[key][host.lca_port].append(PortUse(None, "the agent (LCA Port)"))
    return {key: Machine(**vars(host) | {"uses": uses[key], "directories": directories[key]})
            for key, host in hosts.items()}

"""What control reads of the objects in the Configuration Database. Plain functions, run in a database thread."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet, Sum

from protocol import auth, log_files
from provisioning.applications.rules.management_layer import management_layer
from provisioning.catalog.known_options import SML
from provisioning.declared import AGENT, SERVER, sent
from provisioning.drafts import ApplicationDraft, PortDraft
from provisioning.models import Application, Host, ListeningPort, Option
from provisioning.models.applications import PLACEHOLDERS, is_secret_option, os_account
from provisioning.spelling import by_name
from provisioning.states import RUNNABLE_TYPES, SERVER_TYPES, ApplicationType

from . import facts

LOOKUP_BATCH = 400
LOG = "log"
"""The section of options that says where a server writes its log."""
Values = Mapping[str, Any]
"""Of one object, by the names of its fields."""
_FACTS = ("id", "name", "type", "version", "enabled", "revision", "working_directory", "command_line",
          "startup_timeout", "host_id", "host__name", "backup_server_id", "primary_server__id", "created_at")
_HOST_FACTS = ("id", "name", "enabled", "revision", "secret_revision", "left_at")
_SUPERVISED = ("type", *sent(ApplicationDraft, AGENT))
_CONFIGURATION, _PORT = sent(ApplicationDraft, SERVER), sent(PortDraft, SERVER)


# --- applications and hosts ------------------------------------------------------------------------------


def applications(names: Iterable[str] | None = None, ids: Iterable[int] = ()) -> list[facts.ApplicationFacts]:
    """Facts of all server applications, or of those with one of ``names`` or ``ids`` and of their pair partners."""
    servers = Application.objects.filter(type__in=SERVER_TYPES).order_by()
    if names is None:
        return _all_facts(servers)
    names, ids = list(names), list(ids)
    found: dict[int, facts.ApplicationFacts] = {}
    for start in range(0, max(len(names), len(ids)), LOOKUP_BATCH):
        part = slice(start, start + LOOKUP_BATCH)
        chosen = _all_facts(servers.filter(Q(name__in=names[part]) | Q(id__in=ids[part])))
        partners = {partner for each in chosen for partner in (each.backup_id, each.primary_id) if partner}
        found |= {each.id: each for each in (*chosen, *_all_facts(servers.filter(id__in=partners)))}
    return list(found.values())


def _all_facts(servers: QuerySet[Application]) -> list[facts.ApplicationFacts]:
    # Plain values: thousands of model objects would keep the interpreter, and with it every decision, for a second.
    return [_facts_of(row) for row in servers.values(*_FACTS)]


def _facts_of(row: Values) -> facts.ApplicationFacts:
    return facts.ApplicationFacts(
        id=row["id"], name=row["name"], version=row["version"], enabled=row["enabled"], revision=row["revision"],
        installed=row["working_directory"] not in PLACEHOLDERS and row["command_line"] not in PLACEHOLDERS,
        startup_timeout=row["startup_timeout"], host_id=row["host_id"], host_name=row["host__name"] or "",
        backup_id=row["backup_server_id"], primary_id=row["primary_server__id"],
        identity=f"{row['created_at']:%Y%m%d%H%M%S%f}", runnable=row["type"] in RUNNABLE_TYPES)


def hosts(names: Iterable[str] | None = None) -> list[facts.HostFacts]:
    rows = Host.objects.all() if names is None else Host.objects.filter(name__in=list(names))
    return [_host_facts(row) for row in rows.values(*_HOST_FACTS)]


def host_by_id(host_id: int) -> facts.HostFacts | None:
    row = Host.objects.filter(id=host_id).values(*_HOST_FACTS).first()
    return _host_facts(row) if row else None


def _host_facts(row: Values) -> facts.HostFacts:
    return facts.HostFacts(managed=row["left_at"] is None,
                           **{name: value for name, value in row.items() if name != "left_at"})


# --- what is said to those who connect ---------------------------------------------------------------------


def application_peers(names: Iterable[str]) -> dict[str, facts.ApplicationPeer]:
    """Of those called one of ``names``, by name: what control needs when they connect."""
    rows = list(Application.objects.filter(name__in=list(names)).order_by().values(
        *dict.fromkeys((*_FACTS, *_CONFIGURATION)), "secret", "host__ip_address"))
    partner_of = {row["id"]: row["backup_server_id"] or row["primary_server__id"] for row in rows}
    partners = {row["id"]: row for row in Application.objects.filter(
        id__in=[each for each in partner_of.values() if each]).order_by().values(
            "id", "name", "secret", "host_id", "host__name", "host__ip_address")}
    ports = _grouped(ListeningPort.objects.filter(application__in=[*partner_of, *partners]).order_by("id").values(
        "application_id", *_PORT))
    options = _grouped(Option.objects.filter(application__in=list(partner_of)).values(
        "application_id", "annex", "section", "key", "value", "secret_value"))
    found = {}
    for row in rows:
        is_server = row["type"] in SERVER_TYPES
        partner = partners.get(partner_of[row["id"]])
        configuration = _configuration(row, partner, ports, options[row["id"]]) if is_server else {}
        found[row["name"]] = facts.ApplicationPeer(
            facts=_facts_of(row) if is_server else None, secret=row["secret"],
            type=ApplicationType(row["type"]).label, configuration=configuration)
    return found


def _grouped(rows: Iterable[Values]) -> dict[int, list[Values]]:
    grouped: defaultdict[int, list[Values]] = defaultdict(list)
    for row in rows:
        grouped[row["application_id"]].append(row)
    return grouped


def host_peers(names: Iterable[str]) -> dict[str, facts.HostPeer]:
    """Of those called one of ``names``, by name: what control needs when their agents connect."""
    rows = Host.objects.filter(name__in=list(names)).order_by().values(*_HOST_FACTS, "secret")
    return {row["name"]: facts.HostPeer(secret=row.pop("secret"), facts=_host_facts(row)) for row in rows}


def _configuration(row: Values, partner: Values | None, ports: dict[int, list[Values]], options: list[Values]
                   ) -> dict[str, Any]:
    """The body of its Configuration message (server_messages), but for the addresses of all controls."""
    backup = partner["name"] if partner and row["backup_server_id"] else ""
    return {
        **{written: row[name] for name, written in _CONFIGURATION.items()},
        "type": row["type"], "version": row["version"],
        "host": {"name": row["host__name"], "ip_address": row["host__ip_address"]} if row["host_id"] else {},
        "ports": [{written: port[name] for name, written in _PORT.items()} for port in ports[row["id"]]],
        "options": _sections(options, annex=False), "annex": _sections(options, annex=True),
        "backup": backup, "primary": partner["name"] if partner and not backup else "",
        "peer": _peer(row, partner, ports) if partner else {},
    }


def _sections(options: Iterable[Values], *, annex: bool) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = {}
    for each in options:
        if each["annex"] == annex:
            secret = is_secret_option(each["section"], each["key"])
            sections.setdefault(each["section"], {})[each["key"]] = (
                each["secret_value"] or "" if secret else each["value"])
    return sections


def controls() -> list[dict[str, Any]]:
    """What servers and agents are told of the addresses of all controls."""
    return [{"host": host, "port": port} for host, port in settings.PAIRWISE_CONTROLS]


def _peer(row: Values, partner: Values, ports: dict[int, list[Values]]) -> dict[str, Any]:
    """How ``row`` reaches the HA Sync port of the other member; {} for a pair without one."""
    port = next((port for port in ports[partner["id"]] if port["ha_sync"]), None)
    if port is None or partner["host_id"] is None:
        return {}
    first, second = (row, partner) if row["backup_server_id"] else (partner, row)
    secured = ListeningPort(listening_mode=port["listening_mode"],
                            transport_parameters=port["transport_parameters"]).is_secured
    return {"name": partner["name"], "port": port["port"], "secured": secured,
            "addresses": addresses(port["transport_parameters"], name=partner["host__name"],
                                   ip_address=partner["host__ip_address"],
                                   is_near=partner["host_id"] == row["host_id"], secured=secured),
            "secret": auth.pair_secret(first["secret"], second["secret"])}


def addresses(transport_parameters: str, *, name: str, ip_address: str, is_near: bool, secured: bool) -> list[str]:
    """Where a port with these Transport Parameters is dialled, on the host of that ``name``; ``is_near``: from a
    program of the same host."""
    transport = dict(part.split("=", 1) for part in transport_parameters.split(";") if "=" in part)
    near = transport.get("address") or ("127.0.0.1" if is_near else "")
    named = [each for each in (ip_address, name) if each]
    # A certificate may be for the names of the host alone: they are tried too, on the same host as well.
    return list(dict.fromkeys([near, *named])) if near and secured else [near] if near else named


def supervised(host_ids: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    """{host id: list of its Supervised message}: what its agent may start. A server of another type that still runs
    there is told of and can be stopped; nothing starts it again."""
    found: dict[int, list[dict[str, Any]]] = {host_id: [] for host_id in host_ids}
    startable = Application.objects.filter(host_id__in=list(found), type__in=RUNNABLE_TYPES)
    rows = startable.order_by(*by_name("name")).values("id", "host_id", "log_on_as", *_SUPERVISED)
    options = Option.objects.filter(application__host_id__in=list(found))
    annex = _grouped(options.filter(annex=True, section__iexact=SML).values("application_id", "key", "value"))
    log = _grouped(options.filter(annex=False, section__iexact=LOG).values("application_id", "key", "value"))

    def sml(key: int) -> dict[str, Any]:
        return management_layer({SML: {each["key"]: each["value"] for each in annex[key]}})

    for row in rows:
        found[row["host_id"]].append({name: row[name] for name in _SUPERVISED} | {
            "log_on_as": os_account(row["log_on_as"]),
            "log_files": log_files.files({each["key"]: each["value"] for each in log[row["id"]]})} | sml(row["id"]))
    return found


def fingerprint() -> tuple[object, ...]:
    """Differs from an earlier one when an application or a host was made, changed or deleted since."""
    return (*Application.objects.aggregate(count=Count("id"), last=Max("id"), revisions=Sum("revision")).values(),
            *Host.objects.aggregate(count=Count("id"), last=Max("id"), revisions=Sum("revision"),
                                    secrets=Sum("secret_revision"), left=Count("left_at")).values())

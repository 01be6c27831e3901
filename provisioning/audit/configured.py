"""Reads what is configured: drafts of members without plain secrets, connections, clients."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet

from provisioning.declared import columns
from provisioning.drafts import ApplicationDraft, ConnectionDraft
from provisioning.history.rows import connection_lines
from provisioning.keys import derive
from provisioning.models import Connection, Option
from provisioning.pairs.rules.members import Member
from provisioning.states import ApplicationType

from .facts import Client

Tables = dict[str, dict[str, str]]


@dataclass
class Configured:
    """Of many applications at once, by their keys. Option values that are secret are fingerprints."""

    options: Mapping[int, Tables]
    annex: Mapping[int, Tables]
    connections: Mapping[int, list[ConnectionDraft]]
    connection_lines: Mapping[int, tuple[str, ...]]
    clients: Mapping[int, list[Client]]

    def draft(self, member: Member) -> ApplicationDraft:
        """The draft of ``member`` with all its rows."""
        # Of thousands dataclasses.replace takes three times as long.
        return ApplicationDraft(**vars(member.draft) | {
            "connections": tuple(self.connections.get(member.id, ())), "options": self.options.get(member.id, {}),
            "annex": self.annex.get(member.id, {})})


def read(rows: Iterable[int], *, whole: bool) -> Configured:
    """Of the applications with these keys and the clients that connect to them; ``whole``: they are all there are."""
    own = list(rows)
    options, annex = _tables(None if whole else own)
    connections: dict[int, list[ConnectionDraft]] = defaultdict(list)
    names: dict[int, str] = {}
    links = Connection.objects.all() if whole else Connection.objects.filter(application_id__in=own)
    for row in links.order_by("id").values("application_id", "server__name", *columns(ConnectionDraft)):
        connections[row["application_id"]].append(
            ConnectionDraft(**{name: row[name] for name in columns(ConnectionDraft)}))
        names[row["server_id"]] = row["server__name"]
    return Configured(
        options=options, annex=annex, connections=connections,
        connection_lines={key: connection_lines(found, names) for key, found in connections.items()},
        clients=_clients(own, options if whole else None))


def _tables(application_ids: list[int] | None) -> tuple[dict[int, Tables], dict[int, Tables]]:
    """Options and annex of these applications, of all when None."""
    found = Option.objects.all() if application_ids is None else Option.objects.filter(
        application_id__in=application_ids)
    return _table(found.filter(annex=False)), _table(found.filter(annex=True))


def _table(found: QuerySet[Option]) -> dict[int, Tables]:
    """{application: its table}. The many plain values are read without any column that has to be converted."""
    table: dict[int, Tables] = defaultdict(dict)
    columns = ("application_id", "section", "key")
    for key, section, name, value in found.filter(secret_value__isnull=True).order_by("section", "key").values_list(
            *columns, "value").iterator():
        table[key].setdefault(section, {})[name] = value
    for key, section, name, value in found.filter(secret_value__isnull=False).order_by("section", "key").values_list(
            *columns, "secret_value").iterator():
        table[key].setdefault(section, {})[name] = _fingerprint(value or "")
    return table


def _fingerprint(secret: str) -> str:
    """Equal for equal secrets and of no use to anybody who sees it."""
    return hashlib.blake2b(secret.encode(), key=derive(settings.SECRET_KEY, "fingerprint"), digest_size=16).hexdigest()


def _clients(server_ids: list[int], options: Mapping[int, Tables] | None) -> dict[int, list[Client]]:
    """{server: its clients}. ``options`` None: the clients' are read."""
    links = Connection.objects.filter(server_id__in=server_ids) if options is None else Connection.objects.filter(
        server__type=ApplicationType.MESSAGE_SERVER)
    rows = list(links.order_by("id").values_list("application_id", "application__name", "server_id", "server__name",
                                                 "port_id", "protocol", "timeout_local", "timeout_remote"))
    if options is None:
        options = _tables([row[0] for row in rows])[0]
    found: dict[int, list[Client]] = defaultdict(list)
    for key, name, server_id, server, port_id, protocol, local, remote in rows:
        found[server_id].append(Client(
            id=key, name=name, to=server, port_id=port_id, protocol=protocol, timeout_local=local,
            timeout_remote=remote, network=_network(options.get(key, {}))))
    return found


def _network(options: Tables) -> bool | None:
    log = next((keys for section, keys in options.items() if section.casefold() == "log"), None)
    if not log:
        return None
    return any("network" in (part.strip() for part in value.split(",")) for value in log.values())

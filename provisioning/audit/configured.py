"""Reads what is configured: drafts of members without plain secrets, and connections."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet

from protocol.client_logins import CLIENTS, RIGHTS, section_name
from provisioning.declared import columns
from provisioning.drafts import ApplicationDraft, ConnectionDraft
from provisioning.history.rows import connection_lines
from provisioning.keys import derive
from provisioning.models import Connection, Option
from provisioning.pairs.rules.members import Member

from .logins import Logins, logins_of

Table = dict[str, str]
Tables = dict[str, Table]


@dataclass
class Configured:
    """Of many applications at once, by their keys. Option values that are secret are fingerprints."""

    options: Mapping[int, Tables]
    annex: Mapping[int, Tables]
    connections: Mapping[int, list[ConnectionDraft]]
    connection_lines: Mapping[int, tuple[str, ...]]
    logins: Mapping[int, Logins]

    def draft(self, member: Member) -> ApplicationDraft:
        """The draft of ``member`` with all its rows."""
        # Of thousands dataclasses.replace takes three times as long.
        return ApplicationDraft(**vars(member.draft) | {
            "connections": tuple(self.connections.get(member.id, ())), "options": self.options.get(member.id, {}),
            "annex": self.annex.get(member.id, {})})


def read(rows: Iterable[int], *, whole: bool) -> Configured:
    """Of the applications with these keys; ``whole``: they are all there are."""
    own = list(rows)
    options, annex, passcodes = _tables(None if whole else own)
    connections: dict[int, list[ConnectionDraft]] = defaultdict(list)
    names: dict[int, str] = {}
    links = Connection.objects.all() if whole else Connection.objects.filter(application_id__in=own)
    for row in links.order_by("id").values("application_id", "server__name", *columns(ConnectionDraft)):
        connections[row["application_id"]].append(
            ConnectionDraft(**{name: row[name] for name in columns(ConnectionDraft)}))
        names[row["server_id"]] = row["server__name"]
    return Configured(
        options=options, annex=annex, logins=_logins(options, passcodes), connections=connections,
        connection_lines={key: connection_lines(found, names) for key, found in connections.items()})


def _tables(application_ids: list[int] | None) -> tuple[dict[int, Tables], dict[int, Tables], dict[int, Table]]:
    """Options and annex of these applications, of all when None, and the passcodes of their clients."""
    found = Option.objects.all() if application_ids is None else Option.objects.filter(
        application_id__in=application_ids)
    options, passcodes = _table(found.filter(annex=False))
    return options, _table(found.filter(annex=True))[0], passcodes


def _table(found: QuerySet[Option]) -> tuple[dict[int, Tables], dict[int, Table]]:
    """{application: its table}, and the values of its section clients. The many plain values are read without any
    column that has to be converted."""
    passcodes: dict[int, Table] = defaultdict(dict)
    table: dict[int, Tables] = defaultdict(dict)
    columns = ("application_id", "section", "key")
    for key, section, name, value in found.filter(secret_value__isnull=True).order_by("section", "key").values_list(
            *columns, "value").iterator():
        table[key].setdefault(section, {})[name] = value
    for key, section, name, value in found.filter(secret_value__isnull=False).order_by("section", "key").values_list(
            *columns, "secret_value").iterator():
        table[key].setdefault(section, {})[name] = _fingerprint(value or "")
        if section_name(section) == CLIENTS:
            passcodes[key][name] = value or ""
    return table, passcodes


def _logins(options: Mapping[int, Tables], passcodes: Mapping[int, Table]) -> dict[int, Logins]:
    """Of those applications that have any."""
    rights: dict[int, Table] = {key: found for key, tables in options.items() if (found := {
        login: value for section, keys in tables.items() if section_name(section) == RIGHTS
        for login, value in keys.items()})}
    return {key: logins_of(passcodes.get(key, {}), rights.get(key, {})) for key in passcodes.keys() | rights.keys()}


def _fingerprint(secret: str) -> str:
    """Equal for equal secrets and of no use to anybody who sees it."""
    return hashlib.blake2b(secret.encode(), key=derive(settings.SECRET_KEY, "fingerprint"), digest_size=16).hexdigest()


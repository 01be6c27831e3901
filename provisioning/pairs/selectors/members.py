"""Reads the members of pairs with control's record of them: the same few queries for one pair and for thousands."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from protocol.said import LARGEST, number
from provisioning.certificates.rules import certificates_of_ports
from provisioning.core.control import control_seen
from provisioning.core.known import Control, Word, word
from provisioning.declared import columns
from provisioning.drafts import ApplicationDraft, PortDraft
from provisioning.errors import Link
from provisioning.jobs.selectors.jobs import lacks_its_last_report
from provisioning.models import Application, Host, Job, ListeningPort
from provisioning.pairs.rules.facts import PairFacts
from provisioning.pairs.rules.members import Live, Machine, Member
from provisioning.spelling import by_name
from provisioning.states import ACTIVE_JOBS, ApplicationStatus, HostStatus

MANY = 500
"""Of more all rows are read: so many keys in a question cost more than the rows that are left over."""
_DRAFT = columns(ApplicationDraft)
_IN_FULL = ("started_at", "ports", "certificates")
_LIVE = tuple(each.name for each in fields(Live) if each.name not in _IN_FULL)
_OWN = ("id", *_DRAFT, *(f"runtime__{name}" for name in _LIVE), "type", "version", "template__name",
        "backup_server__name", "host__name", "host__runtime__status")
_OWN_IN_FULL = (*_OWN, "changed_at", "runtime__started_at", "runtime__ports")
_HOST, _STATUS = _OWN.index("host_id"), _OWN.index("runtime__status")
_DRAFT_END, _LIVE_END = 1 + len(_DRAFT), 1 + len(_DRAFT) + len(_LIVE)
_RECORD = ("version", "epoch", "active_id", "active_copy", "disputed", "automatic_failover", "paused_by",
           "paused_reason", "paused_at", "reason", "since")


def facts_of(primaries: QuerySet[Application], *, in_full: bool = False) -> list[PairFacts]:
    """Facts of these servers with the backup of each, by name, in two queries: model objects of thousands would take
    seconds. ``in_full``: also their Listening Ports and all of their Hosts, in one more query each, and what takes long
    to read in thousands of rows: ``changed_at`` and ``live.started_at``, ``ports`` and ``certificates``."""
    own = _OWN_IN_FULL if in_full else _OWN
    control, size = control_seen(), len(own)
    rows = list(primaries.order_by(*by_name("name")).values_list(
        *own, *(f"backup_server__{name}" for name in own), "pair_state__standby_in_sync",
        *(f"pair_state__{name}" for name in _RECORD)))
    members = [part for row in rows for part in (row[:size], row[size:2 * size])]
    reading = _Reading(control, members, in_full=in_full)
    return [reading.pair(members[2 * at], members[2 * at + 1], row[2 * size:]) for at, row in enumerate(rows)]


class _Reading:
    """Turns rows into facts; what many of them have in common is built once."""

    def __init__(self, control: Control, members: list[tuple], *, in_full: bool):
        self.control, self.now_s = control, control.now.timestamp()
        keys = {row[0] for row in members} - {None}
        self.jobs = _jobs_at_work(keys)
        self.hosts: dict[int, Machine] = machines({row[_HOST] for row in members} - {None}) if in_full else {}
        self.ports = ports_of(keys) if in_full else None

    def pair(self, primary: tuple, backup: tuple, state: tuple) -> PairFacts:
        in_sync, *record = state
        return PairFacts(
            primary=self.member(primary), backup=self.member(backup) if backup[0] is not None else None,
            in_sync=bool(in_sync), **dict(zip(_RECORD, record, strict=True)) if in_sync is not None else {},
            control_answers=self.control.answers, now=self.control.now)

    def member(self, row: tuple) -> Member:
        draft = ApplicationDraft(**dict(zip(_DRAFT, row[1:_DRAFT_END], strict=True)),
                                 ports=None if self.ports is None else tuple(self.ports.get(row[0], ())))
        kind, version, template, backup, host, host_status, *in_full = row[_LIVE_END:]
        if draft.host_id is not None and draft.host_id not in self.hosts:
            self.hosts[draft.host_id] = Machine(id=draft.host_id, name=host, status=host_status or HostStatus.UNKNOWN)
        key, heard = draft.backup_server_id, row[_STATUS] is not None
        member = Member(
            id=row[0], draft=draft, type=kind, version=version, template=template,
            changed_at=in_full[0] if in_full else None, host=self.hosts.get(draft.host_id or 0),
            job=self.jobs.get(row[0]),
            own_backup=None if key is None else Link("application", str(key), backup),
            **self.heard(row[_DRAFT_END:_LIVE_END], *in_full[1:]) if heard else {})
        if not heard and not member.installed:
            # It cannot run, so nobody has to hear of it to know that.
            return replace(member, word=Word(status=ApplicationStatus.STOPPED))
        return member

    def heard(self, values: tuple, started_at: datetime | None = None, ports: Any = ()) -> dict[str, Any]:
        """The last word of a server, and what of it is known now."""
        held = [port for port in ports or () if isinstance(port, dict)]
        live = Live(**dict(zip(_LIVE, values, strict=True)), started_at=started_at,
                    ports={str(port.get("id")): number for port in held if isinstance(number := port.get("port"), int)},
                    certificates=certificates_of_ports(held, self.now_s) if held else ())
        return {"live": live, "word": word(self.control, status=live.status, mode=live.mode, reason=live.reason)}


def _jobs_at_work(application_ids: set[int]) -> dict[int, Link]:
    active = Job.objects.filter(state__in=ACTIVE_JOBS)
    if len(application_ids) <= MANY:
        active = active.filter(application_id__in=application_ids)
    found = active.select_related("application__runtime").only(
        "kind", "application_name", "created_at", "application__name", "application__runtime__status",
        "application__runtime__started_at")
    return {job.application.pk: job.link for job in found
            if job.application and not lacks_its_last_report(job.application, job)}


def ports_of(application_ids: set[int]) -> dict[int, list[PortDraft]]:
    """{application: its Listening Ports}."""
    found = ListeningPort.objects.all()
    if len(application_ids) <= MANY:
        found = found.filter(application_id__in=application_ids)
    ports: dict[int, list[PortDraft]] = defaultdict(list)
    names = columns(PortDraft)
    for key, *port in found.order_by("id").values_list("application_id", *names):
        ports[key].append(PortDraft(**dict(zip(names, port, strict=True))))
    return ports


_MACHINE = ("id", "name", "ip_address", "os_type", "lca_port", "enabled", "runtime__status", "runtime__reason",
            "runtime__heard_at", "runtime__agent_version", "runtime__facts")


def machines(host_ids: set[int]) -> dict[int, Machine]:
    """{host: what is known of it}, without ``uses`` and ``directories``."""
    found = Host.objects.all()
    if len(host_ids) <= MANY:
        found = found.filter(pk__in=host_ids)
    return {row.id: _machine(row) for row in found.values_list(*_MACHINE, named=True)}


def _machine(row) -> Machine:
    facts: Mapping = row.runtime__facts if isinstance(row.runtime__facts, dict) else {}
    return Machine(
        id=row.id, name=row.name, ip_address=row.ip_address, os_type=row.os_type, lca_port=row.lca_port,
        enabled=row.enabled, status=row.runtime__status or HostStatus.UNKNOWN,
        reason=row.runtime__reason or "", heard_at=row.runtime__heard_at,
        agent_version=row.runtime__agent_version or "", looks=facts.get("looks") is True,
        account=str(facts.get("account", "")), agent_build=str(facts.get("agent_build", "")),
        comes_back_by=str(facts.get("comes_back_by", "")),
        accounts=facts["accounts"] if isinstance(facts.get("accounts"), dict) else None,
        clock_offset_s=number(facts.get("clock_offset_s"), -LARGEST, LARGEST),
        disk_free_bytes=number(facts.get("disk_free_bytes"), -1, LARGEST))

"""What programs are told of applications, many at a time: neither Django's objects nor more of a row than is told, as
both cost more than all the rest."""

from collections.abc import Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from provisioning.core.control import control_seen
from provisioning.core.known import Control
from provisioning.core.prepared import Keys, Prepared, keys
from provisioning.models import Application, Job, ListeningPort, PairState
from provisioning.states import ACTIVE_JOBS, RUNNABLE_TYPES

from .applications import chosen, status_by, with_status

OWN = ("pk", "name", "type", "enabled", "version", "working_directory", "command_line", "redundancy_type", "revision",
       "changed_at", "changed_by", "backup_server_id")
OF_OTHERS = {"host": "host__name", "backup": "backup_server__name", "primary_id": "primary_server__pk",
             "primary": "primary_server__name"}
RUNTIME = ("application_id", "status", "mode", "reason", "epoch", "restarts", "pid", "by_hand", "heard_at", "ports",
           "clients", "last_seq", "first_seq", "digest", "common_seq", "common_digest", "link", "discarded")
STATE = tuple(field.attname for field in PairState._meta.concrete_fields)
BY_CONTROL = ("status", "mode")
"""Orders of a list that depend on what control says."""


@dataclass(slots=True)
class Told:
    """An application as ``monitoring.selectors.status`` reads it. ``host``, ``backup`` and ``primary`` are names;
    ``runtime`` and ``pair_state`` have the columns of their rows, or are None; ``status`` is what to say where there is
    no runtime."""

    pk: int
    name: str
    type: str
    enabled: bool
    version: str
    working_directory: str
    command_line: str
    redundancy_type: str
    revision: int
    changed_at: Any
    changed_by: str
    backup_server_id: int | None
    host_name: str
    backup: str | None
    primary_id: int | None
    primary: str | None
    status: str | None
    runtime: Any
    pair_state: Any
    control: Control

    @property
    def is_runnable(self) -> bool:
        return self.type in RUNNABLE_TYPES


def _query() -> QuerySet:
    found = Application.objects.filter(pk__in=Keys()).order_by().annotate(said=status_by(F("runtime__status")))
    return found.values_list(
        *OWN, *OF_OTHERS.values(), "said", *(f"runtime__{name}" for name in RUNTIME),
        *(f"pair_state__{name}" for name in STATE))


_TOLD = Prepared(_query, at_once=True)
_JOBS = Prepared(lambda: Job.objects.filter(application__in=Keys(), state__in=ACTIVE_JOBS).order_by().values_list(
    "application", "pk"))
_PORTS = Prepared(lambda: ListeningPort.objects.filter(application__in=Keys()).order_by().values_list(
    "pk", "application", "port_id", "port", "protocol", "ha_sync"), at_once=True)


def told(application_ids: Iterable[int]) -> list[Told]:
    """In the order of their keys as they are given, without those that are not there any more."""
    wanted = list(application_ids)
    control, found = control_seen(), {row[0]: row for row in _TOLD.rows(keys(wanted))}
    return [_told(found[key], control) for key in wanted if key in found]


def _told(row: list[Any], control: Control) -> Told:
    first, last = len(OWN) + len(OF_OTHERS) + 1, len(row) - len(STATE)
    own, runtime, state = row[:first], row[first:last], row[last:]
    own[len(OWN)] = own[len(OWN)] or ""
    return Told(*[*own, _object(RUNTIME, runtime), _object(STATE, state), control])


def _object(names: tuple[str, ...], values: list[Any]) -> SimpleNamespace | None:
    """None where there is no row: its key is the first of ``values``."""
    return None if values[0] is None else SimpleNamespace(**dict(zip(names, values, strict=True)))


def jobs_of(application_ids: Iterable[int]) -> dict[int, UUID]:
    """{application: key of the job that works on it} of those that one works on."""
    return dict(_JOBS.rows(keys(application_ids)))


def ports_of(application_ids: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    """{application: what is told of its ports} of those that have any."""
    found: dict[int, list[dict[str, Any]]] = {}
    for _, key, port_id, port, protocol, ha_sync in sorted(_PORTS.rows(keys(application_ids))):
        found.setdefault(key, []).append({"id": port_id, "port": port, "protocol": protocol, "ha_sync": ha_sync})
    return found


def told_list(*, text: str = "", type: str = "", host: str = "", status: str = "", sort: str = "id") -> QuerySet:
    """{"pk": key} of what ``application_list`` has, in no order, with what a list in the order of ``sort`` is ordered
    by."""
    by_control = status or sort.removeprefix("-") in BY_CONTROL
    found = with_status(Application.objects.all()) if by_control else Application.objects.all()
    return chosen(found, text=text, type=type, host=host, status=status).order_by().values("pk")

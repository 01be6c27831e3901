"""What control's record says of servers and hosts at this moment, in one query each."""

from typing import Any

from django.db.models import QuerySet

from provisioning.charts.rules.counting import Host, Server
from provisioning.core.control import control_seen
from provisioning.models import Application, HostRuntime
from provisioning.states import ALIVE, ENDED, RUNNABLE_TYPES, HostStatus

_OF_SERVER = ("acknowledged", "delivered", "latencies", "waiting_bytes", "clients", "last_seq", "common_seq",
              "disk_free", "disk_total")


def control_answers() -> bool:
    return control_seen().answers


def servers() -> list[Server]:
    """Those that control has ever heard of. Raises DatabaseError."""
    rows: QuerySet[Application, Any] = Application.objects.filter(
        type__in=RUNNABLE_TYPES, runtime__isnull=False).order_by().values_list(
        "id", "runtime__status", "runtime__connected", "backup_server_id", "primary_server__id",
        "pair_state__active_id", "primary_server__pair_state__active_id", *(f"runtime__{name}" for name in _OF_SERVER))
    return [_server(*row) for row in rows]


def _server(key: int, status: str, connected: bool, backup: int | None, primary: int | None, active: int | None,
            active_of_primary: int | None, *figures: Any) -> Server:
    said = dict(zip(_OF_SERVER, figures, strict=True))
    return Server(id=key, runs=status in ALIVE, ended=status in ENDED, connected=connected,
                  active_id=active if backup else active_of_primary, other_id=backup or primary,
                  **said | {"latencies": tuple(said["latencies"] or ())})


def hosts() -> list[Host]:
    """Raises DatabaseError."""
    rows = HostRuntime.objects.filter(host__left_at=None).values_list("host_id", "status", "facts")
    return [Host(id=key, connected=status == HostStatus.RUNNING, cpu_percent=_number(facts.get("cpu_percent")),
                 memory_percent=_number(facts.get("memory_percent")), disk_free=_whole(facts.get("disk_free_bytes")))
            for key, status, facts in rows]


def _number(said: object) -> float | None:
    return float(said) if isinstance(said, int | float) and not isinstance(said, bool) and said >= 0 else None


def _whole(said: object) -> int | None:
    number = _number(said)
    return None if number is None else int(number)

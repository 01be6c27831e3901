"""The status of everything as plain values: ``manage.py status --json`` and the dashboard."""

from datetime import datetime

from django.utils import timezone

from provisioning.models import Application, ComponentHeartbeat, Host, PairState
from provisioning.selectors.applications import application_list
from provisioning.states import HostStatus


def status_report() -> dict:
    """{"applications", "hosts", "pairs", "console"}; ages are seconds, None for never heard."""
    now = timezone.now()
    applications = list(application_list())
    return {
        "applications": [_application(row) for row in applications],
        "hosts": [_host(row, now) for row in Host.objects.select_related("runtime")],
        "pairs": [_pair(row) for row in applications if row.backup_server_id],
        "console": {row.name: _age(row.at, now) for row in ComponentHeartbeat.objects.order_by("name")},
    }


def _application(row: Application) -> dict:
    runtime = getattr(row, "runtime", None)
    return {
        "name": row.name, "type": row.type, "host": row.host.name if row.host else "", "enabled": row.enabled,
        "status": row.status, "mode": runtime.mode if runtime else "", "reason": runtime.reason if runtime else "",
        "epoch": runtime.epoch if runtime else 0, "pid": runtime.pid if runtime else 0,
        "by_hand": runtime.by_hand if runtime else False, "restarts": runtime.restarts if runtime else 0,
        "version": row.version, "working_directory": row.working_directory,
        "ports": [{"id": port.port_id, "port": port.port, "protocol": port.protocol, "ha_sync": port.ha_sync}
                  for port in row.ports.all()],
        "clients": runtime.clients if runtime else 0,
        "last_seq": runtime.last_seq if runtime else 0, "digest": runtime.digest if runtime else "",
    }


def _host(row: Host, now: datetime) -> dict:
    runtime = getattr(row, "runtime", None)
    return {
        "name": row.name, "status": runtime.status if runtime else str(HostStatus.UNKNOWN),
        "last_seen_s": _age(runtime.heard_at, now) if runtime else None, "reason": runtime.reason if runtime else "",
        "worker_alive": runtime.worker_alive if runtime else False,
    }


def _pair(row: Application) -> dict:
    state: PairState | None = getattr(row, "pair_state", None)
    active_id = state.active_id if state else None
    names = {row.pk: row.name, row.backup_server_id: row.backup_server.name}
    return {
        "primary": row.name, "backup": row.backup_server.name, "redundancy_type": row.redundancy_type,
        "active": names.get(active_id, ""), "epoch": state.epoch if state else 0,
        "version": state.version if state else 0, "standby_in_sync": state.standby_in_sync if state else False,
        "automatic_failover": state.automatic_failover if state else True, "reason": state.reason if state else "",
    }


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else round(max(0.0, (now - at).total_seconds()), 1)

"""The status of everything as plain values: ``manage.py status --json`` and the dashboard."""

from datetime import datetime

from django.utils import timezone

from provisioning.models import Application, ComponentHeartbeat, Host
from provisioning.selectors.applications import application_list
from provisioning.selectors.certificates import certificates_of, console_certificate
from provisioning.selectors.pairs import Pair, common_seq_of, digests_equal_of, lag_of
from provisioning.states import HostStatus


def status_report() -> dict:
    """{"applications", "hosts", "pairs", "certificate", "console"}; ages are seconds, None for never heard.
    ``lag`` counts records, None where nobody can tell; ``certificate`` is the console's, None for one without TLS."""
    now = timezone.now()
    applications = {row.pk: row for row in application_list()}
    pairs = [Pair(row, applications[row.backup_server_id]) for row in applications.values()
             if row.backup_server_id in applications]
    pair_of = {row.pk: pair for pair in pairs for row in pair.members}
    return {
        "applications": [_application(row, pair_of.get(row.pk)) for row in applications.values()],
        "hosts": [_host(row, now) for row in Host.objects.select_related("runtime")],
        "pairs": [_pair(pair) for pair in pairs],
        "certificate": certificate.to_dict() if (certificate := console_certificate()) else None,
        "console": {row.name: _age(row.at, now) for row in ComponentHeartbeat.objects.order_by("name")},
    }


def _application(row: Application, pair: Pair | None) -> dict:
    runtime = getattr(row, "runtime", None)
    return {
        "name": row.name, "type": row.type, "host": row.host.name if row.host else "", "enabled": row.enabled,
        "status": row.status, "mode": runtime.mode if runtime else "", "reason": runtime.reason if runtime else "",
        "epoch": runtime.epoch if runtime else 0, "pid": runtime.pid if runtime else 0,
        "by_hand": runtime.by_hand if runtime else False, "restarts": runtime.restarts if runtime else 0,
        "version": row.version, "working_directory": row.working_directory,
        "ports": [{"id": port.port_id, "port": port.port, "protocol": port.protocol, "ha_sync": port.ha_sync}
                  for port in row.ports.all()],
        "certificates": [{"port": each.label.removeprefix("Port "), **each.to_dict()} for each in certificates_of(row)],
        "clients": runtime.clients if runtime else 0, "last_seq": runtime.last_seq if runtime else 0,
        **_copy(row, pair),
    }


def _copy(row: Application, pair: Pair | None) -> dict:
    """The copy that a member of a pair has: ``digest`` is at ``common_seq``. Of a single server: at its last record,
    and ``in_sync`` and ``lag`` are None."""
    runtime = getattr(row, "runtime", None)
    if pair is None:
        return {"digest": runtime.digest if runtime else "", "common_seq": 0, "in_sync": None, "lag": None, "link": "",
                "discarded": 0}
    is_standby = pair.standby is not None and pair.standby.pk == row.pk
    return {
        "digest": runtime.common_digest if runtime else "", "common_seq": runtime.common_seq if runtime else 0,
        "in_sync": pair.state.standby_in_sync if pair.state else False, "lag": lag_of(pair) if is_standby else 0,
        "link": runtime.link if runtime else "", "discarded": runtime.discarded if runtime else 0,
    }


def _host(row: Host, now: datetime) -> dict:
    runtime = getattr(row, "runtime", None)
    return {
        "name": row.name, "status": runtime.status if runtime else str(HostStatus.UNKNOWN),
        "last_seen_s": _age(runtime.heard_at, now) if runtime else None, "reason": runtime.reason if runtime else "",
        "worker_alive": runtime.worker_alive if runtime else False,
    }


def _pair(pair: Pair) -> dict:
    state = pair.state
    return {
        "primary": pair.primary.name, "backup": pair.backup.name, "redundancy_type": pair.primary.redundancy_type,
        "active": pair.active.name if pair.active else "", "epoch": state.epoch if state else 0,
        "version": state.version if state else 0, "in_sync": state.standby_in_sync if state else False,
        "automatic_failover": state.automatic_failover if state else True, "reason": state.reason if state else "",
        "since": state.since.isoformat() if state and state.since else None, "lag": lag_of(pair),
        "common_seq": common_seq_of(pair), "digests_equal": digests_equal_of(pair),
    }


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else round(max(0.0, (now - at).total_seconds()), 1)

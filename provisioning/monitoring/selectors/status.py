"""The status of everything as plain values: ``manage.py status --json``, the API and the dashboard."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from provisioning.applications.selectors.applications import application_list, with_related
from provisioning.applications.selectors.told import Told, ports_of, told
from provisioning.certificates.selectors import certificates_of, console_certificate
from provisioning.core.control import CONTROL, control_beats, control_of, control_seen, word_of
from provisioning.core.known import Control, Word, age_s
from provisioning.hosts.selectors.hosts import host_list
from provisioning.jobs.rules.awaited import as_told
from provisioning.jobs.selectors.awaited import awaited
from provisioning.jobs.selectors.jobs import job_list
from provisioning.models import Application, ComponentHeartbeat, Host
from provisioning.pairs.rules.facts import decided
from provisioning.pairs.selectors.pairs import Pair, common_seq_of, digests_equal_of, lag_of


def status_report() -> dict:
    """{"applications", "hosts", "pairs", "jobs", "certificate", "console", "control"}; ages are seconds, None for not
    known. ``lag`` counts records, None where nobody can tell; ``jobs`` are those that have not ended, without looks on
    hosts; ``certificate`` is the console's, None without TLS.

    Of everything that control tells ``as_of`` and ``age_s`` say when it was so; while control does not answer it is not
    ``known``: then statuses are Unknown, modes and links "", and ``last_known`` has the words before. What changes
    without anybody asking (process, clients, worker, who is in sync, how far) is None then. Of a type that Pairwise
    only keeps there is no status (""), and no pair.
    """
    beats = control_beats()
    now = timezone.now()
    control = control_seen(now)
    applications = {row.pk: row for row in application_list()}
    pairs = [Pair(row, applications[row.backup_server_id]) for row in applications.values()
             if row.is_runnable and row.backup_server_id in applications]
    pair_of = {row.pk: pair for pair in pairs for row in pair.members}
    return {
        "applications": [_application(row, pair_of.get(row.pk), control.now, [
            {"id": port.port_id, "port": port.port, "protocol": port.protocol, "ha_sync": port.ha_sync}
            for port in row.ports.all()]) for row in applications.values()],
        "hosts": [_host(row, control.now) for row in host_list()],
        "pairs": [_pair(pair, control) for pair in pairs],
        "jobs": _jobs(now),
        "certificate": certificate.to_dict() if (certificate := console_certificate()) else None,
        "console": {name: _age(at, control.now if name == CONTROL else now) for name, at in sorted(
            [*ComponentHeartbeat.objects.values_list("name", "at"), *beats.items()])},
        "control": {"answers": control.answers, "reason": control.silence, "as_of": _time(control.as_of),
                    "age_s": _rounded(control.as_of_s)},
    }


def applications_status(rows: Sequence[Told]) -> list[dict]:
    """Of some applications what ``status_report`` says of each; the same number of queries, however many ``rows``."""
    known = {row.pk: row for row in rows}
    partners = {key for row in rows for key in (row.backup_server_id, row.primary_id) if key is not None}
    if missing := partners - known.keys():
        known |= {row.pk: row for row in told(missing)}
    ports = ports_of(row.pk for row in rows)
    return [_application(row, _pair_of(row, known), row.control.now, ports.get(row.pk, [])) for row in rows]


def hosts_status(rows: Iterable[Host]) -> list[dict]:
    """As ``applications_status``, of hosts."""
    now = control_seen(timezone.now()).now
    return [_host(row, now) for row in rows]


def pairs_status(primaries: Iterable[Application]) -> list[dict]:
    """As ``applications_status``, of the pairs of these primaries."""
    rows, control = list(primaries), control_seen(timezone.now())
    found = with_related(Application.objects.filter(pk__in=[row.backup_server_id for row in rows]))
    backups = {row.pk: row for row in found}
    return [_pair(Pair(row, backups[row.backup_server_id]), control) for row in rows if row.backup_server_id in backups]


def _pair_of(row: Told, known: dict[int, Told]) -> Pair | None:
    keys = (row.pk, row.backup_server_id) if row.backup_server_id is not None else (row.primary_id, row.pk)
    primary, backup = (known.get(key or 0) for key in keys)
    if not (row.is_runnable and primary and backup):
        return None
    return Pair(primary, backup)  # type: ignore[arg-type]  # what is read of its members here is told of them


def _application(row: Application | Told, pair: Pair | None, now: datetime, ports: list[dict]) -> dict:
    runtime, said = getattr(row, "runtime", None), word_of(row)
    return {
        "name": row.name, "type": row.type, "host": row.host_name, "enabled": row.enabled,
        "status": said.status, "mode": said.mode, "reason": said.reason, **_known(said),
        "heard_s": _age(runtime.heard_at, now) if runtime else None,
        "epoch": runtime.epoch if runtime else 0, "restarts": runtime.restarts if runtime else 0,
        "pid": _if(said.known, runtime.pid if runtime else 0),
        "by_hand": _if(said.known, runtime.by_hand if runtime else False),
        "version": row.version, "working_directory": row.working_directory,
        "ports": ports,
        "certificates": [{"port": each.label.removeprefix("Port "), **each.to_dict()} for each in certificates_of(row)],
        "clients": _if(said.known, runtime.clients if runtime else 0), "last_seq": runtime.last_seq if runtime else 0,
        "first_seq": runtime.first_seq if runtime else 0,
        **_copy(row, pair, said),
    }


def _copy(row: Application | Told, pair: Pair | None, said: Word) -> dict:
    """The copy that a member of a pair has: ``digest`` is at ``common_seq``. Of a single server: at its last record,
    and ``in_sync`` and ``lag`` are None."""
    runtime = getattr(row, "runtime", None)
    if pair is None:
        return {"digest": runtime.digest if runtime else "", "common_seq": 0, "in_sync": None, "lag": None, "link": "",
                "discarded": 0}
    is_standby = pair.standby is not None and pair.standby.pk == row.pk
    is_decided = _is_known(pair, control_of(row))
    return {
        "digest": runtime.common_digest if runtime else "", "common_seq": runtime.common_seq if runtime else 0,
        "in_sync": pair.state.standby_in_sync if is_decided and pair.state else None,
        "lag": _if(is_decided, lag_of(pair) if is_standby else 0),
        "link": runtime.link if runtime and said.known else "", "discarded": runtime.discarded if runtime else 0,
    }


def _host(row: Host, now: datetime) -> dict:
    runtime, said = getattr(row, "runtime", None), word_of(row)
    return {
        "name": row.name, "status": said.status, **_known(said),
        "last_seen_s": _age(runtime.heard_at, now) if runtime else None, "reason": said.reason,
        "worker_alive": _if(said.known, runtime.worker_alive if runtime else False),
    }


def _jobs(now: datetime) -> list[dict]:
    rows = list(job_list(state="active").order_by("created_at"))
    waits = awaited(rows)
    return [{"job": str(row.pk), "kind": row.kind, "name": str(row), "application": row.application_name,
             "host": row.host_name, "state": row.state, "asked_by": row.created_by,
             "asked_s": _age(row.created_at, now), **as_told(waits.get(row.pk))} for row in rows]


def _known(said: Word) -> dict:
    """What ``status_report`` says of the age of a word of control."""
    return {"known": said.known, "as_of": _time(said.as_of), "age_s": _rounded(said.age_s),
            "last_known": {"status": said.last_status, "mode": said.last_mode} if said.last_status else None}


def _pair(pair: Pair, control: Control) -> dict:
    state, is_known = pair.state, _is_known(pair, control)
    return {
        "primary": pair.primary.name, "backup": pair.backup.name, "redundancy_type": pair.primary.redundancy_type,
        "active": pair.active.name if pair.active else "", "epoch": state.epoch if state else 0,
        "version": state.version if state else 0, "in_sync": state.standby_in_sync if is_known and state else None,
        "automatic_failover": state.automatic_failover if state else True, "reason": state.reason if state else "",
        "since": _time(state.since) if state else None, "lag": _if(is_known, lag_of(pair)),
        "decided": decided(state.reason, state.since, control.now, disputed=state.disputed) if state else "",
        "disputed": state.disputed if state else False,
        "common_seq": common_seq_of(pair), "digests_equal": _if(is_known, digests_equal_of(pair)),
        "known": is_known, "as_of": _time(control.as_of),
        "age_s": _rounded(control.as_of_s),
    }


def _is_known(pair: Pair, control: Control) -> bool:
    """Control decided something about the pair, and what it said of it counts now."""
    return control.answers and pair.state is not None


def _if(is_known: bool, value: Any) -> Any:
    """``value``, None while it is not known."""
    return value if is_known else None


def _age(at: datetime | None, now: datetime) -> float | None:
    return _rounded(age_s(at, now))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None

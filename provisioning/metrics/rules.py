"""Which metrics there are, and their values. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from protocol.server_messages import LATENCIES_MS
from provisioning.core import ages, copies
from provisioning.states import ALIVE

from .facts import Measured
from .text import COUNTER, GAUGE, HISTOGRAM, Family, labelled

SERVER = ("application", "type", "host", "pair")


@dataclass(frozen=True)
class Counted:
    """How ``Count.what`` is told."""

    name: str
    help: str
    labels: tuple[str, ...]
    kind: str = GAUGE


COUNTED = {
    "jobs": Counted("pairwise_jobs", "Jobs that are kept, by kind and state.", ("kind", "state")),
    "audits": Counted("pairwise_audit_pairs", "Pairs and single servers by the verdict of their latest audit.",
                      ("verdict",)),
    "findings": Counted("pairwise_audit_findings", "What the latest audits found that nobody has waived, by severity "
                        "and rule.", ("severity", "rule")),
    "alarms": Counted("pairwise_alarms", "Active alarms that are not masked, by category and whether somebody has "
                      "acknowledged them.", ("category", "acknowledged")),
    "deliveries": Counted("pairwise_notifications", "Notifications that are kept, by channel and state.",
                          ("channel", "state")),
    "lags": Counted("pairwise_audit_shipping_lag_entries", "Entries of History that an audit target has not taken.",
                    ("target",)),
    "sign_ins": Counted("pairwise_sign_ins", "Sign-ins and ends of sessions, by what came of them.", ("result",),
                        COUNTER),
}

OF_SERVERS = {
    "restarts": ("restarts", "Restarts in a row by Auto-Restart."),
    "clients": ("clients", "Connected STOMP clients."),
    "waiting_bytes": ("waiting_bytes", "Accepted of clients and not acknowledged yet."),
}
"""Metrics by fields of facts.Server."""
OF_DISKS = {
    "disk_free_bytes": ("disk_free", "Bytes that are free on the disk of its messages."),
    "disk_size_bytes": ("disk_total", "Bytes of the disk of its messages."),
}
"""As OF_SERVERS, of servers that say it."""
WORK = {
    "messages": ("last_seq", "Number of the last message that a server has stored."),
    "acknowledged": ("acknowledged", "Messages that were stored and acknowledged, since the start of the process."),
    "delivered": ("delivered", "Messages that were handed to subscribers, since the start of the process."),
}
"""As OF_SERVERS, of what only grows."""
BOUNDS = (*(str(each / 1000) for each in LATENCIES_MS), "+Inf")
JOB_BOUNDS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600)
OF_PAIRS = {
    "in_sync": "1 while the standby is recorded as in sync.",
    "epoch": "The epoch of the pair; it grows with each change of the active server.",
    "automatic_failover": "0 while automatic failover is paused.",
    "disputed": "1 while nothing is decided until somebody says which server goes on.",
}
"""Fields of facts.Pair that are told as they are."""


def families(found: Measured, version: str, console: str) -> Iterator[Family]:
    """All of them, in one order. ``console``: its address, "" where nobody said it."""
    yield Family("pairwise_build_info", GAUGE, "The release of the console, and where it is opened.",
                 [(labelled(("version", "url"), (version, console)), 1)])
    yield from _parts(found)
    yield from _servers(found)
    yield from _pairs(found)
    yield from _hosts(found)
    for what, how in COUNTED.items():
        yield Family(how.name, how.kind, how.help, [
            (labelled(how.labels, each.labels), each.rows) for each in found.counts if each.what == what])
    yield from _others(found)


def _others(found: Measured) -> Iterator[Family]:
    yield Family("pairwise_jobs_waiting_for_broker", GAUGE, "Jobs that no host has seen, as the broker did not take "
                 "them.", [("", found.unsent)])
    yield Family("pairwise_audit_waivers_ending_7d", GAUGE, "Waivers of findings that end within seven days.",
                 [("", found.ending)])
    yield Family("pairwise_job_seconds", HISTOGRAM, "How long finished jobs that are kept took, rounded up to seconds.",
                 list(_job_seconds(found)))
    drills = [(each, labelled(("pair",), (each.pair,))) for each in found.drills]
    yield Family("pairwise_drill_outage_seconds", GAUGE, "The longest outage of the last failover drill that passed.",
                 [(labels, each.outage_s) for each, labels in drills if each.outage_s is not None])
    yield Family("pairwise_drill_last_passed_timestamp", GAUGE, "When a failover drill passed last, in Unix time.",
                 [(labels, each.at.timestamp()) for each, labels in drills])
    yield Family("pairwise_certificate_expiry_seconds", GAUGE, "So long a certificate lasts; below 0 it has expired.",
                 [(labelled(("what",), (each.what,)), each.ends - found.now.timestamp())
                  for each in found.certificates])


def _job_seconds(found: Measured) -> Iterator[tuple[str, float]]:
    for kind in sorted({each.kind for each in found.jobs}):
        took, labels = [each for each in found.jobs if each.kind == kind], labelled(("kind",), (kind,))
        for bound in (*JOB_BOUNDS_S, float("inf")):
            text = "+Inf" if bound == float("inf") else str(float(bound))
            yield f'{labels},le="{text}"', sum(each.rows for each in took if each.seconds <= bound)


def _parts(found: Measured) -> Iterator[Family]:
    yield Family("pairwise_control_up", GAUGE, "1 while control answers: what is told of servers and hosts is of now.",
                 [("", found.control_answers)])
    yield Family("pairwise_control_term", GAUGE, "Grows each time that another control takes over.",
                 [("", found.term)])
    yield Family("pairwise_control_leader", GAUGE, "1 for the control that leads, of several.",
                 [(labelled(("address",), (found.leader,)), 1)] if found.leader else [])
    yield Family("pairwise_component_up", GAUGE, "1 while a part of the console shows signs of life.", [
        (labelled(("component",), (name,)), found.now - at <= ages.CONSOLE_PART)
        for name, at in sorted(found.beats.items())])
    yield Family("pairwise_applications_left_out", GAUGE,
                 "Applications that are more than PAIRWISE_METRICS_OBJECTS.", [("", found.left_out)])


def _servers(found: Measured) -> Iterator[Family]:
    each_one = [(each, labelled(SERVER, (each.name, each.type, each.host, each.pair))) for each in found.servers]
    known = [(each, labels) for each, labels in each_one if each.status is not None]
    yield Family("pairwise_application_up", GAUGE,
                 "1 while the process of an application runs; nothing where nobody knows.",
                 [(labels, each.status in ALIVE) for each, labels in known])
    yield Family("pairwise_application_status", GAUGE, "1 for the status that an application has.",
                 [(f"{labels},{labelled(('status',), (each.status or '',))}", 1) for each, labels in known])
    for kind, fields in ((GAUGE, OF_SERVERS), (COUNTER, WORK)):
        for name, (field, text) in fields.items():
            yield Family(f"pairwise_application_{name}", kind, text,
                         [(labels, getattr(each, field)) for each, labels in each_one])
    for name, (field, text) in OF_DISKS.items():
        yield Family(f"pairwise_application_{name}", GAUGE, text,
                     [(labels, getattr(each, field)) for each, labels in each_one if each.disk_total])
    yield Family("pairwise_application_acknowledge_seconds", HISTOGRAM,
                 "From a message's arrival to its acknowledgement, since the start of the process.",
                 [(f'{labels},le="{bound}"', count) for each, labels in each_one if any(each.latencies)
                  for bound, count in zip(BOUNDS, accumulate(each.latencies), strict=False)])
    yield Family("pairwise_application_heard_age_seconds", GAUGE, "Since when control has not heard of a server.",
                 [(labels, _age(found.now, each.heard_at)) for each, labels in each_one if each.heard_at is not None])


def _pairs(found: Measured) -> Iterator[Family]:
    servers = {each.id: each for each in found.servers}
    each_one = [(each, labelled(("pair",), (each.name,))) for each in found.pairs]
    active = [(each, labels, servers[each.active_id]) for each, labels in each_one
              if each.active_id is not None and each.active_id in servers]
    yield Family("pairwise_pair_active", GAUGE, "1 for the member that control's record names as active.",
                 [(f"{labels},{labelled(('member',), (server.name,))}", 1) for _, labels, server in active])
    for name, text in OF_PAIRS.items():
        yield Family(f"pairwise_pair_{name}", GAUGE, text, [(labels, getattr(each, name)) for each, labels in each_one])
    yield Family("pairwise_pair_lag_records", GAUGE,
                 "Records of the active server that its standby is not known to have.",
                 [(labels, copies.lag(server.last_seq, servers[each.standby_id].common_seq))
                  for each, labels, server in active if each.standby_id in servers])
    yield Family("pairwise_pair_discarded_records", GAUGE,
                 "Records that members put aside, while their files are there.",
                 [(labels, sum(servers[key].discarded for key in {each.primary_id, each.active_id, each.standby_id}
                               if key in servers)) for each, labels in each_one])


def _hosts(found: Measured) -> Iterator[Family]:
    each_one = [(each, labelled(("host",), (each.name,))) for each in found.hosts]
    yield Family("pairwise_host_up", GAUGE, "1 while the agent of a host is connected; nothing where nobody knows.",
                 [(labels, each.is_up) for each, labels in each_one if each.is_up is not None])
    yield Family("pairwise_host_worker_up", GAUGE, "1 while a host takes jobs.",
                 [(labels, each.worker) for each, labels in each_one if each.is_up])
    yield Family("pairwise_host_report_age_seconds", GAUGE, "Since when control has not heard of a host.",
                 [(labels, _age(found.now, each.heard_at)) for each, labels in each_one if each.heard_at is not None])


def _age(now: datetime, at: datetime) -> float:
    return max(0.0, (now - at).total_seconds())

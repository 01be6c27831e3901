"""Which metrics there are, and their values. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from provisioning.core import ages, copies
from provisioning.states import ALIVE

from .facts import Count, Measured

SERVER = ("application", "type", "host", "pair")
Samples = Iterable[tuple[Sequence[str], float]]


@dataclass(frozen=True)
class Counted:
    """How ``Count.what`` is told."""

    name: str
    help: str
    labels: tuple[str, ...]


COUNTED = {
    "jobs": Counted("pairwise_jobs", "Jobs that are kept, by kind and state.", ("kind", "state")),
    "audits": Counted("pairwise_audit_pairs", "Pairs and single servers by the verdict of their latest audit.",
                      ("verdict",)),
    "alarms": Counted("pairwise_alarms", "Active alarms that are not masked, by category and whether somebody has "
                      "acknowledged them.", ("category", "acknowledged")),
    "deliveries": Counted("pairwise_notifications", "Notifications that are kept, by state.", ("state",)),
}

OF_PAIRS = {
    "in_sync": "1 while the standby is recorded as in sync.",
    "epoch": "The epoch of the pair; it grows with each change of the active server.",
    "automatic_failover": "0 while automatic failover is paused.",
    "disputed": "1 while nothing is decided until somebody says which server goes on.",
}
"""Fields of facts.Pair that are told as they are."""


def families(found: Measured, version: str) -> Iterator[Metric]:
    """All of them, in one order."""
    yield _gauge("pairwise_build_info", "The release of the console.", ("version",), [((version,), 1)])
    yield from _parts(found)
    yield from _servers(found)
    yield from _pairs(found)
    yield from _hosts(found)
    for what, how in COUNTED.items():
        yield _gauge(how.name, how.help, how.labels, _counts(found.counts, what))


def _parts(found: Measured) -> Iterator[Metric]:
    yield _gauge("pairwise_control_up", "1 while control answers: what is told of servers and hosts is of now.", (),
                 [((), found.control_answers)])
    yield _gauge("pairwise_component_up", "1 while a part of the console shows signs of life.", ("component",),
                 [((name,), found.now - at <= ages.CONSOLE_PART) for name, at in sorted(found.beats.items())])
    yield _gauge("pairwise_applications_left_out", "Applications that are more than PAIRWISE_METRICS_OBJECTS.", (),
                 [((), found.left_out)])


def _servers(found: Measured) -> Iterator[Metric]:
    labels = [(each, (each.name, each.type, each.host, each.pair)) for each in found.servers]
    known = [(each, names) for each, names in labels if each.status is not None]
    yield _gauge("pairwise_application_up", "1 while the process of an application runs; nothing where nobody knows.",
                 SERVER, [(names, each.status in ALIVE) for each, names in known])
    yield _gauge("pairwise_application_status", "1 for the status that an application has.", (*SERVER, "status"),
                 [((*names, str(each.status)), 1) for each, names in known])
    yield _gauge("pairwise_application_restarts", "Restarts in a row by Auto-Restart.", SERVER,
                 [(names, each.restarts) for each, names in labels])
    yield _gauge("pairwise_application_clients", "Connected STOMP clients.", SERVER,
                 [(names, each.clients) for each, names in labels])
    yield _counter("pairwise_application_messages", "Number of the last message that a server has stored.", SERVER,
                   [(names, each.last_seq) for each, names in labels])
    yield _gauge("pairwise_application_heard_age_seconds", "Since when control has not heard of a server.", SERVER,
                 [(names, _age(found.now, each.heard_at)) for each, names in labels if each.heard_at is not None])


def _pairs(found: Measured) -> Iterator[Metric]:
    servers = {each.id: each for each in found.servers}
    active = [(each, servers[each.active_id]) for each in found.pairs
              if each.active_id is not None and each.active_id in servers]
    yield _gauge("pairwise_pair_active", "1 for the member that control's record names as active.", ("pair", "member"),
                 [((each.name, server.name), 1) for each, server in active])
    for name, text in OF_PAIRS.items():
        yield _gauge(f"pairwise_pair_{name}", text, ("pair",), [((each.name,), getattr(each, name))
                                                                for each in found.pairs])
    yield _gauge("pairwise_pair_lag_records", "Records of the active server that its standby is not known to have.",
                 ("pair",), [((each.name,), copies.lag(server.last_seq, servers[each.standby_id].common_seq))
                             for each, server in active if each.standby_id in servers])
    yield _gauge("pairwise_pair_discarded_records", "Records that members put aside, while their files are there.",
                 ("pair",), [((each.name,), sum(servers[key].discarded for key in (each.primary_id, each.standby_id)
                                                if key in servers)) for each in found.pairs])


def _hosts(found: Measured) -> Iterator[Metric]:
    yield _gauge("pairwise_host_up", "1 while the agent of a host is connected; nothing where nobody knows.", ("host",),
                 [((each.name,), each.is_up) for each in found.hosts if each.is_up is not None])
    yield _gauge("pairwise_host_worker_up", "1 while a host takes jobs.", ("host",),
                 [((each.name,), each.worker) for each in found.hosts if each.is_up])
    yield _gauge("pairwise_host_report_age_seconds", "Since when control has not heard of a host.", ("host",),
                 [((each.name,), _age(found.now, each.heard_at)) for each in found.hosts
                  if each.heard_at is not None])


def _counts(counts: Iterable[Count], what: str) -> Samples:
    return [(each.labels, each.rows) for each in counts if each.what == what]


def _age(now: datetime, at: datetime) -> float:
    return max(0.0, (now - at).total_seconds())


def _gauge(name: str, text: str, labels: Sequence[str], samples: Samples) -> Metric:
    return _filled(GaugeMetricFamily(name, text, labels=labels), samples)


def _counter(name: str, text: str, labels: Sequence[str], samples: Samples) -> Metric:
    return _filled(CounterMetricFamily(name, text, labels=labels), samples)


def _filled(family: CounterMetricFamily | GaugeMetricFamily, samples: Samples) -> Metric:
    for values, value in samples:
        family.add_metric(values, float(value))
    return family

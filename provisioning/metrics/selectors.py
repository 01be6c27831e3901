"""What is measured, of all applications and hosts at once: two queries of the Configuration Database, however many
there are."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    F,
    Func,
    IntegerField,
    Max,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Least
from django.utils import timezone

from provisioning.certificates.rules import certificates_of_ports
from provisioning.certificates.selectors import console_certificate
from provisioning.core.control import control_seen
from provisioning.core.known import Control
from provisioning.models import (
    Alarm,
    Application,
    ComponentHeartbeat,
    CopyTerm,
    Delivery,
    Drill,
    Finding,
    Host,
    Job,
    PairAudit,
    RuntimeStatus,
    SignInCount,
    Waiver,
)
from provisioning.shipping.selectors.targets import lag_counts
from provisioning.states import RUNNABLE_TYPES, DrillState, HostStatus, JobState

from . import facts
from .rules import COUNTED

Row = Mapping[str, Any]
HOST, BEAT, DRILL, TOOK, CERTIFICATE = "host", "beat", "drill", "took", "certificate"
UNSENT, ENDING, TERM = "unsent", "ending", "term"
ENDS_WITHIN = timedelta(days=7)
LONGEST_S = 3600
"""Jobs that took longer count as one that took so long and a second."""
COUNTERS = ("restarts", "clients", "last_seq", "common_seq", "discarded", "acknowledged", "delivered", "waiting_bytes",
            "disk_free", "disk_total")
NEVER = Value(None, output_field=DateTimeField())
_SERVER = ("id", "name", "type", "backup_server_id", "host__name", "primary_server__name", *(
    f"runtime__{name}" for name in ("status", "heard_at", "latencies", *COUNTERS)), *(
    f"pair_state__{name}" for name in ("active_id", "standby_in_sync", "epoch", "automatic_failover", "disputed")))


def measured(now: datetime | None = None) -> facts.Measured:
    """Raises DatabaseError."""
    now = now or timezone.now()
    control = control_seen(now)
    most = settings.PAIRWISE_METRICS_OBJECTS
    rows = list(Application.objects.filter(type__in=RUNNABLE_TYPES).order_by("id").values(*_SERVER))
    told, others = rows[:most], list(_others(now))
    return facts.Measured(
        now=control.now, control_answers=control.answers, leader=control.address if control.answers else "",
        servers=tuple(_server(row, control) for row in told), pairs=tuple(_pairs(told)),
        hosts=tuple(_machine(row, control) for row in others if row["what"] == HOST)[:most],
        counts=tuple(facts.Count(row["what"], tuple(filter(None, (row["one"], row["two"]))), row["number"] or 0)
                     for row in others if row["what"] in COUNTED),
        beats={row["one"]: row["moment"] for row in others if row["what"] == BEAT},
        left_out=len(rows) - len(told),
        drills=tuple(_passed(row) for row in others if row["what"] == DRILL),
        jobs=tuple(facts.Took(row["one"], int(row["two"]), row["number"]) for row in others if row["what"] == TOOK),
        certificates=tuple(_certificates(now, others)),
        **{what: sum(row["number"] for row in others if row["what"] == what) for what in (UNSENT, ENDING, TERM)})


def _server(row: Row, control: Control) -> facts.Server:
    runtime = {name.removeprefix("runtime__"): value for name, value in row.items() if name.startswith("runtime__")}
    return facts.Server(
        id=row["id"], name=row["name"], type=row["type"], host=row["host__name"] or "",
        pair=row["primary_server__name"] or row["name"], status=runtime["status"] if control.answers else None,
        heard_at=runtime["heard_at"], latencies=tuple(runtime["latencies"] or ()),
        **{name: runtime[name] or 0 for name in COUNTERS})


def _pairs(rows: Iterable[Row]) -> Iterable[facts.Pair]:
    """Those of which control has a record."""
    for row in rows:
        active, backup = row["pair_state__active_id"], row["backup_server_id"]
        if backup is not None and row["pair_state__epoch"] is not None:
            yield facts.Pair(
                primary_id=row["id"], name=row["name"], active_id=active,
                standby_id=row["id"] if active == backup else backup, in_sync=row["pair_state__standby_in_sync"],
                epoch=row["pair_state__epoch"], automatic_failover=row["pair_state__automatic_failover"],
                disputed=row["pair_state__disputed"])


def _machine(row: Row, control: Control) -> facts.Machine:
    return facts.Machine(name=row["one"], is_up=row["two"] == HostStatus.RUNNING if control.answers else None,
                         worker=bool(row["number"]), heard_at=row["moment"])


def _passed(row: Row) -> facts.Passed:
    figures = json.loads(row["two"])
    outages = [figures[name] for name in ("outage_over_ms", "outage_back_ms") if figures.get(name) is not None]
    return facts.Passed(row["one"], row["moment"], max(outages) / 1000 if outages else None)


def _certificates(now: datetime, others: Iterable[Row]) -> Iterable[facts.Certificate]:
    if (own := console_certificate()) is not None and own.not_after is not None:
        yield facts.Certificate("console", own.not_after)
    for row in others:
        if row["what"] == CERTIFICATE:
            for each in certificates_of_ports(json.loads(row["two"]), now.timestamp()):
                if each.not_after is not None:
                    yield facts.Certificate(f"{row['one']}: {each.label}", each.not_after)


class _WholeSeconds(Func):
    """From the second moment to the first, rounded up. Native of both databases: Django's own difference calls Python
    for each row."""

    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, arg_joiner=") - julianday(",
                           template="CAST((julianday(%(expressions)s)) * 86400 + 0.999 AS INTEGER)", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, arg_joiner=" - ",
                           template="CEIL(EXTRACT(EPOCH FROM (%(expressions)s)))::integer", **context)


def _of_drills() -> QuerySet[Any, Any]:
    """The last one of each pair that passed."""
    passed = Drill.objects.filter(state=DrillState.PASSED, primary__isnull=False, finished_at__isnull=False)
    last = passed.order_by().values("primary").annotate(last=Max("pk")).values("last")
    return _shaped(Drill.objects.filter(pk__in=last), DRILL, F("primary__name"), Cast("figures", TextField()),
                   Value(0), F("finished_at"))


def _of_jobs() -> QuerySet[Any, Any]:
    """How long those took that are over."""
    over = Job.objects.filter(started_at__isnull=False, finished_at__isnull=False).annotate(
        took=Least(_WholeSeconds("finished_at", "started_at"), Value(LONGEST_S + 1)))
    return _counted(over, TOOK, "kind", "took")


def _of_certificates() -> QuerySet[Any, Any]:
    """Ports as servers reported them, of those that have a secured one."""
    text = RuntimeStatus.objects.annotate(text=Cast("ports", TextField())).filter(text__contains='"not_after"')
    return _shaped(text, CERTIFICATE, F("application__name"), F("text"), Value(0), NEVER)


def _of_audits(now: datetime) -> Iterable[QuerySet[Any, Any]]:
    """Verdicts, what was found and is not waived, and waivers that end within ENDS_WITHIN."""
    yield _counted(PairAudit.objects.filter(is_latest=True), "audits", "verdict")
    yield _counted(Finding.objects.filter(audit__is_latest=True, waiver=None), "findings", "severity", "code")
    yield _counted(Waiver.objects.filter(ended_at=None, expires_on__lt=(now + ENDS_WITHIN).date()), ENDING, "code")


def _others(now: datetime) -> QuerySet[Any, dict[str, Any]]:
    """Hosts, the console's parts and what is counted, as rows of one shape."""
    hosts = _shaped(Host.objects.filter(left_at=None), HOST, F("name"), F("runtime__status"),
                    Cast("runtime__worker_alive", IntegerField()), F("runtime__heard_at"))
    beats = _shaped(ComponentHeartbeat.objects.all(), BEAT, F("name"), Value(""), Value(0), F("at"))
    return hosts.union(
        beats, _counted(Job.objects.all(), "jobs", "kind", "state"),
        *_of_audits(now),
        _counted(Alarm.objects.filter(cleared_at=None, masked=False).annotate(
            known=Case(When(acknowledged_by="", then=Value(0)), default=Value(1))), "alarms", "category", "known"),
        _counted(Delivery.objects.all(), "deliveries", "channel_name", "state"),
        _counted(Job.objects.filter(state=JobState.QUEUED, enqueued_at=None), UNSENT, "state"),
        _shaped(SignInCount.objects.all(), "sign_ins", F("result"), Value(""), F("count"), NEVER),
        _shaped(CopyTerm.objects.all(), TERM, F("name"), Value(""), F("term"), NEVER),
        _shaped(lag_counts(), "lags", F("name"), Value(""), F("entries"), NEVER),
        _of_drills(), _of_jobs(), _of_certificates(), all=True)


def _shaped(found: QuerySet[Any], what: str, one: Any, two: Any, number: Any, moment: Any) -> QuerySet[Any, Any]:
    return found.order_by().annotate(
        what=Value(what), one=Cast(one, TextField()), two=Cast(two, TextField()), number=number,
        moment=moment).values("what", "one", "two", "number", "moment")


def _counted(found: QuerySet[Any], what: str, one: str, two: str = "") -> QuerySet[Any, Any]:
    return found.order_by().values(one, *filter(None, [two])).annotate(
        what=Value(what), one=Cast(F(one), CharField()),
        two=Cast(F(two), CharField()) if two else Value("", output_field=CharField()), number=Count("pk"),
        moment=NEVER).values("what", "one", "two", "number", "moment")

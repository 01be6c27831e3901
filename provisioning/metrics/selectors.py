"""What is measured, of all applications and hosts at once: two queries of the Configuration Database, however many
there are."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Case, CharField, Count, DateTimeField, F, IntegerField, QuerySet, Value, When
from django.db.models.functions import Cast
from django.utils import timezone

from provisioning.core.control import control_seen
from provisioning.core.known import Control
from provisioning.models import Alarm, Application, ComponentHeartbeat, Delivery, Host, Job, PairAudit
from provisioning.states import RUNNABLE_TYPES, HostStatus

from . import facts

Row = Mapping[str, Any]
HOST, BEAT = "host", "beat"
COUNTERS = ("restarts", "clients", "last_seq", "common_seq", "discarded", "acknowledged", "delivered", "waiting_bytes",
            "disk_free", "disk_total")
_SERVER = ("id", "name", "type", "backup_server_id", "host__name", "primary_server__name", *(
    f"runtime__{name}" for name in ("status", "heard_at", "latencies", *COUNTERS)), *(
    f"pair_state__{name}" for name in ("active_id", "standby_in_sync", "epoch", "automatic_failover", "disputed")))


def measured(now: datetime | None = None) -> facts.Measured:
    """Raises DatabaseError."""
    now = now or timezone.now()
    control = control_seen(now)
    most = settings.PAIRWISE_METRICS_OBJECTS
    rows = list(Application.objects.filter(type__in=RUNNABLE_TYPES).order_by("id").values(*_SERVER))
    told, others = rows[:most], list(_others())
    return facts.Measured(
        now=control.now, control_answers=control.answers,
        servers=tuple(_server(row, control) for row in told), pairs=tuple(_pairs(told)),
        hosts=tuple(_machine(row, control) for row in others if row["what"] == HOST)[:most],
        counts=tuple(facts.Count(row["what"], tuple(filter(None, (row["one"], row["two"]))), row["number"] or 0)
                     for row in others if row["what"] not in (HOST, BEAT)),
        beats={row["one"]: row["moment"] for row in others if row["what"] == BEAT},
        left_out=len(rows) - len(told))


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


def _others() -> QuerySet[Any, dict[str, Any]]:
    """Hosts, the console's parts and what is counted, as rows of one shape."""
    hosts = _shaped(Host.objects.filter(left_at=None), HOST, F("name"), F("runtime__status"),
                    Cast("runtime__worker_alive", IntegerField()), F("runtime__heard_at"))
    beats = _shaped(ComponentHeartbeat.objects.all(), BEAT, F("name"), Value(""), Value(0), F("at"))
    return hosts.union(
        beats, _counted(Job.objects.all(), "jobs", "kind", "state"),
        _counted(PairAudit.objects.filter(is_latest=True), "audits", "verdict"),
        _counted(Alarm.objects.filter(cleared_at=None, masked=False).annotate(
            known=Case(When(acknowledged_by="", then=Value(0)), default=Value(1))), "alarms", "category", "known"),
        _counted(Delivery.objects.all(), "deliveries", "state"), all=True)


def _shaped(found: QuerySet[Any], what: str, one: Any, two: Any, number: Any, moment: Any) -> QuerySet[Any, Any]:
    return found.order_by().annotate(
        what=Value(what), one=Cast(one, CharField()), two=Cast(two, CharField()), number=number,
        moment=moment).values("what", "one", "two", "number", "moment")


def _counted(found: QuerySet[Any], what: str, one: str, two: str = "") -> QuerySet[Any, Any]:
    return found.order_by().values(one, *filter(None, [two])).annotate(
        what=Value(what), one=Cast(F(one), CharField()),
        two=Cast(F(two), CharField()) if two else Value("", output_field=CharField()), number=Count("pk"),
        moment=Value(None, output_field=DateTimeField())).values("what", "one", "two", "number", "moment")

"""Pairs as the pages show them: the facts of each, trouble first, and what is paused."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BooleanField, Case, F, Q, QuerySet, Value, When

from protocol.events import Own
from provisioning.errors import Link, NotFound
from provisioning.models import Application, Event, Job, PairException, PairState
from provisioning.rules import ages
from provisioning.rules.known import Control, word
from provisioning.rules.pair_facts import MemberFacts, PairFacts
from provisioning.rules.pair_story import LEVELS, OK, Headline, headline
from provisioning.spelling import by_name, sort_key
from provisioning.states import ACTIVE_JOBS, ApplicationStatus, HostStatus, Mode

from .applications import PLACEHOLDERS, with_related
from .control import control_seen
from .events import OF_PAIR
from .jobs import lacks_its_last_report
from .pairs import has_backup

_RUNTIME = ("status", "mode", "reason", "epoch", "link", "link_reason", "last_seq", "common_seq", "common_digest",
            "first_seq", "clients", "pid", "discarded", "copy", "heard_at", "served_until")
_OWN = ("id", "name", "enabled", "working_directory", "command_line", "host__name", "host__runtime__status",
        *(f"runtime__{name}" for name in _RUNTIME))
_STATE = ("epoch", "active_id", "active_copy", "standby_in_sync", "automatic_failover", "paused_by", "paused_reason",
          "paused_at", "disputed", "reason", "since")
_COLUMNS = (*_OWN, *(f"backup_server__{name}" for name in _OWN), *(f"pair_state__{name}" for name in _STATE))
EVENT_GRANTED = Own.GRANTED


@dataclass(frozen=True)
class PairRow:
    """A line of the list of pairs."""

    facts: PairFacts
    headline: Headline

    @classmethod
    def of(cls, facts: PairFacts) -> "PairRow":
        return cls(facts, headline(facts))

    @property
    def topics(self) -> str:
        """What changes when anything that the line shows does."""
        return " ".join((f"pair:{self.facts.primary.id}", *(f"application:{each.id}" for each in self.facts.members)))


@dataclass(frozen=True)
class Paused:
    """A pair whose automatic failover is paused."""

    primary_id: int
    name: str
    by: str
    reason: str
    at: datetime | None

    def __str__(self) -> str:
        return f"{self.name}: {self.reason or 'no reason given'} ({self.by or 'an unknown user'})"


class PairList(Sequence):
    """Every pair of the list in its order. Of pairs that are well only what is looked at is read whole: they are
    thousands, and a page shows twenty-five."""

    def __init__(self, ordered: list[tuple[int, PairRow | None]]):
        self._ordered = ordered

    def __len__(self) -> int:
        return len(self._ordered)

    def __getitem__(self, at):
        if not isinstance(at, slice):
            return self[at:at + 1 or None][0]
        chosen = self._ordered[at]
        rows = {row.facts.primary.id: row for row in pairs_in_order([key for key, row in chosen if row is None])}
        found = [row or rows.get(key) for key, row in chosen]
        return [row for row in found if row is not None]


def pair_list(*, text: str = "", show: str = "") -> PairList:
    """Every pair, trouble first, then by name. ``text`` is in the name of a member or its host; ``show``: "trouble"
    or "paused"."""
    found = Application.objects.filter(has_backup())
    if text:
        found = found.filter(Q(name__holds=text) | Q(backup_server__name__holds=text) |
                             Q(host__name__holds=text) | Q(backup_server__host__name__holds=text))
    if show == "paused":
        found = found.filter(pair_state__automatic_failover=False)
    well, others = _well_and_others(found)
    order = [] if show == "trouble" else [(LEVELS.index(OK), sort_key(name), key, None) for key, name in well]
    for row in map(PairRow.of, _facts_of(Application.objects.filter(pk__in=others) if well else found)):
        if show != "trouble" or row.headline.level != OK:
            primary = row.facts.primary
            order.append((LEVELS.index(row.headline.level), sort_key(primary.name), primary.id, row))
    return PairList([(key, row) for _, _, key, row in sorted(order, key=lambda each: each[:3])])


def _well_and_others(found: QuerySet[Application]) -> tuple[list[tuple[int, str]], list[int]]:
    """((key, name) of pairs that are certain to be well, keys of the others), by the few columns that tell.

    It says of no pair that it is well whose headline would say otherwise; none is while control does not answer.
    """
    control = control_seen()
    if not control.answers:
        return [], []
    is_well = Case(When(_well(control.now), then=Value(True)), default=Value(False), output_field=BooleanField())
    rows = list(found.annotate(is_well=is_well).order_by().values_list("pk", "name", "is_well"))
    return [(key, name) for key, name, good in rows if good], [key for key, _, good in rows if not good]


def _well(now: datetime) -> Q:
    """One member serves by control's record and said so just now, the other stands by with every message."""
    def member(prefix: str, mode: Mode) -> Q:
        return Q(**{f"{prefix}runtime__status": ApplicationStatus.STARTED, f"{prefix}runtime__mode": mode})

    def serves(prefix: str, active: F) -> Q:
        return member(prefix, Mode.PRIMARY) & Q(**{
            "pair_state__active": active, f"{prefix}runtime__heard_at__gte": now - ages.SERVER})

    def same(name: str, *, unless: str | int) -> Q:
        """Both say the same; one that says nothing contradicts nothing."""
        theirs = f"backup_server__runtime__{name}"
        return Q(**{f"runtime__{name}": F(theirs)}) | Q(**{f"runtime__{name}": unless}) | Q(**{theirs: unless})

    alike = same("first_seq", unless=0) & (
        same("common_digest", unless="") | ~Q(runtime__common_seq=F("backup_server__runtime__common_seq")))
    recorded = Q(pair_state__standby_in_sync=True, pair_state__automatic_failover=True, pair_state__disputed=False)
    return alike & recorded & (
        serves("", F("pk")) & member("backup_server__", Mode.BACKUP)
        | serves("backup_server__", F("backup_server")) & member("", Mode.BACKUP))


def pairs_in_order(primary_ids: list[int]) -> list[PairRow]:
    """The pairs of these primaries that there still are, in this order: what a page of the list shows, anew."""
    found = Application.objects.filter(has_backup(), pk__in=primary_ids)
    rows = {facts.primary.id: PairRow.of(facts) for facts in _facts_of(found)}
    return [rows[key] for key in dict.fromkeys(primary_ids) if key in rows]


def pair_facts(primary_id: int) -> PairFacts:
    """Facts of one pair, or of a single server that has no backup (yet). Raises NotFound."""
    found = _facts_of(Application.objects.filter(pk=primary_id))
    if not found:
        raise NotFound("This application does not exist any more. Somebody may have deleted it.")
    return found[0]


def facts_of_pairs(primary_ids: Iterable[int]) -> dict[int, PairFacts]:
    """{primary: facts} of pairs."""
    keys = list(primary_ids)
    found = _facts_of(Application.objects.filter(has_backup(), pk__in=keys)) if keys else []
    return {facts.primary.id: facts for facts in found}


def member_facts(application_id: int) -> MemberFacts | None:
    """Facts of one server by itself; None when it does not exist."""
    found = _facts_of(Application.objects.filter(pk=application_id))
    return found[0].primary if found else None


def pair_count() -> int:
    return Application.objects.filter(has_backup()).count()


def pair_rows(primary_id: int) -> tuple[Application, Application | None]:
    """The rows of primary and backup as in ``selectors.applications``. Raises NotFound."""
    rows = with_related(Application.objects.filter(Q(pk=primary_id) | Q(primary_server__pk=primary_id)))
    found = {row.pk: row for row in rows}
    if primary_id not in found:
        raise NotFound("This application does not exist any more. Somebody may have deleted it.")
    primary = found[primary_id]
    return primary, found.get(primary.backup_server_id)


def paused_pairs(limit: int = 20) -> list[Paused]:
    """Pairs whose automatic failover is paused, the latest first. One query: every page asks."""
    rows = PairState.objects.filter(has_backup("primary__"), automatic_failover=False)
    return [Paused(*values) for values in rows.order_by("-paused_at").values_list(
        "primary_id", "primary__name", "paused_by", "paused_reason", "paused_at")[:limit]]


def pair_events(primary: Application, backup: Application | None, *, everything: bool = False) -> QuerySet[Event]:
    """The timeline of both members, newest first: role changes with their reasons, or ``everything``.

    What concerns the whole pair stands in the timelines of both members and is told once. Each row has ``of_pair``.
    """
    of_pair = Q(number__in=OF_PAIR)
    members = [row.pk for row in (primary, backup) if row]
    found = Event.objects.filter(application_id__in=members).exclude(of_pair & ~Q(application_id=primary.pk))
    if not everything:
        found = found.filter(of_pair | Q(number=EVENT_GRANTED))
    return found.select_related("application").annotate(of_pair=Case(
        When(of_pair, then=Value(True)), default=Value(False), output_field=BooleanField())).order_by("-id")


def exceptions_of(primary_id: int) -> dict[str, int]:
    """{what: key} of the differences that are declared to be intended."""
    return dict(PairException.objects.filter(primary_id=primary_id).values_list("what", "pk"))


def backup_candidates(primary: Application) -> QuerySet[Application]:
    """Servers that ``primary`` could name as its Backup Server, by name."""
    free = with_related(Application.objects.filter(type=primary.type, backup_server=None, primary_server=None))
    return free.exclude(pk=primary.pk).order_by(*by_name("name"))


# --- rows into facts


def _facts_of(primaries: QuerySet[Application]) -> list[PairFacts]:
    """Plain values in one query (and one for jobs): thousands of model objects would take seconds."""
    control = control_seen()
    rows = list(primaries.order_by(*by_name("name")).values(*_COLUMNS))
    jobs = _jobs_at_work({row[key] for row in rows for key in ("id", "backup_server__id")} - {None})
    return [_pair(row, jobs, control) for row in rows]


def _jobs_at_work(application_ids: set[int]) -> dict[int, Link]:
    active = Job.objects.filter(state__in=ACTIVE_JOBS)
    if len(application_ids) < 100:
        active = active.filter(application_id__in=application_ids)
    found = active.select_related("application__runtime").only(
        "kind", "application_name", "created_at", "application__name", "application__runtime__status",
        "application__runtime__started_at")
    return {job.application_id: job.link for job in found
            if job.application and not lacks_its_last_report(job.application, job)}


def _pair(row: dict, jobs: dict[int, Link], control: Control) -> PairFacts:
    state = {name: row[f"pair_state__{name}"] for name in _STATE}
    known = state["epoch"] is not None
    return PairFacts(
        primary=_member(row, "", jobs, control), backup=_member(row, "backup_server__", jobs, control),
        epoch=state["epoch"] or 0, active_id=state["active_id"], active_copy=state["active_copy"] or "",
        in_sync=bool(state["standby_in_sync"]), disputed=bool(state["disputed"]),
        automatic_failover=state["automatic_failover"] if known else True, paused_by=state["paused_by"] or "",
        paused_reason=state["paused_reason"] or "", paused_at=state["paused_at"], reason=state["reason"] or "",
        since=state["since"], control_answers=control.answers, now=control.now)


def _member(row: dict, prefix: str, jobs: dict[int, Link], control: Control) -> MemberFacts | None:
    values = {name: row[prefix + name] for name in _OWN}
    if values["id"] is None:
        return None
    runtime = {name: values[f"runtime__{name}"] for name in _RUNTIME}
    installed = not {values["working_directory"], values["command_line"]} & set(PLACEHOLDERS)
    if runtime["status"] is None:
        runtime = {"status": ApplicationStatus.UNKNOWN if installed else ApplicationStatus.STOPPED}
    else:
        said = word(control, **{name: runtime[name] for name in ("status", "mode", "reason")})
        runtime |= {"status": said.status, "mode": said.mode, "reason": said.reason, "last_mode": said.last_mode}
    host_status = values["host__runtime__status"] if control.answers else None
    return MemberFacts(
        id=values["id"], name=values["name"], enabled=values["enabled"], installed=installed,
        working_directory=values["working_directory"], host_name=values["host__name"] or "",
        host_status=host_status or HostStatus.UNKNOWN, job=jobs.get(values["id"]), **runtime)

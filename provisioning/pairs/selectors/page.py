"""Pairs as the pages show them: the facts of each, trouble first, and what is paused."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BooleanField, Case, F, Q, QuerySet, Value, When

from protocol.events import Own
from provisioning.applications.selectors.applications import with_related
from provisioning.core import ages
from provisioning.core.control import control_seen
from provisioning.core.events import OF_PAIR
from provisioning.errors import NotFound
from provisioning.models import Application, Event, PairException, PairState
from provisioning.pairs.rules.facts import PairFacts
from provisioning.pairs.rules.members import Member
from provisioning.pairs.rules.story import BROKEN, LEVELS, OK, Headline, headline
from provisioning.spelling import by_name, sort_key
from provisioning.states import ENDED, ApplicationStatus, Mode

from .members import facts_of
from .pairs import has_backup

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

    @property
    def to_start(self) -> list[Member]:
        """Members that nobody starts yet, while nobody serves in the pair."""
        if self.headline.level != BROKEN or self.facts.disputed:
            return []
        return [each for each in self.facts.members if each.status in ENDED and each.job is None]

    @property
    def start_label(self) -> str:
        names = [each.name for each in self.to_start]
        return "Start both" if len(names) > 1 else f"Start {names[0]}" if names else ""


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
    order: list[tuple[int, str | None, int, PairRow | None]] = [] if show == "trouble" else [
        (LEVELS.index(OK), sort_key(name), key, None) for key, name in well]
    for row in map(PairRow.of, facts_of(Application.objects.filter(pk__in=others) if well else found)):
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
    rows = {facts.primary.id: PairRow.of(facts) for facts in facts_of(found)}
    return [rows[key] for key in dict.fromkeys(primary_ids) if key in rows]


def pair_facts(primary_id: int) -> PairFacts:
    """Facts of one pair, or of a single server that has no backup (yet), with ports and Hosts. Raises NotFound."""
    found = facts_of(Application.objects.filter(pk=primary_id), in_full=True)
    if not found:
        raise NotFound("This application does not exist any more. Somebody may have deleted it.")
    return found[0]


def facts_of_pairs(primary_ids: Iterable[int]) -> dict[int, PairFacts]:
    """{primary: facts} of pairs."""
    keys = list(primary_ids)
    found = facts_of(Application.objects.filter(has_backup(), pk__in=keys)) if keys else []
    return {facts.primary.id: facts for facts in found}


def pair_count() -> int:
    return Application.objects.filter(has_backup()).count()


def pair_rows(primary_id: int) -> tuple[Application, Application | None]:
    """The rows of primary and backup as in ``applications.selectors.applications``. Raises NotFound."""
    rows = with_related(Application.objects.filter(Q(pk=primary_id) | Q(primary_server__pk=primary_id)))
    found = {row.pk: row for row in rows}
    if primary_id not in found:
        raise NotFound("This application does not exist any more. Somebody may have deleted it.")
    primary = found[primary_id]
    return primary, found.get(primary.backup_server_id or 0)


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
        When(of_pair, then=Value(True)), default=Value(False), output_field=BooleanField())).order_by("-at", "-id")


def exceptions_of(primary_id: int) -> dict[str, int]:
    """{what: key} of the differences that are declared to be intended."""
    return dict(PairException.objects.filter(primary_id=primary_id).values_list("what", "pk"))


def backup_candidates(primary: Application) -> QuerySet[Application]:
    """Servers that ``primary`` could name as its Backup Server, by name."""
    free = with_related(Application.objects.filter(type=primary.type, backup_server=None, primary_server=None))
    return free.exclude(pk=primary.pk).order_by(*by_name("name"))

"""A failover drill: what is looked at before, what its probe load proves, and how that is said. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from provisioning.pairs.rules.facts import PairFacts
from provisioning.pairs.rules.failover_facts import NO, OK, Condition, FailoverVerdict
from provisioning.pairs.rules.story import BROKEN, MOVING_ON, RISK
from provisioning.states import DrillState

LEVELS = {DrillState.RUNNING: MOVING_ON, DrillState.PASSED: OK, DrillState.FAILED: BROKEN, DrillState.REFUSED: RISK,
          DrillState.INTERRUPTED: RISK}
"""How an outcome is shown: a level of pairs.rules.story."""

PRESSING = frozenset({"urgent", "expired"})
"""A certificate that lasts no more than a week: what a drill proves now would not hold for long."""


# --- before


def preflight(verdict: FailoverVerdict, facts: PairFacts, jobs: Iterable[str] = ()) -> tuple[Condition, ...]:
    """All conditions of a drill: those of "would failover work now?", certificates that last, and no job under way.

    ``jobs`` are sentences about jobs that work on a member.
    """
    kept = [each for each in verdict.conditions if each.code != "certificates"]
    return (*kept, _certificates(verdict, facts), _jobs(tuple(jobs)))


def _certificates(verdict: FailoverVerdict, facts: PairFacts) -> Condition:
    found = next(each for each in verdict.conditions if each.code == "certificates")
    pressing = [each for member in facts.members for each in member.live.certificates if each.urgency in PRESSING]
    return Condition(found.code, found.label, found.state, found.sentence, found.advice, necessary=bool(pressing))


def _jobs(sentences: tuple[str, ...]) -> Condition:
    if sentences:
        return Condition("jobs", "No running job", NO, " ".join(sentences), "Wait until it has ended, or cancel it.")
    return Condition("jobs", "No running job", OK, "No job works on a member.")


def missing(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    return tuple(each for each in conditions if each.necessary and each.state != OK)


def summary(conditions: Iterable[Condition]) -> str:
    """How many of all conditions that the report lists hold, as a sentence."""
    rows = tuple(conditions)
    if absent := len(missing(rows)):
        verb = "does not hold or is" if absent == 1 else "do not hold or are"
        return f"{absent} of {len(rows)} conditions {verb} not known."
    if not (doubtful := sum(each.state != OK for each in rows)):
        return f"All {len(rows)} conditions hold."
    others = "the other one" if doubtful == 1 else f"the other {doubtful}"
    return f"{len(rows) - doubtful} of {len(rows)} conditions hold; look at {others}, which a drill does not need."


def to_rows(conditions: Iterable[Condition]) -> list[dict[str, Any]]:
    """As ``Drill.preflight`` keeps them."""
    return [asdict(each) for each in conditions]


def conditions_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Condition, ...]:
    return tuple(Condition(**row) for row in rows)


# --- what the probe load proves


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What a probe load sent and was told. Numbers begin at 1; ``acknowledged_at`` are the times of the receipts
    (seconds of one clock, growing); ``delivered`` is {number: how often it came}. ``caught_up``: a connection that
    reads all there is was there long enough, so what did not come is not there."""

    sent: int = 0
    acknowledged: frozenset[int] = frozenset()
    acknowledged_at: tuple[float, ...] = ()
    delivered: Mapping[int, int] | None = None
    caught_up: bool = False


@dataclass(frozen=True, kw_only=True)
class Figures:
    """``outage_*_ms``: the longest time without an acknowledgement around each switch, None while there was none.
    ``lost`` counts messages that were acknowledged and are not there; None when nobody could read them back."""

    sent: int = 0
    acknowledged: int = 0
    delivered: int = 0
    lost: int | None = None
    duplicated: int = 0
    outage_over_ms: float | None = None
    outage_back_ms: float | None = None

    @property
    def longest_outage_ms(self) -> float | None:
        return max((each for each in (self.outage_over_ms, self.outage_back_ms) if each is not None), default=None)

    @property
    def is_sound(self) -> bool:
        """Everything that was acknowledged arrived, and once."""
        return self.lost == 0 and not self.duplicated


def longest_gap(times: Sequence[float], since: float, until: float) -> float | None:
    """The longest time without an acknowledgement that touches ``since`` to ``until``, in seconds; None when none came
    after ``since``: it is not over."""
    gaps = [later - earlier for earlier, later in pairwise(times) if later > since and earlier < until]
    return max(gaps, default=None)


def figures(ledger: Ledger, over: tuple[float, float] | None = None,
            back: tuple[float, float] | None = None) -> Figures:
    """``over`` and ``back``: from when to when each switch is looked at, None for one that was not made."""
    delivered = ledger.delivered or {}
    absent = len(ledger.acknowledged - delivered.keys())
    gaps = [None if window is None else longest_gap(ledger.acknowledged_at, *window) for window in (over, back)]
    over_ms, back_ms = (None if gap is None else round(gap * 1000, 1) for gap in gaps)
    return Figures(
        sent=ledger.sent, acknowledged=len(ledger.acknowledged), delivered=len(delivered),
        lost=absent if ledger.caught_up or not absent else None,
        duplicated=sum(times - 1 for times in delivered.values()),
        outage_over_ms=over_ms, outage_back_ms=back_ms)


def figures_of(row: Mapping[str, Any]) -> Figures:
    """As ``Drill.figures`` keeps them."""
    return Figures(**{name: row[name] for name in Figures.__dataclass_fields__ if name in row})


# --- how it is said


def seconds(ms: float | None) -> str:
    return "not known" if ms is None else f"{ms / 1000:.2f} s" if ms < 10_000 else f"{ms / 1000:.0f} s"


def complaint(found: Figures) -> str:
    """What is wrong with the messages, "" when nothing is."""
    if found.lost:
        return f"{_messages(found.lost)} {_were(found.lost)} acknowledged and not there afterwards."
    if found.duplicated:
        return f"{_messages(found.duplicated)} arrived more than once."
    return ""


def loss(found: Figures) -> str:
    """"no loss", "3 messages lost" or "loss not known"."""
    if found.lost is None:
        return "loss not known"
    words = f"{_messages(found.lost)} lost" if found.lost else "no loss"
    return f"{words}, {_messages(found.duplicated)} twice" if found.duplicated else words


def passed(first: str, second: str, found: Figures) -> str:
    waited = f"{seconds(found.outage_over_ms)} and {seconds(found.outage_back_ms)}"
    return (f"{second} took over from {first} and {first} from {second}. Senders waited {waited}; all "
            f"{_messages(found.acknowledged)} arrived once.")


def left(before: str, now: str, *, switched_back: bool) -> tuple[str, str]:
    """(what a drill that went wrong left behind, what to do); ``now`` is "" while nobody serves."""
    if not now:
        return ("Nobody is recorded as the active server.", "Start both members.")
    if now != before:
        return (f"{now} serves now; before the drill {before} did.",
                f"To have {before} serve again, wait until it is in sync and press Switch Over.")
    return (f"{before} serves {'again, as before' if switched_back else 'as before'}.", "")


def _messages(count: int) -> str:
    return f"{count:,} message{'' if count == 1 else 's'}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


# --- the button


def follows(facts: PairFacts) -> tuple[str, ...]:
    """What a confirmation says: what will be hit and what follows."""
    active, standby = facts.by_role
    count = active.live.clients
    hit = (f"{count} client{'' if count == 1 else 's'} of {active.name} {'reconnects' if count == 1 else 'reconnect'} "
           "twice, each time in about a second." if count else f"No client is connected to {active.name} now.")
    return (f"{active.name} hands over to {standby.name}, and when both are in sync again {standby.name} hands back to "
            f"{active.name}.",
            "First everything is looked at that failover depends on; if something is missing, nothing is switched.",
            hit,
            "A small probe load sends some messages a second to a destination of its own and counts what arrives.",
            f"Meanwhile nobody can switch over, start, stop or install {active.name} and {standby.name}.")


def last_time(found: Figures, took_s: float) -> str:
    """What the drill that passed last cost."""
    return (f"The last one that passed took {took_s:.0f} s; senders waited {seconds(found.outage_over_ms)} and "
            f"{seconds(found.outage_back_ms)}.")

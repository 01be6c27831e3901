"""A failover drill: what is looked at before, what its probe load proves, and how that is said. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
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


# --- how it is said


def left(before: str, now: str, *, switched_back: bool) -> tuple[str, str]:
    """(what a drill that went wrong left behind, what to do); ``now`` is "" while nobody serves."""
    if not now:
        return ("Nobody is recorded as the active server.", "Start both members.")
    if now != before:
        return (f"{now} serves now; before the drill {before} did.",
                f"To have {before} serve again, wait until it is in sync and press Switch Over.")
    return (f"{before} serves {'again, as before' if switched_back else 'as before'}.", "")


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

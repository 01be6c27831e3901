"""What of both members is known well enough to judge a failover by, and what to do about the rest. Pure."""

from collections.abc import Callable, Sequence

from provisioning.core import ages
from provisioning.core.known import age_s
from provisioning.states import ENDED, MOVING

from .facts import PairFacts
from .failover_facts import NO, OK, UNKNOWN
from .members import Member

FRESH_S = ages.MEMBER.total_seconds()
Result = tuple[str, str, str]
"""(state, sentence, advice)."""


def heard_s(facts: PairFacts, member: Member) -> float | None:
    """Seconds since control last heard of ``member``; None when that is not known."""
    return age_s(member.live.heard_at, facts.now)


def is_fresh(facts: PairFacts, member: Member) -> bool:
    seconds = heard_s(facts, member)
    return seconds is not None and seconds <= FRESH_S


def down(facts: PairFacts) -> list[Member]:
    """Members of which nothing is heard because no process of theirs runs, as their agents say. While nothing can be
    written down, what is read here may be of before."""
    if facts.asked.database:
        return []
    return [member for member in facts.members if member.status in ENDED and not is_fresh(facts, member)]


def silent(facts: PairFacts) -> list[Member]:
    """Members that may run and of which nothing was heard of late."""
    return [member for member in facts.members if member.status not in ENDED and not is_fresh(facts, member)]


def named(members: Sequence[Member]) -> str:
    return " and ".join(member.name for member in members)


def are_down(members: Sequence[Member]) -> str:
    """Which status each has, as sentences."""
    if len({member.status for member in members}) > 1:
        return " ".join(f"{member.name} is {member.status}." for member in members)
    return f"{named(members)} {'is' if len(members) == 1 else 'are'} {members[0].status}."


def start(members: Sequence[Member]) -> str:
    return f"Start {members[0].name}." if len(members) == 1 else "Start both servers."


def of_both(facts: PairFacts, wrong: Callable[[Member], str], good: str, advice: str, *, live: bool = False) -> Result:
    """NO with the sentences of ``wrong`` ("" = all right) about both members; ``live``: on what is fresh only, and on
    servers that are known not to run."""
    ended = down(facts) if live else []
    known = [member for member in facts.members if not live or is_fresh(facts, member)]
    sentences = [sentence for member in known if (sentence := wrong(member))]
    if ended:
        helps = f"{start(ended)} {advice if sentences else ''}".rstrip()
        return NO, " ".join([are_down(ended), *sentences]), helps
    if sentences:
        return NO, " ".join(sentences), advice
    if len(known) < 2:
        return (UNKNOWN, f"It is not known of {named([member for member in facts.members if member not in known])}.",
                hear(facts))
    return OK, good, ""


def hear(facts: PairFacts) -> str:
    """What to do when too little was heard of late."""
    if facts.asked.database:
        return f"{facts.asked.database} What is heard meanwhile cannot be written down: end that first."
    if facts.asked.control or not facts.control_answers:
        return "Start control and the servers, and check the network between them."
    ended, lost = down(facts), silent(facts)
    coming = [member for member in lost if member.status in MOVING]
    lost = [member for member in lost if member not in coming] or ([] if ended or coming else [*facts.members])
    said = [start(ended)] if ended else []
    if coming:
        said.append(f"Wait for {named(coming)}: {'it is on its' if len(coming) == 1 else 'they are on their'} way.")
    if lost:
        said.append(f"Check that {named(lost)} {'runs' if len(lost) == 1 else 'run'}, and the network from there to "
                    "control.")
    return " ".join(said)

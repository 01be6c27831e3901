"""What is going on with a pair, in one sentence, and why a verb cannot be done to it now. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from provisioning.core import copies
from provisioning.core.text import closed
from provisioning.states import ENDED, MOVING, ApplicationStatus, SyncLink

from .facts import PairFacts
from .members import Member
from .proofs import Proof
from .restored import IN_DISPUTE

OK, MOVING_ON, RISK, BROKEN, IDLE, NEW = "ok", "moving", "risk", "broken", "idle", "new"
LEVELS = (BROKEN, RISK, MOVING_ON, IDLE, OK, NEW)
"""Worst first, and what is not set up yet last: the order of the list of pairs. IDLE is of a single server only: a pair
that has served and does not is BROKEN, whoever stopped it."""


@dataclass(frozen=True)
class Headline:
    """``sentence`` in large type; ``more`` says what follows or what to do, "" for nothing."""

    level: str
    sentence: str
    more: str = ""


def headline(facts: PairFacts) -> Headline:
    """The one sentence at the top of the Pair page."""
    if not facts.control_answers:
        return Headline(RISK, "Control does not answer: nothing fails over, and what is shown here may be old.",
                        "Servers that run keep running. Start control (./run starts it).")
    if facts.disputed:
        return _disputed(facts)
    if facts.backup is None:
        return _without_backup(facts)
    active = facts.active
    if active is None:
        return _never_served(facts)
    return _serving(facts, active) if active.serves else _not_serving(facts, active)


def _disputed(facts: PairFacts) -> Headline:
    serving = next((member for member in facts.members if member.serves), None)
    sentence = f"Nothing is decided about {_names(facts.members)} until somebody says which server goes on."
    if serving:
        return Headline(RISK, f"{serving.name} serves on. {sentence}", facts.reason)
    return Headline(BROKEN, sentence, facts.reason)


def _without_backup(facts: PairFacts) -> Headline:
    name = facts.primary.name
    serves = f"{name} serves" if facts.primary.serves else f"{name} is {facts.primary.status}"
    return Headline(RISK if facts.primary.serves else IDLE,
                    f"{serves} and has no Backup Server: when it fails, nothing takes over.",
                    "The steps below make it one of a pair.")


def _never_served(facts: PairFacts) -> Headline:
    moving = [member for member in facts.members if member.status in MOVING]
    if moving:
        return Headline(MOVING_ON, f"{_names(moving)} {_is(moving)} coming up; nobody serves yet.")
    if all(member.is_at_rest for member in facts.members):
        missing = [member for member in facts.members if not member.installed]
        todo = f"Install {_names(missing)}, then start both." if missing else "Start both to serve."
        return Headline(NEW, "Not set up yet: neither server of this pair has served.", todo)
    return Headline(BROKEN, "Nobody serves, and nobody has served in this pair yet.", _why_of(facts.members))


def _serving(facts: PairFacts, active: Member) -> Headline:
    (_, standby), name = facts.by_role, active.name
    if not facts.is_fresh(active):
        return Headline(RISK, f"{name} served when it was last heard of; whether it does now is not known.")
    if facts.standby_begins_later:
        return Headline(RISK, f"{name} serves, but {standby.name} lacks its beginning: it begins at record "
                              f"{standby.live.first_seq:,}, {name} at record {active.live.first_seq:,}.",
                        "It fetches what is missing by itself. If it stays so, stop it, put its data directory aside "
                        "and start it again: then it fetches a full copy.")
    if facts.digests_equal is False and copies.begin_alike(active.live, standby.live):
        return Headline(RISK, f"{name} serves, but the copies differ at record {active.live.common_seq:,}.",
                        f"Stop {standby.name}, put its data directory aside and start it: it fetches a full copy.")
    if facts.in_sync and standby.stands_by and not facts.automatic_failover:
        return Headline(RISK, f"{name} serves and {standby.name} has every message, but automatic failover is paused.",
                        f"Nothing takes over by itself until it is resumed. {paused_sentence(facts)}")
    if facts.in_sync and standby.stands_by:
        return Headline(OK, f"{name} serves; {standby.name} has every message and takes over if {name} fails.")
    if facts.in_sync:
        return Headline(RISK, f"{name} serves, but {standby.name} is {standby.status}: messages wait until control has "
                              "recorded that it is out of sync.", standby.reason)
    return _serving_alone(facts, name, standby)


def _serving_alone(facts: PairFacts, name: str, standby: Member) -> Headline:
    if not standby.runs:
        then = "" if standby.status not in ENDED or standby.job else f"Start {standby.name}."
        then = then if standby.installed else f"Install {standby.name}."
        return Headline(RISK, f"{name} serves alone: {standby.name} is {standby.status}.",
                        f"If {name} fails now, nothing takes over. {then}".strip())
    if facts.link == SyncLink.DOWN:
        return Headline(RISK, f"{name} serves alone: the sync link to {standby.name} is broken.", facts.link_reason)
    if facts.link == SyncLink.CATCHING_UP:
        left = f", {facts.lag:,} record{'s' if facts.lag != 1 else ''} to go" if facts.lag else ""
        return Headline(MOVING_ON, f"{name} serves alone while {standby.name} is catching up{left}.",
                        f"If {name} fails before that, nothing takes over.")
    return Headline(RISK, f"{name} serves alone: {standby.name} is {standby.status} and not in sync.", standby.reason)


def _not_serving(facts: PairFacts, active: Member) -> Headline:
    _, standby = facts.by_role
    state = f"{active.name} is {active.status}"
    if facts.store_was_replaced and not facts.in_sync:
        return Headline(BROKEN, f"Nobody serves: {active.name} came back without the messages that it served with.",
                        "Stop it, put its data directory back and start it again. If it is lost, promote "
                        f"{standby.name} or {active.name} and give up what only the former store had.")
    if active.status == ApplicationStatus.SERVICE_UNAVAILABLE:
        return Headline(BROKEN, f"Nobody serves: {active.name} is the active server and cannot serve.", active.reason)
    if active.status in ENDED and standby.status in ENDED:
        return _both_ended(facts, active, standby)
    if active.status in MOVING:
        return Headline(MOVING_ON, f"{state}; nobody serves until it is done.", active.reason)
    if facts.in_sync and standby.runs and facts.automatic_failover:
        return Headline(MOVING_ON, f"{state}; {standby.name} has every message and takes over.", active.reason)
    if facts.in_sync and standby.runs:
        return Headline(BROKEN, f"Nobody serves: {state}, and automatic failover is paused.",
                        f"{standby.name} has every message: Switch Over"
                        + (f", resume automatic failover, or start {active.name}." if active.status in ENDED else
                           " or resume automatic failover."))
    if facts.in_sync:
        return Headline(BROKEN, f"Nobody serves: {state}, and so is {standby.name}."
                        if standby.status == active.status else
                        f"Nobody serves: {state} and {standby.name} is {standby.status}.",
                        f"{_how_to_serve(facts.members)} {closed(active.reason)}".strip())
    return Headline(BROKEN, f"Nobody serves: {state}, and {standby.name} does not have every message.",
                    f"{_how_to_have_back(active)} {standby.name} can be promoted only by accepting the loss.")


_SILENT = "Look why control hears nothing of {}: at the host, the network, the process."


def _how_to_serve(members: Sequence[Member]) -> str:
    """Of members that are in sync, of which none or one has ended and the others may still run."""
    ended = [member.name for member in members if member.status in ENDED]
    if ended:
        return f"Start {ended[0]}: both members have every message."
    return f"Both have every message. {_SILENT.format('them')}"


def _how_to_have_back(active: Member) -> str:
    if active.status in ENDED:
        return f"Start {active.name}, which has them all."
    return f"{active.name} has them all. {_SILENT.format('it')}"


def _both_ended(facts: PairFacts, active: Member, standby: Member) -> Headline:
    if facts.in_sync:
        todo = "Start both: each has every message."
    else:
        todo = f"Start both: {active.name} has every message and serves again, {standby.name} catches up."
    return Headline(BROKEN, f"Nobody serves: {active.name} is {active.status} and {standby.name} is {standby.status}.",
                    f"{_why_of(facts.members)} {todo}".strip())


def paused_sentence(facts: PairFacts) -> str:
    """Who paused automatic failover, and why; "" while it is on."""
    if facts.automatic_failover:
        return ""
    why = f": {facts.paused_reason}" if facts.paused_reason else ""
    return f"Paused by {facts.paused_by or 'an unknown user'}{why}".rstrip(".") + "."


def _names(members: Sequence[Member]) -> str:
    return " and ".join(member.name for member in members)


def _is(members: Sequence[Member]) -> str:
    return "is" if len(members) == 1 else "are"


def _why_of(members: Sequence[Member]) -> str:
    return " ".join(f"{member.name}: {closed(member.reason)}" for member in members if member.reason)


# --- what can be done now


OF_CONTROL = ("switchover", "pause", "resume", "promote", "promote-active")


def why_not(facts: PairFacts) -> dict[str, str]:
    """{verb: the sentence that says why it cannot be done now}; verbs that can are missing. Verbs: switchover, pause,
    resume, promote, promote-active, synchronize."""
    found = dict.fromkeys((*OF_CONTROL, "synchronize"), no_pair(facts.primary.name))
    if facts.backup is None:
        return found
    found = {"switchover": _why_not_switch_over(facts), "promote": _why_not_promote(facts),
             "pause": "" if facts.automatic_failover else "Automatic failover is paused already.",
             "resume": "Automatic failover is on already." if facts.automatic_failover else "",
             "promote-active": "" if facts.store_was_replaced else _why_not_promote_active(facts),
             "synchronize": ""}
    if not facts.control_answers:
        found |= dict.fromkeys(OF_CONTROL,
                               "Control does not answer, and only control changes roles. Start it first.")
    elif facts.disputed:
        found |= dict.fromkeys(OF_CONTROL, IN_DISPUTE)
    return {verb: sentence for verb, sentence in found.items() if sentence}


def no_pair(name: str) -> str:
    """What is said when a verb of pairs is asked for of the server ``name``, which is in none."""
    return (f"{name} is no member of a pair. Open the server that is to be the primary, choose its Backup Server and "
            "Redundancy Type Warm Standby, and save.")


def _why_not_switch_over(facts: PairFacts) -> str:
    _, standby = facts.by_role
    if facts.active is None:
        return "Nobody serves in this pair yet. Start both members first."
    if not standby.runs:
        return f"{standby.name} is {standby.status}. Start it and wait until it is in sync."
    if not facts.in_sync:
        return f"{standby.name} is not in sync: a switchover now would lose messages. Wait until it has caught up."
    return "" if standby.stands_by else f"{standby.name} is {standby.status}. Wait until it stands by."


def _why_not_promote(facts: PairFacts) -> str:
    active, standby = facts.by_role
    if facts.active is None:
        return "Nobody has served in this pair yet, so there is nothing that could be lost. Start both members."
    if facts.in_sync:
        return f"{standby.name} has every message: Switch Over loses nothing."
    if active.serves:
        return f"{active.name} serves. Wait until {standby.name} is in sync, or stop {active.name} first."
    if not standby.runs:
        return f"{standby.name} is {standby.status}. Start it first; only a running server can be promoted."
    return ""


def _why_not_promote_active(facts: PairFacts) -> str:
    active = facts.active or facts.primary
    return f"{active.name} has the store that it served with. It serves again by itself once it is started."


# --- what was proven


@dataclass(frozen=True)
class Badge:
    """What a probe showed of one member: a level of LEVELS or NOT_PROVEN, a word, and the sentence."""

    level: str
    word: str
    sentence: str


NOT_PROVEN = "unknown"


def badge(facts: PairFacts, member: Member, proof: Proof | None) -> Badge:
    """``proof`` is this member's answer to a probe; None when there was none. Green is for what was proven alone."""
    if proof is None or not proof.connected:
        return Badge(NOT_PROVEN, "Not proven", f"{member.name} is not connected to control, so it cannot be asked.")
    why = proof.reason or "it did not say why"
    is_active = member.id == facts.active_id
    if proof.is_primary and is_active:
        return Badge(OK, "Primary", f"A write was accepted and made durable in {proof.took_ms:.0f} ms.")
    if proof.accepts:
        return Badge(BROKEN, "Accepts writes", f"{member.name} accepted a write though by control's record it does not "
                                               "serve. Stop it and look into its log.")
    if is_active:
        return Badge(BROKEN, "Refuses writes", f"A write was not accepted: {why}")
    if proof.is_backup:
        return Badge(OK, "Backup", f"It refused a write, as a backup has to: {why}")
    return Badge(NOT_PROVEN, "No role", f"It refused a write: {why}")


# --- what follows


def follows(verb: str, facts: PairFacts) -> tuple[str, ...]:
    """The sentences of a confirmation: what will be hit and what follows. Verbs as in ``why_not``."""
    return _FOLLOWS[verb](facts)


def _switch_over_follows(facts: PairFacts) -> tuple[str, ...]:
    active, standby = facts.by_role
    count = active.live.clients
    reconnect = (f"{count} client{'s' if count != 1 else ''} of {active.name} "
                 f"{'reconnect' if count != 1 else 'reconnects'} to {standby.name}."
                 if count else f"No client is connected to {active.name} now.")
    if not active.serves:
        return (f"{standby.name} takes over: {active.name} is {active.status}.",
                f"{standby.name} has every message that was acknowledged, so nothing is lost.")
    return (f"{active.name} hands over to {standby.name} and becomes its backup.", reconnect,
            "Nothing that was acknowledged is lost. If it cannot be done, everything stays as it is.")


def _pause_follows(facts: PairFacts) -> tuple[str, ...]:
    active, standby = facts.by_role
    return (f"If {active.name} fails, {standby.name} does not take over by itself.",
            "Synchronization and Switch Over go on as before.",
            "Every page says that it is paused, by whom and why, until somebody resumes it.")


def _resume_follows(facts: PairFacts) -> tuple[str, ...]:
    active, standby = facts.by_role
    if facts.active and not facts.active.serves and facts.in_sync:
        return (f"{standby.name} takes over at once: {active.name} is {active.status}.", paused_sentence(facts))
    return (f"If {active.name} fails, {standby.name} takes over by itself again, when it is in sync.",
            paused_sentence(facts))


def _promote_follows(facts: PairFacts) -> tuple[str, ...]:
    active, standby = facts.by_role
    return (f"{standby.name} serves with the messages that it has. What only {active.name} has is given up: "
            f"{_lost(facts)}.",
            f"When {active.name} comes back, it becomes the backup, cuts those records off and keeps them in a file.",
            f"Starting {active.name} instead loses nothing.")


def _promote_active_follows(facts: PairFacts) -> tuple[str, ...]:
    active, standby = facts.by_role
    last_seq = active.live.last_seq
    has = f"{last_seq:,} record{'s' if last_seq != 1 else ''}" if last_seq else "no record"
    return (f"{active.name} serves with the store that it has now ({has}). The messages of its former store are given "
            "up.",
            f"{standby.name} becomes equal to it: what {standby.name} has and {active.name} has not is cut off there "
            "and kept in a file.",
            f"Putting the former data directory of {active.name} back loses nothing; promoting {standby.name} keeps "
            f"what {standby.name} has.")


def _lost(facts: PairFacts) -> str:
    lag = facts.lag
    active, standby = facts.by_role
    if lag is None or not standby.live.common_seq:
        return "nobody knows how many"
    if not lag:
        return "perhaps none, but nothing proves it"
    first, last = standby.live.common_seq + 1, active.live.last_seq
    return f"at least {lag:,} record{'s' if lag != 1 else ''} ({first:,} to {last:,})"


_FOLLOWS = {"switchover": _switch_over_follows, "pause": _pause_follows, "resume": _resume_follows,
            "promote": _promote_follows, "promote-active": _promote_active_follows}


def why_none(facts: PairFacts, running: str = "") -> str:
    """Why no drill can be started now, as far as it is obvious, "" when nothing is; the pre-flight looks closer.
    ``running`` is a sentence about the drill that runs."""
    if facts.backup is None:
        return no_pair(facts.primary.name)
    if running:
        return running
    if not facts.control_answers:
        return "Control does not answer, and only control changes roles. Start it first."
    if facts.disputed:
        return IN_DISPUTE
    active, standby = facts.by_role
    if facts.active is None or not active.serves:
        return "Nobody serves in this pair now. Start both members first."
    if not standby.stands_by or not facts.in_sync:
        return f"{standby.name} does not stand by in sync, so a drill would be refused. Start it and wait."
    if not facts.automatic_failover:
        return "Automatic failover is paused, so a drill would be refused. Resume it first."
    return next((f"{member.name} has a running job: {member.job.name}. Wait for it or cancel it."
                 for member in facts.members if member.job), "")

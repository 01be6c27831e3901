"""Would failover work now? A pure function of what is known at one moment (docs/pair.md)."""

from collections.abc import Callable
from dataclasses import dataclass

from provisioning.core import ages
from provisioning.core.copies import begin_alike, equal
from provisioning.core.text import closed
from provisioning.states import MOVING, ApplicationStatus, Mode, RedundancyType, SyncLink

from .facts import PairFacts
from .failover_facts import NO, OK, UNKNOWN, Condition, FailoverVerdict
from .failover_known import FRESH_S, Result, are_down, down, hear, heard_s, is_fresh, named, of_both, start
from .members import Member
from .proofs import Proof
from .restored import WAY_OUT
from .unavailable import what_helps


def would_failover_work(facts: PairFacts) -> FailoverVerdict:
    return FailoverVerdict(tuple(condition(facts) for condition in CONDITIONS))


@dataclass(frozen=True)
class Question:
    """One condition as it is judged, by its ``code``."""

    code: str
    judge: Callable[[PairFacts], Condition]

    def __call__(self, facts: PairFacts) -> Condition:
        return self.judge(facts)


def _condition(code: str, label: str, *, necessary: bool = True) -> Callable[[Callable[[PairFacts], Result]], Question]:
    def decorate(judge: Callable[[PairFacts], Result]) -> Question:
        return Question(code, lambda facts: Condition(code, label, *judge(facts), necessary=necessary))

    return decorate


@_condition("redundancy", "Backup Server with Warm Standby")
def _redundancy(facts: PairFacts) -> Result:
    primary, backup = facts.both
    chosen = primary.draft.redundancy_type
    if chosen != RedundancyType.WARM_STANDBY:
        return (NO, f"Redundancy Type of {primary.name} is {RedundancyType(chosen).label}.",
                "Stop both servers, set Warm Standby on the primary and save.")
    return OK, f"{primary.name} has the Backup Server {backup.name}, Warm Standby.", ""


@_condition("enabled", "Both enabled")
def _enabled(facts: PairFacts) -> Result:
    return of_both(facts, lambda member: "" if member.draft.enabled else f"{member.name} is disabled.",
                 "Both members are enabled.", "Enable it: a disabled server cannot start or connect again.")


@_condition("installed", "Both installed")
def _installed(facts: PairFacts) -> Result:
    return of_both(facts, lambda member: "" if member.installed else f"{member.name} is not installed.",
                 "Both members are installed.", "Install it.")


@_condition("control", "Control answers")
def _control(facts: PairFacts) -> Result:
    if facts.asked.control is None:
        return UNKNOWN, "Control was not asked yet.", "Press Check now."
    if facts.asked.control:
        return NO, facts.asked.control, "Without control nothing fails over. Start it."
    return OK, "Control answered just now.", ""


@_condition("record", "Control can write its record")
def _record(facts: PairFacts) -> Result:
    if facts.asked.record_trouble:
        return (NO, f"Control cannot write its record. {facts.asked.record_trouble}",
                "No role changes until that is over: end that program, or mend the disk.")
    return OK, "Nothing is known that keeps control from writing its record.", ""


@_condition("undisputed", "Record not in dispute")
def _undisputed(facts: PairFacts) -> Result:
    if facts.disputed:
        return NO, closed(facts.record_reason) or "An older control database was put back.", WAY_OUT
    return OK, "Nothing is known that contradicts control's record.", ""


def _unless_disputed(facts: PairFacts, advice: str) -> str:
    """What helps otherwise does not help while nothing is decided."""
    return WAY_OUT if facts.disputed else advice


@_condition("heard", "Both heard of just now")
def _heard(facts: PairFacts) -> Result:
    def silent(member: Member) -> str:
        seconds = heard_s(facts, member)
        if seconds is None:
            return f"It is not known when {member.name} was last heard of."
        return "" if seconds <= FRESH_S else f"{member.name} was last heard of {seconds:.0f} s ago."

    if ended := down(facts):
        others = [said for member in facts.members if member not in ended and (said := silent(member))]
        return NO, " ".join([are_down(ended), *others]), hear(facts)
    return of_both(facts, silent, f"Both were heard of within {ages.MEMBER.total_seconds():g} s.", hear(facts))


@_condition("started", "Both Started")
def _started(facts: PairFacts) -> Result:
    def stopped(member: Member) -> str:
        return "" if member.status == ApplicationStatus.STARTED else \
            f"{member.name} is {member.status}. {closed(member.reason)}".rstrip()

    # That a server is not Started is known without its own word: its agent says so.
    told = [member for member in facts.members
            if is_fresh(facts, member) or (member.word.known and not facts.asked.database)]
    late = [member for member in told if stopped(member)]
    if not late:
        return of_both(facts, stopped, "Both servers are Started.", "", live=True)
    if [member.status for member in late] == [ApplicationStatus.STOPPED] * 2:
        reasons = " ".join(dict.fromkeys(closed(member.reason) for member in late))
        return NO, f"{are_down(late)} {reasons}".rstrip(), start(late)
    return NO, " ".join(map(stopped, late)), " ".join(dict.fromkeys(_starts(facts, member) for member in late))


def _starts(facts: PairFacts, member: Member) -> str:
    """What to do with a member that is not Started."""
    if member.status == ApplicationStatus.SERVICE_UNAVAILABLE:
        return what_helps(member.reason, name=member.name, host=member.host_name, directory=member.working_directory)
    if member.status in MOVING:
        return _unless_disputed(facts, f"Wait for {member.name}: it is on its way.")
    return f"Start {member.name}; its page and its log say why it is not Started."


@_condition("roles", "One Primary, one Backup")
def _roles(facts: PairFacts) -> Result:
    if ended := down(facts):
        return NO, f"{are_down(ended)} Only a server that runs has a role.", start(ended)
    if not all(is_fresh(facts, member) for member in facts.members):
        return UNKNOWN, "The roles of both are not known now.", hear(facts)
    modes = {member.name: member.mode for member in facts.members}
    if sorted(modes.values()) != sorted((Mode.PRIMARY, Mode.BACKUP)):
        said = " and ".join(f"{name} {f'is {mode}' if mode else 'has no role'}" for name, mode in modes.items())
        return NO, f"{said}.", _unless_disputed(
            facts, "Wait a moment; if it stays so, the timeline says why control grants no other role.")
    if facts.active and facts.active.mode != Mode.PRIMARY:
        return (NO, f"The record names {facts.active.name} as the active server, which is {facts.active.mode}.",
                _unless_disputed(facts, "Wait a moment; if it stays so, restart the server that is Primary."))
    return OK, f"{' and '.join(f'{name} is {mode}' for name, mode in modes.items())}.", ""


@_condition("in_sync", "Standby in sync on record")
def _in_sync(facts: PairFacts) -> Result:
    _, standby = facts.by_role
    if facts.active is None:
        return NO, "Control has not recorded an active server yet.", _unless_disputed(facts, "Start both servers.")
    if not facts.in_sync:
        if facts.disputed:
            return NO, "What the record says of the standby does not count while it is in dispute.", WAY_OUT
        why = closed(facts.record_reason)
        said = f"{standby.name} is not in sync, so it may not take over. {why}".rstrip()
        if ended := down(facts):
            return NO, said, f"{start(ended)} {standby.name} catches up while both run."
        return NO, said, "Wait until it has caught up. If it does not, its sync link or its disk is the reason."
    return OK, f"The record says that {standby.name} is in sync.", ""


@_condition("link", "Sync link")
def _link(facts: PairFacts) -> Result:
    def broken(member: Member) -> str:
        if member.live.link == SyncLink.SYNCED:
            return ""
        label = SyncLink(member.live.link).label if member.live.link in SyncLink.values else "not there"
        return f"{member.name} sees the link as {label.lower()}. {closed(member.live.link_reason)}".rstrip()

    return of_both(facts, broken, "Both members see the sync link as in sync.",
                 _unless_disputed(facts, "Check the HA Sync port of both, and the network between their hosts."),
                 live=True)


@_condition("automatic_failover", "Automatic failover")
def _automatic(facts: PairFacts) -> Result:
    if not facts.automatic_failover:
        by = f" by {facts.paused_by}" if facts.paused_by else ""
        why = f": {facts.paused_reason}" if facts.paused_reason else "."
        return NO, f"Automatic failover is paused{by}{why}".rstrip(".") + ".", "Resume it when the work is done."
    return OK, "Automatic failover is on.", ""


@_condition("ports_held", "Ports held")
def _ports_held(facts: PairFacts) -> Result:
    def lacking(member: Member) -> str:
        held = member.live.ports
        wrong = [f"{key} {number}" for key, number in member.ports.items() if held.get(key) != number]
        return f"{member.name} does not hold port {', '.join(wrong)}." if wrong else ""

    return of_both(facts, lacking, "Both members hold all their ports, so nothing else can take them.",
                 "Its ports were changed, or another program uses them: restart it.", live=True)


@_condition("port_ids", "Same port IDs")
def _port_ids(facts: PairFacts) -> Result:
    ours, theirs = (member.ports for member in facts.both)
    differ = sorted(ours.keys() ^ theirs.keys())
    if differ:
        return (NO, f"Only one member has port {', '.join(differ)}: a client that uses it finds no port after a "
                    "switchover.", "Synchronize the pair.")
    return OK, "Both members have the same port IDs.", ""


@_condition("proof", "Roles proven")
def _proof(facts: PairFacts) -> Result:
    (active, standby), ended = facts.by_role, down(facts)
    if ended and (facts.active is None or facts.asked.control is None or facts.asked.no_probe):
        return NO, f"{are_down(ended)} Only a server that runs can prove its role.", start(ended)
    if facts.active is None or facts.asked.control is None:
        return UNKNOWN, "No probe has proven the roles yet.", "Press Check now."
    if facts.asked.control or facts.asked.no_probe:
        return UNKNOWN, facts.asked.no_probe or "Control did not answer, so nothing was proven.", hear(facts)
    serving, other = (facts.asked.proofs.get(member.name) for member in (active, standby))
    if facts.asked.database and _have_changed_roles(serving, other):
        return (UNKNOWN, f"{standby.name} accepted a write and {active.name} refused it: they have changed roles, and "
                         f"what is read here is of before. {facts.asked.database}", "End that first, then check again.")
    wrong = []
    if serving is None or not serving.is_primary:
        wrong.append(f"{active.name} did not accept a write. {serving.reason if serving else ''}".rstrip())
    if other is None or not other.is_backup:
        said = other.reason if other else ""
        wrong.append(f"{standby.name} accepted a write." if other and other.accepts else
                     f"{standby.name} did not prove that it is the backup. {said}".rstrip())
    if wrong or serving is None:
        return NO, " ".join(wrong), start(ended) if ended else _unproven(facts, active, standby)
    return OK, f"{active.name} accepted a write in {serving.took_ms:.0f} ms, {standby.name} refused it.", ""


def _have_changed_roles(active: Proof | None, standby: Proof | None) -> bool:
    """True when both proved the role that the other one has on record."""
    return bool(active and active.is_backup and standby and standby.is_primary)


def _unproven(facts: PairFacts, active: Member, standby: Member) -> str:
    """What to do when a role was not proven. An active server whose own disk fails or hangs is helped by a switchover,
    one that waits for its standby is not."""
    serving, other = (facts.asked.proofs.get(member.name) for member in (active, standby))
    said = serving.reason if serving else ""
    if facts.disputed:
        return WAY_OUT
    if facts.asked.record_trouble:
        return "No role changes until control can write its record."
    if other is None or not other.is_backup:
        return "Its log says why. Do not switch over until both roles are proven."
    if "standby" in said:
        return (f"Look at {standby.name} and at the sync link: they keep the write waiting. Do not switch over to "
                f"{standby.name} now.")
    if facts.in_sync:
        return (f"Switch Over works and helps: {standby.name} has every message, and {active.name} need not answer for "
                f"it. Then look at the disk of {active.name}.")
    return f"The log of {active.name} says why. {standby.name} is not in sync, so it cannot take over."


@_condition("agents", "Agents connected", necessary=False)
def _agents(facts: PairFacts) -> Result:
    return of_both(facts, lambda member: "" if member.host and member.host.is_connected else
                 f"The agent of host {member.host_name} ({member.name}) is not connected.",
                 "The agents of both hosts are connected.",
                 "Start it: without it a dead server is noticed later, and nobody restarts it.")


@_condition("auto_restart", "Auto-Restart", necessary=False)
def _auto_restart(facts: PairFacts) -> Result:
    return of_both(facts, lambda member: "" if member.draft.auto_restart else f"Auto-Restart of {member.name} is off.",
                 "Both members are restarted when they fail.",
                 "Select Auto-Restart: a member that failed stays down, and the other runs without a standby.")


@_condition("account", "Log On As Account", necessary=False)
def _account(facts: PairFacts) -> Result:
    return of_both(facts, lambda member: member.wrong_account, "No member is known to run as a wrong account.",
                 "Stop it and start it from the console: files that another account wrote may be closed to the right "
                 "one when it starts there next.")


@_condition("hosts", "Different hosts", necessary=False)
def _hosts(facts: PairFacts) -> Result:
    ours, theirs = (member.host_name for member in facts.members)
    if ours == theirs:
        return NO, f"Both members are on host {ours or '(none)'}: when it fails, both do.", "Move one to another host."
    return OK, f"They are on {ours} and {theirs}.", ""


@_condition("version", "Same version", necessary=False)
def _version(facts: PairFacts) -> Result:
    primary, backup = facts.both
    ours, theirs = primary.running_version, backup.running_version
    if ours != theirs:
        return (NO, f"{primary.name} has version {ours}, {backup.name} {theirs}.",
                "Install the same version on both.")
    return OK, f"Both have version {ours}.", ""


@_condition("certificates", "Certificates", necessary=False)
def _certificates(facts: PairFacts) -> Result:
    known = [(member, each) for member in facts.members for each in member.live.certificates]
    if not known:
        return OK, "No port of theirs is secured.", ""
    if pressing := [f"{member.name}, {each.sentence}" for member, each in known if each.urgency]:
        return NO, " ".join(pressing), "Renew the files in place: the server takes them over by itself."
    return OK, "The certificates of both last longer than 30 days.", ""


def _compared(facts: PairFacts) -> Condition:
    """Copies that differ are a reason against; that they were not compared at one record is not."""
    label, (one, other) = "Copies equal", (member.live for member in facts.both)
    same = equal(one, other)
    if same is None:
        return Condition("digests", label, UNKNOWN, *_not_compared(facts), necessary=False)
    if not begin_alike(one, other):
        return _other_beginning(facts, label)
    if not same:
        return Condition("digests", label, NO, f"The copies differ at record {one.common_seq}.",
                         "Stop the backup, put its data directory aside and start it: it fetches a full copy.")
    return Condition("digests", label, OK, f"Both copies are equal up to record {one.common_seq}.")


def _not_compared(facts: PairFacts) -> tuple[str, str]:
    """Why the copies were not compared, and what to do."""
    untold = [member for member in facts.members if not member.live.common_digest]
    if untold:
        why = (f"{named(untold)} has not told yet which records it has" if len(untold) == 1 else
               f"{named(untold)} have not told yet which records they have")
    else:
        why = "Both members last reported different records"
    ended = down(facts)
    return f"{why}, so the copies were not compared.", start(ended) if ended else "Ask again in a moment."


def _other_beginning(facts: PairFacts, label: str) -> Condition:
    """Whose copy begins later lacks records. A standby that still has more than the active server loses nothing."""
    later, earlier = sorted(facts.members, key=lambda member: member.live.first_seq, reverse=True)
    return Condition(
        "digests", label, NO, f"{later.name} begins at record {later.live.first_seq}, {earlier.name} at record "
        f"{earlier.live.first_seq}.", f"Ask again in a moment. If it stays so, stop {later.name}, put its data "
        "directory aside and start it as backup: it fetches a full copy.",
        necessary=facts.active is None or facts.standby is not earlier)


_digests = Question("digests", _compared)
CONDITIONS = (_redundancy, _enabled, _installed, _control, _record, _undisputed, _heard, _started, _roles, _in_sync,
              _link, _digests, _automatic, _ports_held, _port_ids, _proof, _agents, _auto_restart, _account, _hosts,
              _version, _certificates)
CONDITION = {condition.code: condition for condition in CONDITIONS}
"""Each condition by its code, for who asks about one alone."""

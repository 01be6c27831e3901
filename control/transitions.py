"""The table of decisions about the active member: state, condition, what follows, why (docs/pair.md).

docs/pair-states.md shows it, with a diagram.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard

from .snapshot import GRANTABLE_STATES, Member, Request, Snapshot, State, ahead, missing, state_of

# --- conditions --------------------------------------------------------------------------------------


def always(_: Snapshot) -> bool:
    return True


def somebody_is_ahead(snapshot: Snapshot) -> bool:
    return ahead(snapshot) is not None


def somebody_is_missing(snapshot: Snapshot) -> bool:
    return bool(missing(snapshot))


def candidate_is_ready(snapshot: Snapshot) -> bool:
    return snapshot.candidate.connected and snapshot.candidate.state in GRANTABLE_STATES


def standby_has_everything(snapshot: Snapshot) -> bool:
    """Recorded in sync, with the very store it has now, and able to take a grant."""
    standby, record = snapshot.standby, snapshot.record
    return (standby is not None and record.standby_in_sync and _is_ready(standby)
            and standby.copy == record.standby_copy)


def standby_may_take_over(snapshot: Snapshot) -> bool:
    return snapshot.record.automatic_failover and standby_has_everything(snapshot)


def _is_ready(member: Member | None) -> TypeGuard[Member]:
    return member is not None and member.connected and member.state in GRANTABLE_STATES


def active_has_ended(snapshot: Snapshot) -> bool:
    active = snapshot.candidate
    return standby_may_take_over(snapshot) and not active.connected and active.process == "ended"


def active_is_being_lost(snapshot: Snapshot) -> bool:
    """Silent, and a second, independent sign speaks for its loss."""
    active, standby = snapshot.candidate, snapshot.standby
    return (standby is not None and standby_may_take_over(snapshot) and not active.connected
            and (not active.agent_connected or active.process == "absent" or standby.link == "down"))


def active_is_lost(snapshot: Snapshot) -> bool:
    return (active_is_being_lost(snapshot) and not snapshot.observing and snapshot.detection_left_s == 0
            and snapshot.is_witnessed)


def active_fails_to_serve(snapshot: Snapshot) -> bool:
    return standby_may_take_over(snapshot) and snapshot.candidate.state == "service_unavailable"


def active_failed_to_serve(snapshot: Snapshot) -> bool:
    return active_fails_to_serve(snapshot) and snapshot.detection_left_s == 0


def active_has_released(snapshot: Snapshot) -> bool:
    """Connected, in trouble, and without a role: it acknowledges nothing."""
    active = snapshot.candidate
    return (standby_may_take_over(snapshot) and active.connected and active.role == ""
            and active.state == "service_unavailable")


def switchover_is_asked(snapshot: Snapshot) -> bool:
    request, standby = snapshot.request, snapshot.standby
    return (request is not None and request.verb == "switchover" and standby is not None
            and request.target == standby.name and standby_has_everything(snapshot))


def loss_is_accepted_for_standby(snapshot: Snapshot) -> bool:
    return _loss_is_accepted(snapshot, snapshot.standby)


def loss_is_accepted_for_active(snapshot: Snapshot) -> bool:
    return _loss_is_accepted(snapshot, snapshot.candidate)


def _loss_is_accepted(snapshot: Snapshot, member: Member | None) -> bool:
    request = snapshot.request
    return (request is not None and request.verb == "promote" and _is_ready(member) and request.target == member.name)


def store_was_replaced(snapshot: Snapshot) -> bool:
    """The active member of a pair came back with a store that is not the recorded one."""
    active, record = snapshot.candidate, snapshot.record
    return snapshot.standby is not None and bool(record.active_copy) and active.copy != record.active_copy


def store_was_replaced_and_standby_may_take_over(snapshot: Snapshot) -> bool:
    return store_was_replaced(snapshot) and standby_may_take_over(snapshot)


def failover_is_paused(snapshot: Snapshot) -> bool:
    return standby_has_everything(snapshot) and not snapshot.record.automatic_failover


def standby_is_not_in_sync(snapshot: Snapshot) -> bool:
    return snapshot.standby is not None and not snapshot.record.standby_in_sync


def standby_store_was_replaced(snapshot: Snapshot) -> bool:
    standby, record = snapshot.standby, snapshot.record
    return record.standby_in_sync and _is_ready(standby) and standby.copy != record.standby_copy


# --- the table ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Transition:
    """``serve`` picks the member that is granted primary in a new epoch; None grants nobody. ``step_down`` asks the
    active server to release its role first. ``leads_to`` is the state once the decision is carried out and nothing
    else happened; ``recheck``: time alone can change the answer."""

    state: State
    when: Callable[[Snapshot], bool]
    leads_to: State
    reason: str
    serve: Callable[[Snapshot], Member | None] | None = None
    step_down: bool = False
    recheck: bool = False


def _candidate(snapshot: Snapshot) -> Member:
    return snapshot.candidate


def _standby(snapshot: Snapshot) -> Member | None:
    return snapshot.standby


_ACCEPTED = "{by} accepted that messages may be lost: {standby} takes over although it is not in sync."

TABLE: tuple[Transition, ...] = (
    Transition(State.DISPUTED, somebody_is_ahead, State.DISPUTED,
               "An older control database was put back: {ahead} has seen version {seen_version} of the pair's record "
               "and epoch {seen_epoch}, it knows only version {version} and epoch {epoch}. Nothing is decided until "
               "the newer one is there again, or an administrator says under Restored Database which server goes on."),
    Transition(State.DISPUTED, somebody_is_missing, State.DISPUTED,
               "An older control database was put back, and {missing} might know more than it does. Nothing is decided "
               "until {missing} {are} back, the newer database is there again, or an administrator says under Restored "
               "Database which server goes on."),
    Transition(State.DISPUTED, always, State.DISPUTED,
               "An older control database was put back, and {forgetful} has another store than it names: the former "
               "one might have known more. Nothing is decided until that data directory or the newer database is "
               "there again, or an administrator says under Restored Database which server goes on."),
    Transition(State.NEW, candidate_is_ready, State.GRANTED,
               "{active} is ready and nobody has served before: it is the configured primary.", serve=_candidate),
    Transition(State.NEW, loss_is_accepted_for_standby, State.GRANTED, _ACCEPTED, serve=_standby),
    Transition(State.NEW, always, State.NEW,
               "Nobody has served yet: waits until {active}, the configured primary, is ready."),
    Transition(State.READY, store_was_replaced_and_standby_may_take_over, State.GRANTED,
               "{active} came back with another store than the one it served with; {standby} is in sync and takes "
               "over.", serve=_standby),
    Transition(State.READY, switchover_is_asked, State.GRANTED,
               "{by} asked for a switchover: {active} has handed over to {standby}.", serve=_standby),
    Transition(State.READY, loss_is_accepted_for_standby, State.GRANTED, _ACCEPTED, serve=_standby),
    Transition(State.READY, loss_is_accepted_for_active, State.GRANTED,
               "{by} accepted that messages may be lost: {active} serves with the store it has now.",
               serve=_candidate),
    Transition(State.READY, store_was_replaced, State.READY,
               "{active} came back with another store than the one it served with, so its messages are not there. "
               "Put its data directory back, or promote one of the two servers and accept the loss."),
    Transition(State.READY, always, State.GRANTED,
               "{active} is ready and is the recorded active server.", serve=_candidate),
    Transition(State.GRANTED, loss_is_accepted_for_standby, State.GRANTED, _ACCEPTED, serve=_standby),
    Transition(State.GRANTED, always, State.GRANTED,
               "{active} was granted epoch {epoch} and has not confirmed it yet."),
    Transition(State.SERVING, switchover_is_asked, State.SERVING,
               "{by} asked for a switchover: {active} finishes what it has accepted and hands over to {standby}.",
               step_down=True),
    Transition(State.SERVING, active_failed_to_serve, State.SERVING,
               "{active} cannot serve ({trouble}); {standby} is in sync and is to take over.", step_down=True),
    Transition(State.SERVING, active_fails_to_serve, State.SERVING,
               "{active} cannot serve ({trouble}): waits for the detection time.", recheck=True),
    Transition(State.SERVING, always, State.SERVING, "{active} serves in epoch {epoch}."),
    Transition(State.WAITING, active_has_ended, State.GRANTED,
               "{active} has ended, as its agent attests; {standby} is in sync and takes over.", serve=_standby),
    Transition(State.WAITING, active_has_released, State.GRANTED,
               "{active} cannot serve ({trouble}) and has given up its role; {standby} is in sync and takes over.",
               serve=_standby),
    Transition(State.WAITING, active_is_lost, State.GRANTED,
               "{active} is lost: control does not hear it, and its agent or {standby} has lost it too; {standby} is "
               "in sync and takes over.", serve=_standby),
    Transition(State.WAITING, active_is_being_lost, State.WAITING,
               "{active} is not heard by control, nor by its agent or {standby}: waits for the detection time.",
               recheck=True),
    Transition(State.WAITING, switchover_is_asked, State.GRANTED,
               "{by} asked for a switchover while {active} is away: {standby} is in sync and takes over.",
               serve=_standby),
    Transition(State.WAITING, loss_is_accepted_for_standby, State.GRANTED, _ACCEPTED, serve=_standby),
    Transition(State.WAITING, failover_is_paused, State.WAITING,
               "Waits for {active}, the recorded active server: {standby} could take over, but automatic failover is "
               "paused."),
    Transition(State.WAITING, standby_store_was_replaced, State.WAITING,
               "Waits for {active}, the recorded active server: {standby} came back with another store than the one "
               "that was in sync."),
    Transition(State.WAITING, standby_is_not_in_sync, State.WAITING,
               "Waits for {active}, the recorded active server: {standby} is not in sync and is never promoted by "
               "itself."),
    Transition(State.WAITING, always, State.WAITING, "Waits for {active}, the recorded active server."),
)


def refusal(snapshot: Snapshot, request: Request) -> str:
    """Why ``request`` cannot be carried out now, as a sentence that says what to do; "" when it can."""
    if snapshot.standby is None:
        return "It has no Backup Server, so there is nothing to switch over to. Choose one in Server Info first."
    known = {member.name: member for member in snapshot.members}
    target, active, standby = known.get(request.target), snapshot.candidate, snapshot.standby
    if target is None:
        return f"{request.target} is not a member of this pair."
    if state_of(snapshot) == State.DISPUTED:
        return ("An older control database was put back, so nothing is decided about this pair. Open Restored Database "
                "(manage.py restored): it shows what each member has and lets one go on.")
    if not _is_ready(target):
        return f"{target.name} is not ready to serve. Start it and wait until it is Started."
    return (_switchover_refusal(snapshot, target, active, standby) if request.verb == "switchover" else
            _promote_refusal(snapshot, target, active))


def _switchover_refusal(snapshot: Snapshot, target: Member, active: Member, standby: Member) -> str:
    record = snapshot.record
    if target.name == record.active:
        return f"{target.name} is the active server already."
    if not record.standby_in_sync:
        return (f"{standby.name} is not in sync with {active.name}: messages would be lost. Wait until it has caught "
                "up.")
    if standby.copy != record.standby_copy:
        return f"{standby.name} has another store than the one that was in sync. Wait until it has caught up."
    return ""


def _promote_refusal(snapshot: Snapshot, target: Member, active: Member) -> str:
    if state_of(snapshot) == State.SERVING:
        return f"{active.name} serves. Use Switch Over, or stop {active.name} first."
    if target.name == snapshot.record.active and not store_was_replaced(snapshot):
        return f"{target.name} is the active server already."
    return ""

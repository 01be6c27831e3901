"""After an older copy of control's database was put back: what each member has, what would be lost, how it goes on.

Pure; ``requests`` asks the members and writes the record.
"""

from dataclasses import dataclass, replace
from typing import Any

from protocol.epochs import common_point

from .snapshot import PRIMARY, SERVING_STATES, Record, Snapshot

VERSIONS_MAX = 2**62
"""What a peer says is bounded, and so is what a record can be raised to."""
BEYOND = 10_000
"""So far is the record raised above what the members have seen who are there, when another one is away: it may have
seen more than they did. One that has seen even more than that is disputed again."""


@dataclass(frozen=True)
class Log:
    """What a member says that it has: its first and last record, and its epoch history."""

    first_seq: int
    last_seq: int
    epochs: tuple[tuple[int, int], ...]


def read_log(body: dict[str, Any]) -> Log | None:
    """The log in a Probed; None when there is none, as of a server that does not know the question."""
    first, last, epochs = body.get("first_seq"), body.get("last_seq"), body.get("epochs")
    if not (type(first) is int and type(last) is int and isinstance(epochs, list)):
        return None
    pairs = tuple(tuple(each) for each in epochs if isinstance(each, list) and len(each) == 2
                  and all(type(number) is int for number in each))
    return Log(first, last, pairs) if len(pairs) == len(epochs) else None


def meeting_point(logs: list[Log | None]) -> int | None:
    """Up to which record two logs seem to be the same; None when one of them is not known."""
    if len(logs) != 2:
        return None
    one, other = logs
    if one is None or other is None:
        return None
    return common_point(one.epochs, one.last_seq, other.epochs, other.last_seq)


@dataclass(frozen=True)
class Loss:
    """How many records of the other member are lost when this one goes on: those ``after`` the common one, and those
    ``before`` this one's first."""

    before: int
    after: int


def lost_with(mine: Log | None, other: Log | None, common: int | None, *, proven: bool) -> Loss | None:
    """What of ``other`` is lost when the member that has ``mine`` goes on; None when nobody can tell. ``proven``: the
    digests at the common point are equal, or neither has anything there."""
    if mine is None or other is None or common is None or not proven:
        return None
    kept_from = other.first_seq - 1
    return Loss(before=max(0, min(mine.first_seq - 1, common) - kept_from),
                after=max(0, other.last_seq - max(common, kept_from)))


def raised(snapshot: Snapshot, target: str) -> Record:
    """The record with which ``target`` goes on, above everything that the members have seen."""
    record = snapshot.record
    seen = [member for member in snapshot.members if member.connected]
    chosen = next(member for member in seen if member.name == target)
    beyond = BEYOND if len(seen) < len(snapshot.members) else 0
    version = max([record.version, *(member.version for member in seen)]) + 1 + beyond
    epoch = max([record.epoch, *(member.epoch for member in seen)]) + beyond
    return replace(record, active=target, active_copy=chosen.copy, standby_in_sync=False, standby_copy="",
                   version=min(VERSIONS_MAX, version), epoch=min(VERSIONS_MAX, epoch))


def refusal(snapshot: Snapshot, target: str) -> str:
    """Why ``target`` cannot go on now, as a sentence that says what to do; "" when it can."""
    known = {member.name: member for member in snapshot.members}
    member = known.get(target)
    if member is None:
        return f"{target} is not a member of this pair."
    if not member.connected or not member.state:
        return f"{target} is not connected to control, so it cannot go on. Start it first."
    for other in snapshot.members:
        if (other.name != target and other.connected and other.role == PRIMARY and other.state in SERVING_STATES
                and other.epoch >= member.epoch):
            # What it acknowledges until it hears of the other one would be lost, and nobody could have told how much.
            return (f"{other.name} serves. Let it go on and use Switch Over afterwards, or stop {other.name} first.")
    return ""

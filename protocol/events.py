"""Pairwise's own events, numbered from 42-20100 on: one table of number, level and what each tells.

The others are the field's own (messageserver.log, control.narration). ``level`` is one of ALARM, STANDARD: an alarm is
what somebody has to look at.
"""

from dataclasses import dataclass
from enum import IntEnum

ALARM, STANDARD = "alarm", "standard"
CONTROL, SERVER = "control", "server"


class Own(IntEnum):
    """The numbers."""

    GRANTED = 20100
    ASKED = 20101
    ROLE_CHANGED = 20102
    IN_SYNC = 20103
    OUT_OF_SYNC = 20104
    PAUSED = 20105
    RESUMED = 20106
    DISPUTED = 20107
    NOT_DONE = 20108
    STEP_DOWN = 20109
    TOOK_OVER = 20110
    RESTORED = 20111
    RECORD_RAISED = 20112
    TRIMMED = 20113
    CLOCK_JUMPED = 20114
    CLOCK_OFF = 20115
    DISK_SILENT = 20116
    DISK_ANSWERS = 20117
    TASK_ENDED = 20118
    GAP = 20119


@dataclass(frozen=True)
class Kind:
    """``source`` says it; ``text`` is what it tells, as the end of "It tells that ...". ``of_pair``: it stands in the
    timelines of both members."""

    source: str
    level: str
    text: str
    of_pair: bool = False


KINDS: dict[Own, Kind] = {
    Own.GRANTED: Kind(CONTROL, STANDARD, "a role was granted"),
    Own.ASKED: Kind(CONTROL, STANDARD, "a switchover or promotion was asked for", of_pair=True),
    Own.ROLE_CHANGED: Kind(CONTROL, STANDARD, "the active server changed, with the reason", of_pair=True),
    Own.IN_SYNC: Kind(CONTROL, STANDARD, "the standby was recorded as in sync", of_pair=True),
    Own.OUT_OF_SYNC: Kind(CONTROL, STANDARD, "the standby was recorded as not in sync", of_pair=True),
    Own.PAUSED: Kind(CONTROL, STANDARD, "automatic failover was paused", of_pair=True),
    Own.RESUMED: Kind(CONTROL, STANDARD, "automatic failover was resumed", of_pair=True),
    Own.DISPUTED: Kind(CONTROL, ALARM, "the record of the pair is older than what a member knows, or may be: nothing "
                       "is decided", of_pair=True),
    Own.NOT_DONE: Kind(CONTROL, STANDARD, "a switchover or promotion did not come about in time", of_pair=True),
    Own.STEP_DOWN: Kind(CONTROL, STANDARD, "the active server was asked to step down", of_pair=True),
    Own.TOOK_OVER: Kind(CONTROL, STANDARD, "another control took over; also the number with which one that does not "
                        "lead refuses a connection"),
    Own.RESTORED: Kind(CONTROL, ALARM, "an older copy of control's database was put back"),
    Own.RECORD_RAISED: Kind(CONTROL, STANDARD, "an administrator said which server goes on after that", of_pair=True),
    Own.TRIMMED: Kind(SERVER, STANDARD, "retention removed records: which, and why"),
    Own.CLOCK_JUMPED: Kind(SERVER, ALARM, "the clock of the server's machine jumped; nothing is removed for it"),
    Own.CLOCK_OFF: Kind(CONTROL, ALARM, "the clock of a member is off"),
    Own.DISK_SILENT: Kind(SERVER, ALARM, "the disk has not answered for the detection time"),
    Own.DISK_ANSWERS: Kind(SERVER, STANDARD, "the disk answers again"),
    Own.TASK_ENDED: Kind(SERVER, ALARM, "a part of the server ended that must not; its process ends with it"),
    Own.GAP: Kind(SERVER, ALARM, "this copy begins later than it should; it fetches what is missing"),
}


def level_of(number: int, otherwise: str = STANDARD) -> str:
    """The level of an event of this number; ``otherwise`` for one that is not in the table."""
    try:
        return KINDS[Own(number)].level
    except ValueError:
        return otherwise

"""Pairwise's own events, numbered from 42-20100 on: one table of number, level and what each tells.

The others are the field's own (messageserver.log, control.narration). ``level`` is one of ALARM, STANDARD: an alarm is
what somebody has to look at.
"""

import re
from dataclasses import dataclass
from enum import IntEnum

ALARM, STANDARD = "alarm", "standard"
CONTROL, SERVER, CONSOLE, AGENT = "control", "server", "console", "agent"


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
    DONE_BY_SOMEBODY = 20120
    GAVE_UP = 20121
    NOT_DELIVERED = 20122
    LEFT_OUT = 20123
    NOBODY_SERVES = 20124
    SERVES_AGAIN = 20125
    DRILL_FAILED = 20126
    DRILL_PASSED = 20127
    AUDIT_WORSE = 20128
    AUDIT_BETTER = 20129
    COMPONENT_DOWN = 20130
    COMPONENTS_BACK = 20131
    READER_BEHIND = 20132
    READER_CAUGHT_UP = 20133
    PAUSED_LONG = 20134
    ALARM_RAISED = 20135
    ALARM_CLEARED = 20136
    AGENT_SAID = 20137
    RECORDS_DROPPED = 20138
    RECORDS_WAIT = 20139
    TOKEN_ENDS = 20140
    GROUPS_UNKNOWN = 20141
    SHIPPING_BEHIND = 20142
    SHIPPING_CAUGHT_UP = 20143
    TOKENS_REFUSED = 20144


OF_ALARMS = frozenset({Own.ALARM_RAISED, Own.ALARM_CLEARED})
"""What is told of alarms themselves, which never raises one."""


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
    Own.DONE_BY_SOMEBODY: Kind(CONSOLE, STANDARD, "somebody did something in the console, as History has it"),
    Own.GAVE_UP: Kind(CONTROL, ALARM, "a server failed too often in a row, so that Auto-Restart starts it no more"),
    Own.NOT_DELIVERED: Kind(CONSOLE, ALARM, "a notification was given up: nobody was told"),
    Own.LEFT_OUT: Kind(CONSOLE, STANDARD, "an application said so much on a host that log records of it were left out, "
                       "and how many"),
    Own.NOBODY_SERVES: Kind(CONTROL, ALARM, "a pair has had no active server for a while, and nobody stopped it",
                            of_pair=True),
    Own.SERVES_AGAIN: Kind(CONTROL, STANDARD, "a member of such a pair serves again", of_pair=True),
    Own.DRILL_FAILED: Kind(CONSOLE, ALARM, "a failover drill failed"),
    Own.DRILL_PASSED: Kind(CONSOLE, STANDARD, "a failover drill passed"),
    Own.AUDIT_WORSE: Kind(CONSOLE, ALARM, "audits have found something worse of a pair for a minute"),
    Own.AUDIT_BETTER: Kind(CONSOLE, STANDARD, "audits have found something better of a pair for a minute"),
    Own.COMPONENT_DOWN: Kind(CONSOLE, ALARM, "a part of the console does not answer"),
    Own.COMPONENTS_BACK: Kind(CONSOLE, STANDARD, "all parts of the console answer again"),
    Own.READER_BEHIND: Kind(CONSOLE, ALARM, "the reader of the centralized log cannot read"),
    Own.READER_CAUGHT_UP: Kind(CONSOLE, STANDARD, "the reader of the centralized log reads again"),
    Own.PAUSED_LONG: Kind(CONSOLE, ALARM, "automatic failover of a pair has been paused for an hour"),
    Own.ALARM_RAISED: Kind(CONSOLE, ALARM, "an alarm was raised"),
    Own.ALARM_CLEARED: Kind(CONSOLE, ALARM, "an alarm was cleared"),
    Own.AGENT_SAID: Kind(AGENT, STANDARD, "the agent of a host says something in its own log; of level Trace, too"),
    Own.RECORDS_DROPPED: Kind(SERVER, STANDARD, "a server or an agent dropped log records, as nobody took them"),
    Own.RECORDS_WAIT: Kind(SERVER, STANDARD, "the log records of a server wait, or go on; only in its own log files"),
    Own.TOKEN_ENDS: Kind(CONSOLE, ALARM, "API tokens expire within 14 days"),
    Own.GROUPS_UNKNOWN: Kind(CONSOLE, STANDARD, "single sign-on or a directory did not say the groups of a user who "
                             "signed in, so the roles stay as they were"),
    Own.SHIPPING_BEHIND: Kind(CONSOLE, ALARM, "an audit target has not taken entries of History for an hour"),
    Own.SHIPPING_CAUGHT_UP: Kind(CONSOLE, STANDARD, "each audit target has got all entries of History"),
    Own.TOKENS_REFUSED: Kind(CONSOLE, STANDARD, "API tokens were refused from an address, and why; once a minute "
                             "at most"),
}


_SOLUTION_CONTROL, _MESSAGE_SERVER = 43, 42
"""The field's numbers of the types of application whose own events there are; 00 stands for what all have in common."""


def written(number: int) -> str:
    """An event number as logs, pages and documents write it: 00-04525, 43-10327, 42-20001. "" for 0, which is none."""
    if not number:
        return ""
    kind = 0 if number <= 10_000 else _SOLUTION_CONTROL if number < 20_000 else _MESSAGE_SERVER
    return f"{kind:02d}-{number:05d}"


def number_in(text: str) -> int:
    """The number that ``written`` wrote, or that was typed without its type and zeros. Raises ValueError."""
    found = re.fullmatch(r"(?:[0-9]{2}-)?([0-9]{1,6})", text.strip())
    if found is None:
        raise ValueError(f"{text} is no event number: write it as 00-05061 or 5061")
    return int(found[1])


def level_of(number: int, otherwise: str = STANDARD) -> str:
    """The level of an event of this number; ``otherwise`` for one that is not in the table."""
    try:
        return KINDS[Own(number)].level
    except ValueError:
        return otherwise

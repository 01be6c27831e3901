"""Messages about a pair: what control records and asks of its members, what people ask of control (messages.py has the
table of who says what)."""

from dataclasses import dataclass, field
from typing import Any

from .message import Message


@dataclass(frozen=True, kw_only=True)
class Recorded(Message):
    """The pair's durable record now has ``record_version`` and says whether the standby is in sync.

    Sent to the active server of ``epoch`` whenever its wish (Report.standby) was decided. It may acknowledge
    alone only on ``in_sync`` false with a version above every one at which it asked for true.
    ``generation`` is as in Grant.
    """

    epoch: int
    record_version: int
    in_sync: bool
    reason: str
    generation: str = ""


@dataclass(frozen=True, kw_only=True)
class StepDown(Message):
    """Planned switchover: finish what was accepted, close the clients, never acknowledge in ``epoch`` again.

    The server answers with a Report whose ``role`` is "" for that epoch.
    """

    epoch: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Probe(Message):
    """Prove now whether a write would be acknowledged. With ``log`` tell instead what the server has: its log, and the
    running digest after record ``at`` (0: after none)."""

    id: int
    log: bool = False
    at: int = 0


@dataclass(frozen=True, kw_only=True)
class Probed(Message):
    """``accepts``: a durable write went all the way an acknowledgement goes; else ``reason`` says why not. ``log``, of
    a Probe that asks for it: first_seq, last_seq, epochs [[epoch, first seq], ...], digest (hex, after record ``at``;
    "" when that is not kept)."""

    id: int
    accepts: bool
    reason: str = ""
    took_ms: float = 0.0
    log: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PairRequest(Message):
    """``verb`` of PAIR_VERBS for the pair of ``application`` (name of the primary). ``by`` names who asks,
    ``reason`` what they typed; ``target`` is the member that switchover and promote are about, "" for the standby."""

    verb: str
    application: str
    target: str = ""
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class PairAnswer(Message):
    """``ok`` with ``facts``, or not ok with ``reason`` (a sentence) and ``advice``. It comes when the verb is done.

    Of every verb ``facts`` may have ``database``: a sentence that says why control cannot write its record now.
    """

    ok: bool
    reason: str = ""
    advice: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


PAIR_VERBS = ("switchover", "pause", "resume", "promote", "probe", "record", "restored")
"""switchover: planned, only onto a standby in sync; pause, resume: automatic failover; promote: make the standby the
active server although it is not in sync (data loss accepted); probe: prove both roles; record: tell what the record
says and what each member has; restored: after an older copy of control's database was put back, go on with ``target``
and raise the record above everything that was seen; without an application every record with which all members agree
counts from now on (facts: confirmed, left).

facts of switchover and promote: active, epoch, took_ms; of probe: members [{name, connected, role, epoch, accepts,
reason, took_ms}]; of record: disputed (bool), reason, version, epoch, active, standby_in_sync, members [{name,
connected, state, role, epoch, version, first_seq, last_seq, why_not, lost, lost_before}], where why_not is a sentence
when this one cannot go on after a restore, lost how many records the *other* member has that this one does not (null
when that is not known), and lost_before how many of these lie before its first one; of restored: active, version,
epoch, or already (true) when nothing was in dispute."""

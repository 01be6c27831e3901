"""How every connection opens, and what keeps it open (messages.py has the table of who says what)."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, TypedDict

from .message import Message

PROTOCOL_VERSION = 1
SPEAKS = 2
"""What this release understands beyond the first one: 1: Generation, Progress, HostFacts, the further fields of
Welcome; 2: ReadLog."""


@dataclass(frozen=True, kw_only=True)
class Challenge(Message):
    """First line of the side that was dialled."""

    nonce: str
    protocol: int = PROTOCOL_VERSION


@dataclass(frozen=True, kw_only=True)
class Hello(Message):
    """Who dials. ``purpose`` of an application: "serve" takes the object, "check" only reads it.

    ``pid`` and ``started`` (psutil/`/proc` start time, in clock ticks since boot) name the process;
    ``epoch``, ``record_version`` and ``role`` are what a server that was granted one before still holds
    (0 and "" for none); ``copy`` names the store it opened (a store made anew has another name).
    ``generation`` is the newest token of control's history that it keeps ("" for none), ``speaks`` is SPEAKS of its
    release (0: the first one). ``signed`` is over all of this (auth.sign_opening; "" from one that signs kind and name
    alone, by ``proof``).
    """

    kept_as_sent: ClassVar[bool] = True
    kind: str
    name: str
    nonce: str
    proof: str
    purpose: str = "serve"
    version: str = ""
    host: str = ""
    pid: int = 0
    started: int = 0
    epoch: int = 0
    record_version: int = 0
    role: str = ""
    copy: str = ""
    generation: str = ""
    speaks: int = 0
    signed: str = ""


class ProcessFields(TypedDict, total=False):
    """What a Hello says of the process that dials."""

    version: str
    host: str
    pid: int
    started: int


class HelloFields(ProcessFields, total=False):
    """What a Hello may say beside who dials and the proof of it."""

    purpose: str
    epoch: int
    record_version: int
    role: str
    copy: str
    generation: str
    speaks: int


@dataclass(frozen=True, kw_only=True)
class Welcome(Message):
    """The dialled side accepts; ``proof`` shows that it knows the secret too.

    A side that has nothing to say shows a sign of life every ``heartbeat_s``; for how long the dialled side may be
    silent is ``silence_s`` (0: SILENCE_HEARTBEATS of them). ``report_s``: a server that has only counters to tell does
    it no more often, by Progress, and an agent its HostFacts (0: as in the first release). ``signed``: as in Hello.
    """

    kept_as_sent: ClassVar[bool] = True
    proof: str
    heartbeat_s: float = 1.0
    silence_s: float = 0.0
    report_s: float = 0.0
    signed: str = ""


@dataclass(frozen=True, kw_only=True)
class Refused(Message):
    """The dialled side declines and closes. ``event`` is the event number (domain.md 3.5), 0 for none. ``controls``, of
    a control that does not lead, is as in Configuration."""

    reason: str
    event: int = 0
    controls: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Heartbeat(Message):
    """Nothing new, still here. Sent by both sides whenever ``heartbeat_s`` passed without another line."""

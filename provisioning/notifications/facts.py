"""What is told, whom, and what came of it: plain values for rules and transports. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from provisioning.states import ChannelKind, Told


@dataclass(frozen=True, kw_only=True)
class AlarmFact:
    """An alarm as rules and messages see it. ``pair`` is the primary's name of the pair whose member it is about, ""
    for none, and ``pair_backup`` the backup's; ``url`` its page, "" where nobody said how the console is reached.
    ``is_masked``: it is about what is in maintenance."""

    id: int
    condition: str
    category: str
    number: int = 0
    application: str = ""
    host: str = ""
    pair: str = ""
    pair_backup: str = ""
    text: str = ""
    raised_at: datetime
    cleared_at: datetime | None = None
    cleared_how: str = ""
    cleared_by: str = ""
    clear_reason: str = ""
    is_acknowledged: bool = False
    is_masked: bool = False
    times: int = 1
    url: str = ""


@dataclass(frozen=True)
class Recipient:
    """A channel as transports see it. ``fields`` of its kind, {name: text}, secrets in the plain."""

    name: str
    kind: ChannelKind
    fields: dict[str, str] = field(default_factory=dict, repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """The values that nobody may read in an answer."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """``payload`` is what a webhook gets; ``alarms`` the numbers of the alarms that it tells of."""

    message_id: str
    told: Told
    subject: str
    text: str
    payload: dict[str, Any]
    alarms: tuple[int, ...]
    at: datetime


@dataclass(frozen=True)
class Answer:
    """``status`` of HTTP where there was one; ``said`` the beginning of the answer, or what went wrong."""

    succeeded: bool
    said: str = ""
    status: int | None = None


@dataclass(frozen=True, kw_only=True)
class RuleFact:
    """A notification rule that is enabled, as its row says; ``channels`` are the keys of those that are enabled."""

    id: int
    name: str
    channels: tuple[int, ...] = ()
    categories: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    quiet_hours: str = ""
    time_zone: str = ""
    wait_s: int = 0
    repeat_h: int = 0
    recovery: bool = True
    group_s: int = 60
    limit_per_hour: int = 20


@dataclass(frozen=True)
class NoticeFact:
    """What a rule has to tell of an alarm: as its row says."""

    alarm: AlarmFact
    told: str = ""
    due_at: datetime | None = None
    told_at: datetime | None = None
    over: bool = False

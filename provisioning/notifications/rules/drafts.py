"""What somebody wants a channel or a notification rule to be, from a page or a file. Pure."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ChannelDraft:
    """``fields`` {name: text}: those of its kind, secrets among them; a secret that is MASK stays what it was."""

    name: str
    kind: str
    description: str = ""
    enabled: bool = True
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RuleDraft:
    """``channels`` and the filters are names; an empty filter matches every alarm."""

    name: str
    channels: tuple[str, ...] = ()
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
    enabled: bool = True

"""What holds of a field of an object wherever the field is used: said once, with the field itself (drafts.py).

Forms, History, exports, files of ``apply``, the comparison of a pair and the audit take from here which fields there
are, what they are called and what is to be done with them, so a new field needs no other list. Pure.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

AGENT, SERVER = "agent", "server"


class Kind(StrEnum):
    """What a value is. LINK: the key of another object, None for none. ROWS: a tuple of drafts. NAMES: a tuple of
    texts. TABLE: {section: {key: value}}. WORDS: a tuple of texts and of (key, text)."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    LINK = "link"
    ROWS = "rows"
    TABLE = "table"
    NAMES = "names"
    WORDS = "words"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """``label``: what people read. ``written``: its name in a file of ``apply`` and in exports. ``compared``: the
    members of a pair should have it alike, and Synchronize copies it. ``at_start``: a server goes by it from its next
    start only. ``sent``: to whom control sends it as it is, AGENT or SERVER. ``told``: False for what looks
    as if some program were told of it, and none is."""

    label: str
    kind: Kind = Kind.TEXT
    written: str
    compared: bool = False
    at_start: bool = False
    sent: tuple[str, ...] = ()
    told: bool = True


def declared(label: str, kind: Kind = Kind.TEXT, *, default: Any = MISSING, default_factory: Any = MISSING,
             **more: Any) -> Any:
    """A field of a draft with the facts of Declared."""
    return field(default=default, default_factory=default_factory,
                 metadata={"declared": {"label": label, "kind": kind, **more}})


@cache
def facts(draft: type) -> Mapping[str, Declared]:
    """{name: what holds of it} of all fields of ``draft``, in their order."""
    return MappingProxyType({each.name: Declared(**{"written": each.name.removesuffix("_id"),
                                                    **each.metadata["declared"]}) for each in fields(draft)})


@cache
def columns(draft: type) -> tuple[str, ...]:
    """Names of the fields that hold one value each."""
    return tuple(name for name, each in facts(draft).items() if each.kind not in (Kind.ROWS, Kind.TABLE))


@cache
def labels(draft: type) -> Mapping[str, str]:
    """{name: label} of all fields."""
    return MappingProxyType({name: each.label for name, each in facts(draft).items()})


@cache
def compared(draft: type) -> Mapping[str, str]:
    """{name: label} of what members of a pair have alike."""
    return MappingProxyType({name: each.label for name, each in facts(draft).items() if each.compared})


@cache
def at_start(draft: type) -> Mapping[str, str]:
    """{name: label} of what counts from a server's next start only."""
    return MappingProxyType({name: each.label for name, each in facts(draft).items() if each.at_start})


@cache
def sent(draft: type, to: str) -> Mapping[str, str]:
    """{name: its name in messages} of what control sends to AGENT or SERVER."""
    return MappingProxyType({name: each.written for name, each in facts(draft).items() if to in each.sent})


def values(draft: type, row: Any) -> dict[str, Any]:
    """{name: value} of the columns of ``draft``, read from ``row``: a stored object or a draft."""
    return {name: getattr(row, name) for name in columns(draft)}

"""What servers do, by themselves or with each other."""

from dataclasses import dataclass

from .parts import Node


@dataclass(frozen=True)
class Step:
    """``what`` happened, to whom it leads. ``fault``: not something that happens by itself when all is well; ``rare``:
    Scope.rare counts it; ``serves``: a new primary begins; ``removes``: retention decided that a record goes;
    ``leaves``: how much the server had confirmed to the active one when it left the link, None when it did not."""

    what: str
    node: Node
    fault: bool = False
    serves: bool = False
    rare: bool = False
    removes: bool = False
    leaves: int | None = None


@dataclass(frozen=True)
class Both:
    """A step of the link: the active server and its standby afterwards."""

    what: str
    active: Node
    standby: Node
    fault: bool = False
    removes: bool = False

"""What a state of the model is made of, and how the numbers in it are made small again.

Epochs and versions are only ever compared, so a state means the same after they are numbered anew in their order;
names of stores are only ever equal or not. That keeps the number of states finite without a bound on either.
"""

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import NamedTuple

from messageserver.standing import Standing

UNLINKED, LINKED = -1, -2
"""``Node.link`` of an active server; 0 or more: the standby has left, and has confirmed so many records before."""
PRIMARY, BACKUP, RECORDED, STEP_DOWN = "primary", "backup", "recorded", "step down"


DOUBTED, VOUCHED = "doubted", "vouched"


class Rec(NamedTuple):
    """The durable record; ``active`` is the index of a node, -1 for nobody. ``doubt``: DOUBTED when it was last written
    before an older copy was put back, VOUCHED when control remembers besides that all members have vouched for it."""

    version: int = 0
    epoch: int = 0
    active: int = -1
    in_sync: bool = False
    active_copy: int = 0
    standby_copy: int = 0
    automatic: bool = True
    doubt: str = ""


class Letter(NamedTuple):
    """A message of control under way. It may arrive late, again and again, or never, as long as its connection is."""

    kind: str
    epoch: int
    version: int = 0
    in_sync: bool = False


class Said(NamedTuple):
    """What a Report says that matters; ``stuck``: service_unavailable, because nobody confirms."""

    role: str = ""
    epoch: int = 0
    wish: str = ""
    claim: int = 0
    wish_copy: int = 0
    stuck: bool = False


class Node(NamedTuple):
    """``copy``, ``log`` ((epoch, message), ...), ``held`` (epoch) and ``seen`` are on disk, the rest ends with the
    process. ``seen`` is the newest version of the record that it heard of, where an older copy of the record may be
    there again; while it serves that is the version of its standing.

    ``aged``: the last record that retention does not keep here, 0 when that is gone.
    ``standing`` are the values of a Standing while it may acknowledge; ``inbox`` the letters on its connection
    (``wire``); ``late`` a report of this process that the network kept; ``shelf`` (copy, log, held, seen) of the store
    it had before; ``promised`` the message that its standby may have already, -1 for none: its next one."""

    up: bool = False
    copy: int = 0
    log: tuple = ()
    held: int = 0
    role: str = ""
    standing: tuple | None = None
    link: int = UNLINKED
    wire: bool = False
    inbox: tuple = ()
    late: Said | None = None
    shelf: tuple | None = None
    seen: int = 0
    aged: int = 0
    promised: int = -1


class View(NamedTuple):
    """What control knows of one connected server; ``live``: the connection still reaches that process; ``seen`` the
    version of the record that it says it has seen."""

    live: bool
    copy: int
    said: Said
    granted: tuple[str, int] | None = None
    told: int = 0
    stepping: int = 0
    seen: int = 0


STANDING = tuple(field.name for field in fields(Standing))
EPOCH, VERSION, OWN, MODE, CLAIM, COPY, PEER, COMMITTED, CLAIMED = (STANDING.index(name) for name in (
    "epoch", "version", "own", "mode", "claim", "copy", "peer", "committed", "claimed"))


def to_real(values: tuple, kind: type[Standing]) -> Standing:
    return kind(*(str(value or "") if place in (COPY, CLAIMED) else value for place, value in enumerate(values)))


def from_real(standing: Standing) -> tuple:
    values = [getattr(standing, name) for name in STANDING]
    values[COPY], values[CLAIMED] = int(values[COPY] or 0), int(values[CLAIMED] or 0)
    return tuple(values)


# --- numbering anew --------------------------------------------------------------------------------------


class Numbers(NamedTuple):
    """Old number → new one."""

    epochs: tuple
    versions: tuple
    copies: tuple


class Used(NamedTuple):
    """Bit masks of the numbers that a part uses."""

    epochs: int = 0
    versions: int = 0
    copies: int = 0


class _Collect:
    """Runs over a part as if to number it anew, and notes what it meets."""

    def __init__(self):
        self.epochs = self.versions = self.copies = 0

    def e(self, number: int) -> int:
        self.epochs |= 1 << number
        return number

    def v(self, number: int) -> int:
        self.versions |= 1 << number
        return number

    def c(self, number: int) -> int:
        self.copies |= 1 << number
        return number


class _Renumber:
    def __init__(self, numbers: Numbers):
        self.e, self.v, self.c = (table.__getitem__ for table in numbers)


def _log(log: tuple, n) -> tuple:
    return tuple((n.e(epoch), message) for epoch, message in log)


def _standing(values: tuple, n) -> tuple:
    new = list(values)
    new[EPOCH], new[VERSION], new[CLAIM] = n.e(values[EPOCH]), n.v(values[VERSION]), n.v(values[CLAIM])
    new[COPY], new[CLAIMED] = n.c(values[COPY]), n.c(values[CLAIMED])
    return tuple(new)


def _said(said: Said, n) -> Said:
    return Said(said.role, n.e(said.epoch), said.wish, n.v(said.claim), n.c(said.wish_copy), said.stuck)


def _rec(rec: Rec, n) -> Rec:
    return Rec(n.v(rec.version), n.e(rec.epoch), rec.active, rec.in_sync, n.c(rec.active_copy), n.c(rec.standby_copy),
               rec.automatic, rec.doubt)


def _node(node: Node, n) -> Node:
    return Node(
        node.up, n.c(node.copy), _log(node.log, n), n.e(node.held), node.role,
        _standing(node.standing, n) if node.standing else None, node.link, node.wire,
        tuple(sorted(Letter(kind, n.e(epoch), n.v(version), sync) for kind, epoch, version, sync in node.inbox)),
        _said(node.late, n) if node.late else None,
        (n.c(node.shelf[0]), _log(node.shelf[1], n), n.e(node.shelf[2]), n.v(node.shelf[3])) if node.shelf else None,
        n.v(node.seen), node.aged, node.promised)


def _view(view: View, n) -> View:
    return View(view.live, n.c(view.copy), _said(view.said, n),
                (view.granted[0], n.e(view.granted[1])) if view.granted else None, n.v(view.told), n.e(view.stepping),
                n.v(view.seen))


_RUN: dict[type, Callable] = {Rec: _rec, Node: _node, View: _view}


class Parts:
    """Every part that was met, once; a state names parts by their index. Index 0 is None."""

    def __init__(self, kind: type):
        self.items, self.used = [None], [Used()]
        self._index = {None: 0}
        self._run = _RUN[kind]
        self._renumbered: dict[tuple, int] = {}

    def put(self, part) -> int:
        index = self._index.get(part)
        if index is None:
            index = self._index[part] = len(self.items)
            self.items.append(part)
            seen = _Collect()
            self._run(part, seen)
            self.used.append(Used(seen.epochs, seen.versions, seen.copies))
        return index

    def renumbered(self, index: int, numbers: Numbers) -> int:
        key = (index, numbers)
        new = self._renumbered.get(key)
        if new is None:
            part = self.items[index]
            new = self._renumbered[key] = self.put(self._run(part, _Renumber(numbers))) if part is not None else 0
        return new


@cache
def in_order(mask: int) -> tuple:
    """Old number → its place among the numbers of ``mask``; 0 stays 0."""
    places, place = [0], 0
    for number in range(1, mask.bit_length()):
        place += mask >> number & 1
        places.append(place)
    return tuple(places)


@cache
def by_owner(mask: int, first: int, second: int) -> tuple:
    """Names of stores: the two in use are 1 and 2, the others follow in their order."""
    names = {0: 0}
    for number in (first, second, *range(1, mask.bit_length())):
        if number and mask >> number & 1 and number not in names:
            names[number] = len(names)
    return tuple(names.get(number, 0) for number in range(max(1, mask.bit_length())))

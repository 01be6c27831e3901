"""States of the whole, what must hold in each, and one form for all that mean the same."""

from functools import reduce
from operator import or_
from typing import NamedTuple

from .parts import EPOCH, PRIMARY, Node, Numbers, Parts, Rec, View, by_owner, in_order
from .rules import ACKNOWLEDGED_LATE, MISSING, TWO_PRIMARIES, TWO_RECORDS
from .servers import committed
from .solution import Solution


class State(NamedTuple):
    """``rec``, ``other``, servers and views are indices of parts (0: none). ``other`` is the record that a second
    control read; ``acked`` the messages (bits) that some client was told are safe; ``floor`` the epoch below which a
    person accepted the loss; ``sent`` and ``rare`` how many messages and rare events there were; ``shelf`` the record
    in a copy of control's database that may be put back."""

    rec: int
    other: int
    one: int
    two: int
    view_one: int
    view_two: int
    acked: int = 0
    floor: int = 0
    sent: int = 0
    rare: int = 0
    shelf: int = 0


class Facts(NamedTuple):
    """What the invariants ask of one server: the epoch in which it may acknowledge (0: none), the messages (bits) that
    it has acknowledged, those on its disk and those that retention removed there, the lowest epoch in which it serves
    or may still begin to, the newest that it was granted."""

    epoch: int
    acked: int
    stored: int
    removed: int
    oldest: int
    held: int


class _Two(NamedTuple):
    """Of both servers together: what is broken, the messages acknowledged, the lowest epoch, the numbers in use."""

    broken: str
    acked: int
    oldest: int
    epochs: int
    versions: int
    copies: int
    names: tuple[int, int]


class _Known(NamedTuple):
    """Record and views in the form that counts, whether the servers change places, the numbers in use."""

    swapped: bool
    rec: int
    other: int
    first: int
    second: int
    shelf: int
    epochs: int
    versions: int
    copies: int


class States:
    """Knows every part that was met."""

    def __init__(self, solution: Solution, *, restored: bool):
        self.recs, self.nodes, self.views = Parts(Rec), Parts(Node), Parts(View)
        self._solution, self._restored = solution, restored
        self._facts: dict[int, Facts] = {}
        self._two: dict[tuple[int, int], _Two] = {}
        self._known: dict[tuple[int, int, int, int, int], _Known] = {}
        self._without_seen: dict[int, int] = {}

    def facts(self, index: int) -> Facts:
        found = self._facts.get(index)
        if found is None:
            node = self.nodes.items[index]
            epoch = node.standing[EPOCH] if node.up and node.standing else 0
            bits = [1 << message if message >= 0 else 0 for _, message in node.log]
            removed = sum(1 << ~message for known, message in node.log if known and message < 0)
            begins = [letter.epoch for letter in node.inbox if letter.kind == PRIMARY] + ([epoch] if epoch else [])
            # What retention does not keep any more is not promised any more.
            found = self._facts[index] = Facts(epoch, sum(bits[node.aged:committed(node)]) if epoch else 0, sum(bits),
                                               removed, min(begins, default=0), node.held)
        return found

    def settle(self, state: State, broken: str, *, plain: bool = False) -> tuple[State, str]:
        """(the state in its one form, what is broken). ``plain``: keep the numbers
        and the places as they are, for people."""
        rec, other, one, two, first, second, acked, floor, sent, rare, shelf = state
        if self._restored:
            one, two = self._unseen(one, rec, shelf), self._unseen(two, rec, shelf)
        both = self._two.get((one, two))
        if both is None:
            both = self._two[one, two] = self._look_at(one, two)
        broken = broken or both.broken
        if both.acked & ~acked:
            acked, late = self._acknowledged(one, two, acked, floor)
            broken = broken or late
        if floor and not 0 < both.oldest < floor:
            floor = 0
        if plain:
            return self._plain(state._replace(one=one, two=two, acked=acked, floor=floor)), broken
        known = self._known.get((rec, other, first, second, shelf))
        if known is None:
            known = self._known[rec, other, first, second, shelf] = self._form(rec, other, first, second, shelf)
        swapped, rec, other, first, second, shelf, epochs, versions, copies = known
        names = both.names
        if swapped:
            one, two, names = two, one, names[::-1]
        epochs |= both.epochs | 1 << floor
        versions |= both.versions
        copies |= both.copies
        if epochs & (epochs + 1) or versions & (versions + 1) or copies & (copies + 1) or names != (1, 2):
            numbers = Numbers(in_order(epochs), in_order(versions), by_owner(copies, *names))
            rec, other = self.recs.renumbered(rec, numbers), self.recs.renumbered(other, numbers)
            one, two = self.nodes.renumbered(one, numbers), self.nodes.renumbered(two, numbers)
            first, second = self.views.renumbered(first, numbers), self.views.renumbered(second, numbers)
            shelf = self.recs.renumbered(shelf, numbers)
            floor = numbers.epochs[floor]
        return State(rec, other, one, two, first, second, acked, floor, sent, rare, shelf), broken

    def _unseen(self, index: int, rec: int, shelf: int) -> int:
        """The server without a version that says no more than every record that may be there again."""
        seen = self.nodes.items[index].seen
        if not seen or seen > self.recs.items[shelf or rec].version:
            return index
        found = self._without_seen.get(index)
        if found is None:
            found = self._without_seen[index] = self.nodes.put(self.nodes.items[index]._replace(seen=0))
        return found

    def _plain(self, state: State) -> State:
        rec, other, one, two, first, second, *rest, shelf = state
        if not other or other == rec:
            first, second = self._forgotten(first, rec, 0), self._forgotten(second, rec, 1)
        used = [self.recs.used[rec], self.recs.used[other], self.recs.used[shelf], self.nodes.used[one],
                self.nodes.used[two], self.views.used[first], self.views.used[second]]
        epochs, versions, copies = (reduce(or_, masks, 1) for masks in zip(*used, strict=True))
        # Only a store that was just made gets another name: the next free one.
        numbers = Numbers(tuple(range(epochs.bit_length())), tuple(range(versions.bit_length())), in_order(copies))
        return State(self.recs.renumbered(rec, numbers), self.recs.renumbered(other, numbers),
                     self.nodes.renumbered(one, numbers), self.nodes.renumbered(two, numbers),
                     self.views.renumbered(first, numbers), self.views.renumbered(second, numbers), *rest,
                     self.recs.renumbered(shelf, numbers))

    # --- what must hold ------------------------------------------------------------------------------------

    def _look_at(self, one: int, two: int) -> _Two:
        ours, theirs = self.facts(one), self.facts(two)
        first, second = self.nodes.items[one], self.nodes.items[two]
        broken = ""
        if ours.epoch and ours.epoch == theirs.epoch:
            broken = TWO_PRIMARIES
        elif any(a[0] == b[0] != 0 and a[1] not in (b[1], ~b[1]) for a, b in zip(first.log, second.log, strict=False)):
            broken = TWO_RECORDS
        used = [mine | other for mine, other in zip(self.nodes.used[one], self.nodes.used[two], strict=True)]
        return _Two(broken, ours.acked | theirs.acked, min(filter(None, (ours.oldest, theirs.oldest)), default=0),
                    used[0] | 1, used[1] | 1, used[2] | 1, (first.copy, second.copy))

    def _acknowledged(self, one: int, two: int, acked: int, floor: int) -> tuple[int, str]:
        """Somebody may be told now that new messages are safe: then they are on the newer primary as well."""
        ours, theirs, broken = self.facts(one), self.facts(two), ""
        for facts, other in ((ours, theirs), (theirs, ours)):
            gone = other.removed if other.held > facts.epoch else 0
            if facts.epoch >= max(floor, 1) and (new := facts.acked & ~(acked | gone)):
                if other.epoch > facts.epoch and new & ~other.stored:
                    broken = ACKNOWLEDGED_LATE
                acked |= new
        return acked, broken

    def removed(self, before: int, after: int) -> int:
        """The messages (bits) that a server has no more."""
        return self.facts(before).stored & ~self.facts(after).stored

    def lacks(self, server: int, acked: int, floor: int) -> str:
        """A server begins to serve: everything that was acknowledged before is on its disk."""
        facts = self.facts(server)
        return MISSING if facts.epoch >= floor and acked & ~facts.stored else ""

    # --- one form ------------------------------------------------------------------------------------------

    def _form(self, rec: int, other: int, first: int, second: int, shelf: int) -> _Known:
        """The recorded active server comes first; of a view only what can still matter is kept."""
        swapped = self.recs.items[rec].active == 1
        if swapped:
            rec, other, shelf = self._mirrored(rec), self._mirrored(other), self._mirrored(shelf)
            first, second = second, first
        if not other or other == rec:
            # Views are looked at by this record, or a later one. A second control would see more in them.
            first, second = self._forgotten(first, rec, 0), self._forgotten(second, rec, 1)
        used = [self.recs.used[rec], self.recs.used[other], self.recs.used[shelf], self.views.used[first],
                self.views.used[second]]
        return _Known(swapped, rec, other, first, second, shelf,
                      *(reduce(or_, masks) for masks in zip(*used, strict=True)))

    def _forgotten(self, view: int, rec: int, who: int) -> int:
        if not view:
            return 0
        record = self.recs.items[rec]
        return self.views.put(self._solution.settled(
            self.views.items[view], record, active=who == max(record.active, 0)))

    def _mirrored(self, rec: int) -> int:
        record = self.recs.items[rec]
        if record is None or record.active < 0:
            return rec
        return self.recs.put(record._replace(active=1 - record.active))

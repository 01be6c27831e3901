"""The steps of the two servers: their processes, stores, connections to control, and the link between them."""

from collections.abc import Iterator
from functools import cache

from messageserver.standing import Mode, Standing, granted

from .parts import (
    BACKUP,
    COMMITTED,
    COPY,
    EPOCH,
    LINKED,
    MODE,
    PEER,
    PRIMARY,
    RECORDED,
    STEP_DOWN,
    UNLINKED,
    VERSION,
    Letter,
    Node,
    Said,
    from_real,
    to_real,
)
from .rules import STANDINGS
from .scopes import Scope
from .steps import Both, Step
from .trimming import begins_after, due, full_copy_begins, meet, trimmed


def said(node: Node, kind: type[Standing]) -> Said:
    """What the server reports now."""
    if node.standing:
        wish, claim, copy = to_real(node.standing, kind).wish
        # It has neither its standby nor control's word, and says so after the standby time-out.
        stuck = node.standing[MODE] == Mode.LEAVING and node.link == UNLINKED
        return Said(PRIMARY, node.standing[EPOCH], wish, claim, int(copy or 0), stuck)
    return Said(BACKUP if node.role == BACKUP else "", node.held)


class Servers:
    """``without``: names of the rules (rules.RULES) that do not hold."""

    def __init__(self, scope: Scope, without: frozenset[str]):
        self.scope, self.without = scope, without
        self.kind = next((STANDINGS[name] for name in without if name in STANDINGS), Standing)
        self._standing = cache(self._standing_after)

    def _standing_after(self, values: tuple, event: str, *facts) -> tuple:
        return from_real(getattr(to_real(values, self.kind), event)(*facts))

    def after(self, node: Node, event: str, *facts) -> Node:
        return self.tidy(node._replace(standing=self._standing(node.standing, event, *facts)))

    def tidy(self, node: Node) -> Node:
        """The same node without what cannot matter any more."""
        if not node.up:
            inbox = node.inbox if "letters end with their connection" in self.without else ()
            standing = node.standing if "every start is granted anew" in self.without else None
            return Node(copy=node.copy, log=node.log, held=node.held, standing=standing, inbox=inbox, shelf=node.shelf,
                        seen=self.seen(node), aged=node.aged)
        standing, role, link, seen = node.standing, node.role, node.link, node.seen
        if standing and standing[MODE] == Mode.DEPOSED:
            standing, role, seen = None, "", self.seen(node)
        if standing is None:
            link, node = UNLINKED, node._replace(promised=-1)
        elif link == UNLINKED and standing[COPY] and standing[MODE] in (Mode.ALONE, Mode.LEAVING):
            standing = (*standing[:COPY], 0, *standing[COPY + 1:])
        node = node._replace(standing=standing, role=role, link=link, seen=seen)
        kept = node.wire or "letters end with their connection" in self.without
        inbox = tuple(letter for letter in node.inbox if self._can_matter(node, letter)) if kept else ()
        return node if inbox == node.inbox else node._replace(inbox=inbox)

    def seen(self, node: Node) -> int:
        """The newest version of the record that is noted on its disk."""
        if not self.scope.restored:
            return 0  # who has seen it has seen no more than the record has
        return node.standing[VERSION] if node.standing else node.seen

    def _can_matter(self, node: Node, letter: Letter) -> bool:
        standing, held = node.standing, max(node.held, node.standing[EPOCH] if node.standing else 0)
        if letter.kind == PRIMARY:
            again = standing and letter.epoch == standing[EPOCH] and "a grant is taken once" in self.without
            renewed = standing is None and letter.epoch == held and "every grant is a new epoch" in self.without
            return letter.epoch > held or bool(again) or renewed
        if letter.kind == BACKUP:
            return letter.epoch > held or (letter.epoch == held and node.role == "")
        if letter.epoch > held:
            return True
        if standing is None or letter.epoch != standing[EPOCH]:
            return False
        return (letter.kind == STEP_DOWN or letter.version > standing[VERSION]
                or ("a stale word to go alone is ignored" in self.without and not letter.in_sync))

    # --- one server ----------------------------------------------------------------------------------------

    def own_steps(self, node: Node) -> Iterator[Step]:
        if not node.up:
            yield from self._starts(node)
            return
        if self.scope.trimming:
            yield from self._retention(node)
        yield Step("crashes", self.tidy(node._replace(up=False)), fault=True, leaves=len(node.log))
        for letter in node.inbox if node.wire else ():
            yield from self._reads(node, letter)
        standing = node.standing
        if standing is None:
            return
        if node.link != UNLINKED:
            fault = node.link == LINKED
            yield Step("notices that the link is down", self.after(node._replace(link=UNLINKED), "unlinked"), fault)
            if standing[MODE] == Mode.ALONE:
                yield Step("makes acknowledgements wait for the standby", self.after(node, "joined"))
        for peer in range(standing[PEER] + 1, node.link + 1):
            yield Step(f"hears late that the standby has {peer}", self.after(node, "confirmed", standing[EPOCH], peer))
        if node.promised >= 0:
            yield Step("puts what it promised on its disk", self._stored(node, node.promised))
        if standing[EPOCH] > node.held:
            yield Step("puts its epoch on disk", self.tidy(node._replace(held=standing[EPOCH])))

    def _retention(self, node: Node) -> Iterator[Step]:
        if node.log and not node.aged and not begins_after(node.log):
            yield Step("does not keep its first record any more", node._replace(aged=1), fault=True, rare=True)
        if not (upto := due(node.log, node.aged)):
            return
        if node.standing is None:
            if "the active server decides on trimming" in self.without:
                yield Step(f"removes record {upto}", self._trimmed(node, upto))
        elif not to_real(node.standing, self.kind).may_be_replaced:
            yield Step(f"removes record {upto}", self._trimmed(node, upto), removes=True)

    def _trimmed(self, node: Node, upto: int) -> Node:
        return node._replace(log=trimmed(node.log, upto), aged=node.aged if node.aged > upto else 0)

    def _starts(self, node: Node) -> Iterator[Step]:
        started = node._replace(up=True)
        if node.standing is not None:
            epoch, version = node.standing[EPOCH], node.standing[VERSION]
            yield Step("starts, and serves in the epoch it had", self.tidy(started._replace(
                role=PRIMARY, standing=self._granted(epoch, version, node))))
            return
        yield Step("starts", self.tidy(started))
        if self.scope.stores:
            shelf = (node.copy, node.log, node.held, node.seen)
            yield Step("starts with an empty store",
                       self.tidy(started._replace(copy=NEW_COPY, log=(), held=0, seen=0, aged=0,
                                                  shelf=shelf)),
                       fault=True, rare=True)
            if node.shelf:
                copy, log, held, seen = node.shelf
                yield Step("starts with the store it had before",
                           self.tidy(started._replace(copy=copy, log=log, held=held, seen=seen,
                                                      aged=0, shelf=shelf)),
                           fault=True, rare=True)

    def _reads(self, node: Node, letter: Letter) -> Iterator[Step]:
        """The server handles one letter; the letter stays under way unless it cannot matter any more."""
        kind, epoch, version, in_sync = letter
        if not self._acts_on(node, letter):
            return
        if kind == PRIMARY:
            held = node.held if "an epoch is durable before it is served" in self.without else epoch
            yield Step(f"takes the grant: serves in epoch {epoch}", self.tidy(node._replace(
                role=PRIMARY, standing=self._granted(epoch, version, node), held=held, seen=0,
                link=UNLINKED, promised=-1)),
                serves=True, leaves=self._end_of_older_epoch(node))
        elif kind == BACKUP:
            yield Step(f"takes the grant: stands by in epoch {epoch}", self.tidy(node._replace(
                role=BACKUP, standing=None, held=epoch, seen=0)),
                leaves=self._end_of_older_epoch(node) if epoch > node.held else None)
        elif kind == RECORDED:
            what = "in sync" if in_sync else "not in sync"
            yield Step(f"hears that record {version} says {what}",
                       self.after(node, "recorded", epoch, version, in_sync))
        elif kind == STEP_DOWN:
            yield Step("steps down", self.after(node, "deposed"), fault=True)

    def _granted(self, epoch: int, version: int, node: Node) -> tuple:
        fresh = granted(epoch, version, len(node.log), strict=self.scope.strict)
        return self._standing(from_real(fresh), "stored", len(node.log))

    def _end_of_older_epoch(self, node: Node) -> int | None:
        """From a newer epoch on the standby takes and confirms nothing of an older one."""
        return None if "a standby refuses older epochs" in self.without else len(node.log)

    def _acts_on(self, node: Node, letter: Letter) -> bool:
        return letter.kind in (PRIMARY, BACKUP) or (node.standing is not None and letter.epoch == node.standing[EPOCH])

    def receives(self, node: Node, letters: tuple[Letter, ...]) -> Node:
        """``letters`` are under way to the server."""
        inbox = [each for each in node.inbox if each not in letters] + list(letters)
        node = self.tidy(node._replace(inbox=tuple(inbox)))
        newest = sorted(node.inbox, key=lambda letter: (letter.epoch, letter.version))[-self.scope.letters:]
        return node._replace(inbox=tuple(sorted(newest)))

    def connects(self, node: Node) -> Node:
        kept = "letters end with their connection" in self.without
        return self.tidy(node._replace(wire=True, inbox=node.inbox if kept else ()))

    def stores(self, node: Node, message: int) -> Node | None:
        """A client's message is on the server's disk; None when it takes none."""
        if node.standing is None or (node.promised >= 0 and "what was promised is stored next" not in self.without):
            return None
        return self._stored(node, message)

    def _stored(self, node: Node, message: int) -> Node:
        log = (*node.log, (node.standing[EPOCH], message))
        return self.after(node._replace(log=log, promised=-1), "stored", len(log))

    def promises(self, node: Node, message: int) -> Node | None:
        """A client's message is on its way to the standby, and to the server's disk; None when it takes none."""
        if node.standing is None or node.link != LINKED or node.promised >= 0:
            return None
        return node._replace(promised=message)

    def left_by_standby(self, node: Node, confirmed: int) -> Node:
        """The standby has dropped the link; what it confirmed before is under way."""
        return node._replace(link=confirmed) if node.link == LINKED else node

    # --- the link ------------------------------------------------------------------------------------------

    def link_steps(self, active: Node, standby: Node) -> Iterator[Both]:
        """What active server and standby do with each other."""
        standing = active.standing
        if standing is None or not active.up or not standby.up:
            return
        if active.link == LINKED:
            yield from self._linked_steps(active, standby)
        elif standby.role == BACKUP and standby.held == standing[EPOCH] and active.link == UNLINKED:
            common, goes_on = meet(active.log, active.aged, standby.log,
                                   believed="who begins later fetches what it lacks" in self.without)
            if not goes_on:
                yield self._full_copy(active, standby, "begins a full copy", LINKED)
            elif common < len(standby.log):
                yield Both(f"cuts its log back to {common}", active, standby._replace(
                    log=standby.log[:common], aged=min(standby.aged, common)))
            else:
                if standby.log and not begins_after(active.log):
                    yield self._full_copy(active, standby, "empties its store for a full copy", UNLINKED)
                yield Both("links", self.after(active._replace(link=LINKED), "linked", *self._copy_and_end(standby)),
                           standby)
        elif standby.role == BACKUP and standby.held > standing[EPOCH]:
            yield Both("shows a newer epoch", self.after(active, "deposed"), standby)

    def _full_copy(self, active: Node, standby: Node, what: str, link: int) -> Both:
        """The standby has to begin where the active server begins. That happens by itself when it cannot go on (then it
        is ``link``ed), else because the records at the common point differ or are no longer kept."""
        by_itself = link == LINKED
        if not (to_real(active.standing, self.kind).may_empty(str(standby.copy))
                or "only who cannot be promoted is emptied" in self.without):
            return Both("is refused a full copy", self.after(active, "forsaken"), standby, fault=not by_itself)
        emptied = standby._replace(log=full_copy_begins(active.log), aged=active.aged)
        if by_itself:
            active = self.after(active._replace(link=LINKED), "linked", *self._copy_and_end(emptied))
        return Both(what, active, emptied, fault=not by_itself)

    def _copy_and_end(self, standby: Node) -> tuple[str, int]:
        return str(standby.copy), len(standby.log)

    def _linked_steps(self, active: Node, standby: Node) -> Iterator[Both]:
        epoch, peer = active.standing[EPOCH], active.standing[PEER]
        if self.scope.trimming:
            yield from self._trims(active, standby)
        if len(standby.log) < len(active.log) and len(standby.log) >= begins_after(active.log):
            record = active.log[len(standby.log)]
            yield Both("puts the next record on its disk", active, standby._replace(log=(*standby.log, record)))
        if active.promised >= 0 and len(standby.log) == len(active.log):
            yield Both("puts what was promised on its disk", active,
                       standby._replace(log=(*standby.log, (epoch, active.promised))))
        for confirmed in range(peer + 1, len(standby.log) + 1):
            yield Both(f"has confirmed {confirmed}", self.after(active, "confirmed", epoch, confirmed), standby)
        if any(letter.kind == PRIMARY and letter.epoch > epoch for letter in standby.inbox):
            yield Both("says that it is granted a newer epoch", self.after(active, "deposed"), standby)
        yield Both("drops the link", active._replace(link=len(standby.log)), standby, fault=True)


    def _trims(self, active: Node, standby: Node) -> Iterator[Both]:
        """The standby removes what the active server says, and first if it may be promoted."""
        removed, upto = begins_after(standby.log), due(active.log, active.aged)
        if removed < min(told := max(upto, begins_after(active.log)), len(standby.log)):
            yield Both(f"removes record {told} as it is told", active, self._trimmed(standby, told), removes=True)
        if upto and removed >= upto and to_real(active.standing, self.kind).may_be_replaced:
            yield Both(f"has removed record {upto}, so the active server removes it", self._trimmed(active, upto),
                       standby, removes=True)
        if len(standby.log) < begins_after(active.log):
            yield Both("is told that what it lacks is no longer kept",
                       self.after(active._replace(link=UNLINKED), "unlinked"), standby)


NEW_COPY = 62
"""Name of a store that was just made; numbered anew at once."""


def committed(node: Node) -> int:
    return node.standing[COMMITTED] if node.standing else 0

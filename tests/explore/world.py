"""The whole: two servers, control and its record, the network, clients. Which states follow a state."""

from collections.abc import Iterator
from typing import NamedTuple

from .goals import Goals
from .parts import DOUBTED, LINKED, VOUCHED, Node, Rec, View
from .restores import Restoring, put_back
from .rules import ROWS, RULES
from .scopes import SMALL, Scope
from .servers import Servers, said
from .solution import Solution
from .states import State, States


class Move(NamedTuple):
    """``what`` was done, by the server ``who`` (-1: not by a server). ``broken`` names what does not hold any more;
    ``fault``: it does not happen by itself when all is well."""

    what: str
    who: int
    state: State
    fault: bool
    broken: str


class World(Goals):
    """A scope, and the rules that do not hold in it. A frozen process is one that takes no step for a while, and a lost
    message one that never arrives: both are among the interleavings, as is everything that others conclude from the
    silence (``control loses the connection``, ``drops the link``)."""

    def __init__(self, scope: Scope = SMALL, without: frozenset[str] = frozenset()):
        if unknown := without - RULES.keys() - ROWS.keys():
            raise ValueError(f"there is no rule {unknown}")
        self.scope, self.without = scope, without
        self.servers, self.solution = Servers(scope, without), Solution(scope, without)
        self.restoring = Restoring(self.solution)
        self.states = States(self.solution, restored=scope.restored)
        self.recs, self.nodes, self.views = self.states.recs, self.states.nodes, self.states.views
        self.plain = False
        """Moves lead to states whose numbers and places are those that people would see."""
        self._own, self._pair, self._outcomes, self._found = {}, {}, {}, {}

    def start(self) -> State:
        """Nobody has ever served, both processes are down."""
        return State(self.recs.put(Rec()), 0, self.nodes.put(Node(copy=1)), self.nodes.put(Node(copy=2)), 0, 0)

    # --- what follows ----------------------------------------------------------------------------------------

    def moves(self, state: State) -> Iterator[Move]:
        yield from self._of_server(state, 0)
        yield from self._of_server(state, 1)
        yield from self._of_link(state, 0)
        yield from self._of_link(state, 1)
        yield from self._of_control(state)

    def _to(self, what: str, who: int, state: State, fault: bool, broken: str = "") -> Move:
        if state.shelf and state.rare >= self.scope.rare:
            state = state._replace(shelf=0)
        settled, broken = self.states.settle(state, broken, plain=self.plain)
        return Move(what, who, settled, fault, broken)

    def form(self, state: State) -> State:
        """The one form of a state that was reached by plain moves."""
        return self.states.settle(state, "")[0]

    def _with(self, state: State, who: int, server: int, partner: int, view: int, *, sent: int = 0,
              rare: int = 0) -> State:
        rec, other, _, _, view_one, view_two, acked, floor, sent_before, rare_before, shelf = state
        one, two, first, second = (server, partner, view, view_two) if who == 0 else (partner, server, view_one, view)
        return State(rec, other, one, two, first, second, acked, floor, sent_before + sent, rare_before + rare, shelf)

    def _of_server(self, state: State, who: int) -> Iterator[Move]:
        index, peer, view = (state.two, state.one, state.view_two) if who else (state.one, state.two, state.view_one)
        steps = self._own.get(index)
        if steps is None:
            steps = self._own[index] = self._own_steps(index)
        for what, after, fault, serves, rare, removes, leaves, down in steps:
            if rare and state.rare >= self.scope.rare:
                continue
            partner = peer if leaves is None else self._left(peer, leaves)
            new = self._with(state, who, after, partner, self._dead(view) if down else view, rare=rare)
            if removes:
                new = new._replace(acked=new.acked & ~self.states.removed(index, after))
            yield self._to(what, who, new, fault, self.states.lacks(after, state.acked, state.floor) if serves else "")
        if not self.nodes.items[index].up:
            return
        yield from self._talks(state, who, index, peer, view)
        if state.sent < self.scope.records and (after := self._stores(index, state.sent)):
            yield self._to("stores a client's message", who, self._with(state, who, after, peer, view, sent=1), True)
        if self.scope.early and state.sent < self.scope.records and (after := self._promises(index, state.sent)):
            yield self._to("gives its standby a client's message first", who,
                           self._with(state, who, after, peer, view, sent=1), True)

    def _own_steps(self, index: int) -> list[tuple]:
        return [(step.what, self.nodes.put(step.node), step.fault, step.serves, step.rare, step.removes,
                 step.leaves, not step.node.up) for step in self.servers.own_steps(self.nodes.items[index])]

    def _talks(self, state: State, who: int, index: int, peer: int, view: int) -> Iterator[Move]:
        """Hello and Report."""
        key = "talks", index, view
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = list(self._says(self.nodes.items[index], self.views.items[view]))
        for what, after, seen, fault, rare in found:
            if (seen == view and after == index) or (rare and state.rare >= self.scope.rare):
                continue
            yield self._to(what, who, self._with(state, who, after, peer, seen, rare=rare), fault)

    def _says(self, node: Node, known: View | None) -> Iterator[tuple]:
        """(what, server, view, fault, rare) of everything that the server may say and control hear."""
        report, put = said(node, self.servers.kind), self.nodes.put
        new = known is None or not known.live
        what = "connects to control" if new else "reports"
        for each in (report, report._replace(stuck=False)) if report.stuck else (report,):
            seen = self.servers.seen(node)
            view = View(True, node.copy, each, seen=seen) if new else known._replace(said=each, seen=seen)
            # That it waits so patiently is nothing to count on.
            yield what, put(self.servers.connects(node) if new else node), self.views.put(view), each != report, False
        if new:
            return
        if self.scope.late and report.wish and node.late != report:
            yield ("reports, and the network keeps a copy", put(node._replace(late=report)),
                   self.views.put(known._replace(said=report)), True, True)
        if node.late:
            yield ("is heard again with an old report", put(node), self.views.put(known._replace(said=node.late)),
                   True, False)

    def _of_link(self, state: State, active: int) -> Iterator[Move]:
        ours, theirs, view = (state.two, state.one, state.view_two) if active else (
            state.one, state.two, state.view_one)
        steps = self._pair.get((ours, theirs))
        if steps is None:
            steps = self._pair[ours, theirs] = [
                (both.what, self.nodes.put(both.active), self.nodes.put(both.standby), both.fault,
                 both.removes)
                for both in self.servers.link_steps(self.nodes.items[ours], self.nodes.items[theirs])]
        for what, after, partner, fault, removes in steps:
            new = self._with(state, active, after, partner, view)
            if removes:
                new = new._replace(acked=new.acked & ~self.states.removed(theirs, partner)
                                   & ~self.states.removed(ours, after))
            yield self._to(what, 1 - active, new, fault)

    # --- control ---------------------------------------------------------------------------------------------

    def _of_control(self, state: State) -> Iterator[Move]:
        first, second = self.views.items[state.view_one], self.views.items[state.view_two]
        if first is not None:
            yield self._to("control loses the connection of", 0, state._replace(view_one=0), first.live)
        if second is not None:
            yield self._to("control loses the connection of", 1, state._replace(view_two=0), second.live)
        if (first is not None and second is not None) or self.recs.items[state.rec].doubt == VOUCHED:
            yield self._to("control is started anew", -1, self._started_anew(state), True)
        if self.scope.pausing and state.rare < self.scope.rare:
            rec = self.recs.items[state.rec]
            changed = self.recs.put(rec._replace(version=rec.version + 1, automatic=not rec.automatic))
            yield self._to(f"somebody {'pauses' if rec.automatic else 'resumes'} failover", -1,
                           state._replace(rec=changed, rare=state.rare + 1), True)
        if self.scope.second_control:
            if state.other != state.rec and state.rare < self.scope.rare:
                yield self._to("a second control reads the record", -1,
                               state._replace(other=state.rec, rare=state.rare + 1), True)
            if state.other:
                yield from self._decides(state, state.other, "the second control ")
        yield from self._decides(state, state.rec, "control ")
        if self.scope.restored:
            yield from self._of_database(state)

    def _started_anew(self, state: State) -> State:
        rec = self.recs.items[state.rec]
        doubt = DOUBTED if rec.doubt else ""
        return state._replace(view_one=0, view_two=0, rec=self.recs.put(rec._replace(doubt=doubt)))

    def _of_database(self, state: State) -> Iterator[Move]:
        """An older copy is put back, and what follows from that."""
        if state.rare < self.scope.rare:
            if not state.shelf:
                yield self._to("a copy of control's database is kept", -1, state._replace(shelf=state.rec), True)
            elif state.shelf != state.rec:
                rec = put_back(self.recs.items[state.rec], self.recs.items[state.shelf],
                               remembered="what was put back is noticed" not in self.without)
                yield self._to("the older copy of control's database is put back", -1, self._started_anew(
                    state._replace(rec=self.recs.put(rec), shelf=0, rare=state.rare + 1)), True)
        key = "ways", state.rec, state.view_one, state.view_two, state.one, state.two
        ways = self._found.get(key)
        if ways is None:
            ways = self._found[key] = list(self.restoring.ways(
                self.recs.items[state.rec], (self.views.items[state.view_one], self.views.items[state.view_two]),
                (self.nodes.items[state.one], self.nodes.items[state.two])))
        for way in ways:
            acked, floor = (0, way.record.epoch) if way.lost is None else (state.acked, state.floor)
            if way.lost:
                acked &= self.states.facts((state.one, state.two)[way.record.active]).stored
            yield self._to(way.what, -1, state._replace(rec=self.recs.put(way.record), acked=acked, floor=floor), False)

    def _decides(self, state: State, rec: int, name: str) -> Iterator[Move]:
        key = rec, state.view_one, state.view_two
        outcomes = self._outcomes.get(key)
        if outcomes is None:
            outcomes = self._outcomes[key] = self._possible(*key)
        stale = rec != state.rec
        active_is_up = self.nodes.items[(state.one, state.two)[max(self.recs.items[rec].active, 0)]].up
        for what, record, letters, one, two, fault, accepted, presumes_loss in outcomes:
            if stale and record and "writes are conditional" not in self.without:
                continue  # it reads the record again, and is no second control with an old one any more
            if accepted and state.rare >= self.scope.rare:
                continue
            servers = [state.one, state.two]
            for who, letter in letters:
                view = self.views.items[(state.view_one, state.view_two)[who]]
                if view.live:
                    servers[who] = self._receives(servers[who], letter)
            floor, acked = (self.recs.items[record].epoch, 0) if accepted else (state.floor, state.acked)
            new = State(record or state.rec, state.other, *servers, one, two, acked, floor, state.sent,
                        state.rare + accepted, state.shelf)
            yield self._to(name + what, -1, new, fault or stale or (presumes_loss and active_is_up))
            if record and "the record is written before anybody is told" in self.without:
                yield self._to(name + what + ", and dies before the record is on disk", -1,
                               new._replace(rec=state.rec, view_one=0, view_two=0), True)

    def _possible(self, rec: int, one: int, two: int) -> list[tuple]:
        views = self.views.items[one], self.views.items[two]
        return [(outcome.what, self.recs.put(outcome.record) if outcome.record else 0, outcome.letters,
                 self.views.put(outcome.views[0]), self.views.put(outcome.views[1]), outcome.fault,
                 outcome.loss_accepted, outcome.presumes_loss)
                for outcome in self.solution.outcomes(self.recs.items[rec], views)]

    # --- the parts -------------------------------------------------------------------------------------------

    def _receives(self, index: int, letter) -> int:
        key = index, letter
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self.nodes.put(self.servers.receives(self.nodes.items[index], (letter,)))
        return found

    def _stores(self, index: int, message: int) -> int:
        key = "stores", index, message
        found = self._found.get(key)
        if found is None:
            node = self.servers.stores(self.nodes.items[index], message)
            found = self._found[key] = self.nodes.put(node) if node else 0
        return found

    def _promises(self, index: int, message: int) -> int:
        key = "promises", index, message
        found = self._found.get(key)
        if found is None:
            node = self.servers.promises(self.nodes.items[index], message)
            found = self._found[key] = self.nodes.put(node) if node else 0
        return found

    def _left(self, index: int, confirmed: int) -> int:
        node = self.nodes.items[index]
        return self.nodes.put(self.servers.left_by_standby(node, confirmed)) if node.link == LINKED else index

    def _dead(self, view: int) -> int:
        known = self.views.items[view]
        return self.views.put(known._replace(live=False)) if known and known.live else view

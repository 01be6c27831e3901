"""What a state of the whole is: where ways lead to, and what lies behind the states that a walk begins with."""

from messageserver.standing import Mode

from .parts import BACKUP, EPOCH, LINKED, MODE, Parts
from .scopes import Scope
from .states import State
from .trimming import begins_after


class Goals:
    """Conditions on a state of a World."""

    scope: Scope
    recs: Parts
    nodes: Parts

    # --- where ways lead to ----------------------------------------------------------------------------------

    def can_acknowledge(self, state: State) -> bool:
        """The recorded active server serves, and what a client sends next can be acknowledged."""
        rec, node = self.recs.items[state.rec], self.nodes.items[state.one]
        standing = node.standing
        return (rec.active == 0 and standing is not None and standing[EPOCH] == rec.epoch
                and ((standing[MODE] == Mode.ALONE and not self.scope.strict) or node.link == LINKED))

    def is_in_sync(self, state: State) -> bool:
        """Recorded and believed, and the standby could take over."""
        rec, active, standby = self.recs.items[state.rec], self.nodes.items[state.one], self.nodes.items[state.two]
        return (self.can_acknowledge(state) and rec.in_sync and active.standing[MODE] == Mode.IN_SYNC
                and active.link == LINKED and standby.copy == rec.standby_copy and standby.held == rec.epoch)

    def can_fail_over(self, state: State) -> bool:
        """The standby is there and may take over, whatever becomes of the active server."""
        rec, standby = self.recs.items[state.rec], self.nodes.items[state.two]
        return rec.in_sync and rec.automatic and standby.up and standby.copy == rec.standby_copy

    def is_overtaken(self, state: State) -> bool:
        """The second control still thinks that the standby is the active server, and that it is in sync."""
        rec, other = self.recs.items[state.rec], self.recs.items[state.other]
        return other is not None and other.in_sync and (rec.active, other.active) == (0, 1)

    def stands_by_with_another_store(self, state: State) -> bool:
        """The standby has another store than the one that is recorded as in sync."""
        rec, standby = self.recs.items[state.rec], self.nodes.items[state.two]
        return rec.in_sync and standby.copy != rec.standby_copy and standby.role == BACKUP and standby.held == rec.epoch

    def waits_for_a_person(self, state: State) -> bool:
        """The recorded active server has lost its store, and the standby may not take over, because it is not known to
        have everything or because a person paused that: only a person can say how it goes on."""
        rec = self.recs.items[state.rec]
        active, standby = self.nodes.items[state.one], self.nodes.items[state.two]
        may_take_over = rec.in_sync and rec.automatic and rec.standby_copy == standby.copy
        return rec.active_copy not in (0, active.copy) and not may_take_over

    # --- retention -------------------------------------------------------------------------------------------

    def both_keep_a_message(self, state: State) -> bool:
        """A message that was acknowledged is on both disks."""
        return self.is_in_sync(state) and state.acked != 0

    def standby_begins_earlier(self, state: State) -> bool:
        """The active server has removed what its standby, which may be promoted, still has."""
        one, two = self.nodes.items[state.one], self.nodes.items[state.two]
        return self.is_in_sync(state) and begins_after(one.log) > begins_after(two.log)

    def standby_begins_later(self, state: State) -> bool:
        """The standby lacks what the active server has, and it may be promoted."""
        one, two = self.nodes.items[state.one], self.nodes.items[state.two]
        return self.is_in_sync(state) and begins_after(one.log) < begins_after(two.log)

    # --- an older copy of control's database -----------------------------------------------------------------

    def copy_is_kept(self, state: State) -> bool:
        """A copy from when the pair was in sync, as it still is."""
        return state.shelf == state.rec and self.is_in_sync(state)

    def is_alone_since(self, state: State) -> bool:
        """The active server acknowledges alone in the epoch that the copy knows, and the copy says in sync."""
        standing, kept = self.nodes.items[state.one].standing, self.recs.items[state.shelf]
        return bool(standing and kept and kept.in_sync and standing[EPOCH] == kept.epoch
                    and standing[MODE] == Mode.ALONE)

    def has_taken_over_since(self, state: State) -> bool:
        """The recorded active server serves in an epoch that the copy knows nothing of."""
        standing = self.nodes.items[state.one].standing
        return bool(state.shelf and standing and standing[EPOCH] > self.recs.items[state.shelf].epoch)

    def is_put_back(self, state: State) -> bool:
        return state.rare > 0 and not state.shelf

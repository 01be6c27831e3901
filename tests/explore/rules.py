"""What can be taken away from the pair: each rule, and what goes wrong without it."""

from dataclasses import dataclass, replace

from control import transitions
from control.snapshot import State
from messageserver.standing import Mode, Standing

from .scopes import SMALL, Scope

# --- rules of the active server, as what is left of Standing without them ----------------------------------


class AloneWithoutAsking(Standing):
    def unlinked(self):
        return replace(self, peer=0, claim=0, claimed="", mode=Mode.ALONE)._settled()


class StaleFalseAccepted(Standing):
    def recorded(self, epoch, version, in_sync):
        if epoch == self.epoch and not in_sync and self.mode == Mode.LEAVING:
            return replace(self, claim=0, claimed="", mode=Mode.ALONE)._settled()
        return super().recorded(epoch, version, in_sync)


class ClaimBeforeCaughtUp(Standing):
    def _settled(self):
        return super(ClaimBeforeCaughtUp, replace(self, target=0))._settled()


class ClaimBeforeWaiting(Standing):
    """Claims the standby while it goes on acknowledging alone, and waits for it only once it is recorded."""

    def _settled(self):
        now = super()._settled()
        return replace(now, committed=now.own) if now.mode in (Mode.JOINING, Mode.CLAIMED) else now


class AcknowledgedOnBelief(Standing):
    """While it believes to be in sync and linked it does not look whether the standby has this very message."""

    def _settled(self):
        now = super()._settled()
        return replace(now, committed=now.own) if now.mode == Mode.IN_SYNC else now


class AnyCopyConfirms(Standing):
    """A standby with another store than the claimed one counts as if it were the same."""

    def linked(self, copy, peer):
        return replace(self, copy=copy, peer=peer, claimed=copy if self.claim else "")._settled()


STANDINGS = {
    "alone only when that is recorded": AloneWithoutAsking,
    "a stale word to go alone is ignored": StaleFalseAccepted,
    "claimed only after catching up": ClaimBeforeCaughtUp,
    "acknowledgements wait before the claim": ClaimBeforeWaiting,
    "each acknowledgement is checked": AcknowledgedOnBelief,
    "only the claimed store confirms": AnyCopyConfirms,
}


# --- every rule ----------------------------------------------------------------------------------------------

TWO_PRIMARIES = "two servers can acknowledge in one epoch"
TWO_RECORDS = "(epoch, seq) names two records"
MISSING = "an acknowledged record is missing on the next primary"
ACKNOWLEDGED_LATE = "a deposed server acknowledged what the newer primary does not have"


@dataclass(frozen=True)
class Rule:
    """What goes wrong without it, and in which scope that shows. ``past``: the walk begins behind states for which
    these methods of World hold, so that it is shorter."""

    breaks: str
    scope: Scope = SMALL
    past: tuple[str, ...] = ("is_in_sync",)


TWO_STORES = Scope(stores=True, rare=2, letters=1)
ONE_STORE = Scope(stores=True, rare=1, letters=1)
SECOND_CONTROL = Scope(second_control=True, rare=1, letters=1)
TRIMMING = Scope(trimming=True, rare=1, letters=1)
RESTORED = Scope(restored=True, rare=1, letters=1)
RESTORED_AND_EMPTIED = Scope(restored=True, stores=True, rare=2, letters=1)
ALONE_SINCE = ("is_in_sync", "copy_is_kept", "is_alone_since", "is_put_back")
TAKEN_OVER_SINCE = ("is_in_sync", "copy_is_kept", "has_taken_over_since", "is_put_back")

RULES = {
    # the active server
    "alone only when that is recorded": Rule(MISSING),
    "a stale word to go alone is ignored": Rule(MISSING, past=()),
    "claimed only after catching up": Rule(MISSING, past=()),
    "acknowledgements wait before the claim": Rule(MISSING, past=()),
    "each acknowledgement is checked": Rule(MISSING),
    "only the claimed store confirms": Rule(MISSING, TWO_STORES, ("is_in_sync", "stands_by_with_another_store")),
    "only who cannot be promoted is emptied": Rule(MISSING),
    "what was promised is stored next": Rule(TWO_RECORDS, Scope(early=True, records=2)),
    # grants
    "an epoch is durable before it is served": Rule(MISSING, SECOND_CONTROL, ("is_in_sync", "is_overtaken")),
    "every start is granted anew": Rule(MISSING),
    "a grant is taken once": Rule(MISSING),
    "letters end with their connection": Rule(MISSING, ONE_STORE),
    # the standby
    "a standby refuses older epochs": Rule(ACKNOWLEDGED_LATE, Scope(records=2)),
    # control
    "promoted only in sync": Rule(MISSING, past=()),
    "a claim rests on its version": Rule(MISSING, Scope(late=True, rare=1, letters=1), past=()),
    "stores are compared": Rule(MISSING, ONE_STORE, past=()),
    "every grant is a new epoch": Rule(TWO_PRIMARIES),
    "the record is written before anybody is told": Rule(TWO_PRIMARIES),
    "writes are conditional": Rule(TWO_PRIMARIES, SECOND_CONTROL),
    # retention
    "the active server decides on trimming": Rule(MISSING, TRIMMING, ("is_in_sync", "both_keep_a_message")),
    "who begins later fetches what it lacks": Rule(MISSING, TRIMMING, (
        "is_in_sync", "both_keep_a_message", "standby_begins_earlier", "standby_begins_later")),
    # an older copy of control's database
    "what was put back is noticed": Rule(MISSING, RESTORED, ALONE_SINCE),
    "a record that may be outdated is not trusted": Rule(MISSING, RESTORED, ALONE_SINCE),
    "who has another store vouches for nothing": Rule(MISSING, RESTORED_AND_EMPTIED, ALONE_SINCE),
    "who has seen more than the record disputes it": Rule(MISSING, RESTORED, ALONE_SINCE),
    "the record is raised beyond who is away": Rule(TWO_PRIMARIES, RESTORED, TAKEN_OVER_SINCE),
    "nobody goes on beside a server that serves": Rule(MISSING, RESTORED, ALONE_SINCE),
}
"""Rules of the pair (docs/pair.md). A World can be made without one, to show that it is needed."""

ROWS = {
    "a new pair begins with its primary": ((State.NEW, transitions.candidate_is_ready),),
    "the active server is granted anew": ((State.READY, transitions.always),),
    "an active server that is gone is replaced": ((State.WAITING, transitions.active_has_ended),
                                                  (State.WAITING, transitions.active_is_lost)),
    "who serves nobody is told to stand by": (),
}
"""Rules about a way on: the rows of control's table that grant nobody without them."""

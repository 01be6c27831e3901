"""How far acknowledgements may go: the active server's side of the argument in docs/pair.md. Pure.

A message may be acknowledged when both disks have it, or when this disk has it and control has recorded that the
standby is not in sync, so that nobody can promote it. A claim ("the standby is in sync") rests on the version of the
record it was made at and counts only while the record still has that version; permission to go on alone counts only
with a version above that of every claim. No clock, no I/O, and nothing depends on the order in which messages arrive.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


class Mode(StrEnum):
    """ALONE: recorded as not in sync. JOINING: acknowledgements wait for the standby, nothing is claimed yet. CLAIMED:
    control is asked to record it as in sync. IN_SYNC: it is recorded. LEAVING: control is asked to record that it is
    not. DEPOSED: this server may not acknowledge in its epoch any more."""

    ALONE = "alone"
    JOINING = "joining"
    CLAIMED = "claimed"
    IN_SYNC = "in_sync"
    LEAVING = "leaving"
    DEPOSED = "deposed"


@dataclass(frozen=True)
class Standing:
    """One epoch of an active server.

    ``version`` is the newest version of the record that it heard of; ``claim`` the one that its last claim rests on, 0
    when control cannot have recorded the standby as in sync, and ``claimed`` the store that it was about. ``own`` is
    the last record on this disk, ``peer`` the last one that the linked standby (store ``copy``) has on its own;
    ``committed`` is how far acknowledgements may go. ``target``: a JOINING standby is claimed once it has got so far.
    ``strict``: never acknowledge alone.
    """

    epoch: int
    version: int
    own: int
    strict: bool = False
    mode: Mode = Mode.ALONE
    claim: int = 0
    copy: str = ""
    peer: int = 0
    target: int = 0
    committed: int = 0
    claimed: str = ""

    # --- what happens ------------------------------------------------------------------------------------

    def stored(self, own: int) -> "Standing":
        """This disk has everything up to ``own``."""
        return replace(self, own=own)._settled()

    def linked(self, copy: str, peer: int) -> "Standing":
        """A standby with the store ``copy`` is connected, accepted this epoch and has everything up to ``peer``."""
        now = replace(self, copy=copy, peer=peer)
        if self.mode in (Mode.CLAIMED, Mode.IN_SYNC) and (copy != self.claimed or peer < self.committed):
            # Control may promote the claimed store only: it has to take that back before another one counts.
            return replace(now, mode=Mode.LEAVING)
        return now._settled()

    def joined(self) -> "Standing":
        """The linked standby is close: from now on acknowledgements wait for it."""
        if self.mode != Mode.ALONE:
            return self
        return replace(self, mode=Mode.JOINING, target=self.own)._settled()

    def confirmed(self, epoch: int, peer: int) -> "Standing":
        """The linked standby has everything up to ``peer`` on its disk, in ``epoch``."""
        if epoch != self.epoch:
            return self
        return replace(self, peer=max(self.peer, peer))._settled()

    def unlinked(self) -> "Standing":
        """The standby is lost, or too slow to wait for."""
        now = replace(self, peer=0)
        if self.mode == Mode.DEPOSED or self.strict:
            return now if self.mode != Mode.JOINING or self.claim else replace(now, mode=Mode.ALONE)
        if self.claim:
            return replace(now, mode=Mode.LEAVING)
        return replace(now, mode=Mode.ALONE)._settled()

    def recorded(self, epoch: int, version: int, in_sync: bool) -> "Standing":
        """Control says that the record has ``version`` now."""
        if epoch != self.epoch or self.mode == Mode.DEPOSED or version <= self.version:
            return self
        now = replace(self, version=version)
        if in_sync:
            return replace(now, mode=Mode.IN_SYNC) if self.mode == Mode.CLAIMED and version > self.claim else now
        if version <= self.claim:
            return now
        now = replace(now, claim=0, claimed="")
        if self.mode in (Mode.LEAVING, Mode.ALONE):
            return replace(now, mode=Mode.ALONE)._settled()
        return replace(now, mode=Mode.JOINING, target=self.own)._settled()

    def forsaken(self) -> "Standing":
        """The claimed standby is about to lose what it has: control has to take the claim back first."""
        return replace(self, mode=Mode.LEAVING, peer=0) if self.mode in (Mode.CLAIMED, Mode.IN_SYNC) else self

    def deposed(self) -> "Standing":
        """Another server was granted a newer epoch, or this one steps down."""
        return replace(self, mode=Mode.DEPOSED)

    # --- what follows ------------------------------------------------------------------------------------

    @property
    def may_go_alone(self) -> bool:
        return self.mode == Mode.ALONE and not self.strict

    @property
    def may_be_replaced(self) -> bool:
        """Whether control may promote the standby: then it removes first what retention does not keep."""
        return self.claim != 0

    def may_empty(self, copy: str) -> bool:
        """Whether the store ``copy`` may lose what it has: control cannot promote it in this epoch."""
        return not self.claim or copy != self.claimed

    @property
    def wish(self) -> tuple[str, int, str]:
        """(what to record, the version that it rests on, the store it is about), as a Report carries it."""
        if self.mode == Mode.CLAIMED:
            return "synced", self.claim, self.claimed
        if self.mode == Mode.LEAVING:
            return "alone", self.claim, ""
        return "", 0, ""

    def _settled(self) -> "Standing":
        """Move ``committed`` as far as the rules allow, and claim what is proven."""
        if self.mode == Mode.DEPOSED:
            return self
        now = self
        if now.mode == Mode.JOINING and now.peer >= now.target and now.copy:
            now = replace(now, mode=Mode.CLAIMED, claim=now.version, claimed=now.copy)
        if now.may_go_alone:
            reached = now.own
        else:
            counts = not now.claim or now.copy == now.claimed
            reached = min(now.own, now.peer) if counts else 0
        return replace(now, committed=max(now.committed, reached))


def granted(epoch: int, version: int, own: int, *, strict: bool) -> Standing:
    """The standing of a server that was just granted ``epoch``: control has recorded that it is alone."""
    return Standing(epoch, version, own, strict)._settled()

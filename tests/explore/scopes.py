"""How much of the world is walked."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Scope:
    """Bounds of a walk. ``records``: messages that clients send; ``letters``: messages of control under way on one
    connection (older ones are lost); ``rare``: how many rare events may happen. Which kinds do:

    ``stores``: a server comes back with an empty store, or with one it had before; ``second_control``: another control
    reads the record and acts on it later; ``late``: the network keeps a report and delivers it after newer ones, as
    often as it likes; ``loss_accepted``: somebody promotes a server and accepts that messages are lost; ``pausing``:
    somebody pauses automatic failover, or resumes it; ``restored``: an older copy of control's database is put back;
    ``trimming``: retention does not keep the first record of a server any more; ``early``: the active server gives its
    standby a message before its own disk has it.
    ``strict``: the servers never acknowledge alone.
    """

    records: int = 1
    letters: int = 2
    rare: int = 0
    stores: bool = False
    second_control: bool = False
    late: bool = False
    loss_accepted: bool = False
    pausing: bool = False
    restored: bool = False
    trimming: bool = False
    early: bool = False
    strict: bool = False

    def __str__(self) -> str:
        """What differs from the smallest scope."""
        return ", ".join(f"{field.name} {getattr(self, field.name)}" for field in fields(self)
                         if getattr(self, field.name) != field.default) or "the smallest"


SMALL = Scope()

SCOPES = {
    "one message": SMALL,
    "strict": Scope(strict=True),
    "failover is paused and resumed": Scope(pausing=True, rare=2),
    "somebody accepts a loss": Scope(loss_accepted=True, rare=1),
    "an old report comes again": Scope(late=True, rare=1),
    "a store is replaced": Scope(stores=True, rare=1),
    "two messages": Scope(records=2),
    "the standby has a message first": Scope(early=True),
    "an older database is put back": Scope(restored=True, rare=1),
    "retention removes a message": Scope(trimming=True, rare=1),
    "a second control": Scope(second_control=True, rare=1),
    "two stores are replaced": Scope(stores=True, rare=2),
    "everything": Scope(records=2, rare=2, stores=True, second_control=True, late=True, loss_accepted=True,
                        pausing=True),
}
"""By name, smallest first. Those up to "two messages" can be walked whole."""

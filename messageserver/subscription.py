"""One subscription: which records it wants, where it stands in the log, what it still has to acknowledge.

A subscription is *live* (the broker hands it each committed record) or it *pulls* (it reads the log from ``cursor``
at its own pace). The switch to live happens in one step of the event loop, when nothing lies between the cursor and
the last committed record, so there is neither a gap nor a duplicate.
"""

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from .beginnings import Beginning
from .dialects import V12
from .reader import Wanted
from .roster import Guest
from .selector import Selector
from .tails import Stored

ACK_MODES = ("auto", "client", "client-individual")


class Subscription:
    """``pattern`` is a destination or a prefix followed by ``*``; ``limit`` bounds the messages without ACK.
    ``beginning``: the cursor is to be looked for there first. ``selector``: only what it selects is wanted. ``keeps``:
    the server keeps what was acknowledged."""

    keeps = False

    def __init__(self, session: Guest, ident: str, number: int, pattern: str, ack: str, cursor: int, limit: int,
                 beginning: Beginning | None = None, selector: Selector | None = None):
        self.session, self.id, self.number, self.pattern, self.ack = session, ident, number, pattern, ack
        self.cursor, self.limit, self.beginning, self.selector = cursor, limit, beginning, selector
        self.again: list[int] = []
        """Seqs that are delivered before anything else."""
        self.live = False
        self.closed = False
        self.unacknowledged: OrderedDict[int, None] = OrderedDict()
        self.room = asyncio.Event()
        self.room.set()
        self.delivered = 0
        """The newest seq that was handed out and needs an ACK."""
        self._dialect = session.dialect
        self._queue = session.queue if self._dialect is V12 else self._queue_older
        self._plain = ack == "auto" and not self.keeps and self._dialect is V12
        self._head = f"MESSAGE\nsubscription:{self._dialect.encoded(ident)}\n".encode()

    def wants(self, destination: str) -> bool:
        if self.pattern.endswith("*"):
            return destination.startswith(self.pattern[:-1])
        return destination == self.pattern

    def begin(self, found: int | Beginning) -> None:
        """What a look for the beginning has found: the cursor, or what is to be looked at next."""
        if isinstance(found, int):
            self.cursor, self.beginning = found, None
        else:
            self.beginning = found

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.pattern, self.selector)

    @property
    def free(self) -> int:
        """How many messages may go out before an ACK is needed."""
        return self.limit - len(self.unacknowledged) if self.ack != "auto" else self.limit

    def deliver(self, seq: int, tail: bytes) -> None:
        """Queue one message for the client; ``tail`` is ``message_tail`` of its record."""
        if self.ack == "auto":
            self._queue(self._head, tail)
            return
        self.unacknowledged[seq] = None
        self.delivered = max(self.delivered, seq)
        if len(self.unacknowledged) >= self.limit:
            self.room.clear()
        self._queue(self._head, b"ack:s%d-%d\n" % (self.number, seq), tail)

    def deliver_all(self, stored: Sequence[Stored]) -> None:
        """Queue messages in order; where nothing is kept of them and nothing told but the same head, in one step."""
        if self._plain:
            self._queue(self._head.join([b"", *[tail for _, _, tail in stored]]))
            return
        for seq, _, tail in stored:
            self.deliver(seq, tail)

    @property
    def one_head(self) -> bytes | None:
        """How each message begins, where all begin alike and nothing is kept of them; else None."""
        return self._head if self._plain else None

    def _queue_older(self, head: bytes, *rest: bytes) -> None:
        """For a client of 1.1 or 1.0: they acknowledge by message-id, and escape less."""
        *own, tail = rest
        self.session.queue(head, *[lines for lines in own if not lines.startswith(b"ack:")],
                           self._dialect.recoded(tail))

    def covers(self, seq: int) -> bool:
        """Whether an ACK of a later message has acknowledged ``seq``, or may have."""
        return self.ack == "client" and seq <= self.delivered

    def acknowledge(self, seq: int) -> bool:
        """ACK: frees the place in the window. False when ``seq`` does not wait for one."""
        taken = self.take_off(seq)
        self.settled(taken)
        return bool(taken)

    def take_off(self, seq: int) -> list[int]:
        """Free the places of what an ACK or NACK of ``seq`` is about; which those are, none when it waits for none."""
        if seq not in self.unacknowledged:
            return []
        taken = [seq]
        if self.ack == "client":
            taken = list(itertools.takewhile(lambda each: each != seq, self.unacknowledged)) + taken
        for each in taken:
            del self.unacknowledged[each]
        self.room.set()
        return taken

    def settled(self, seqs: Iterable[int]) -> None:
        """These were acknowledged, as what takes effect with the next commit."""

    def unsettled(self, seqs: Iterable[int]) -> None:
        """That they were did not come to be stored."""

    def refused(self, seqs: list[int]) -> list[int]:
        """The client does not deal with these; which of them count as acknowledged. In a log all do: they stay where
        they are, for whoever asks for them."""
        return seqs

    def lost(self, seqs: Iterable[int]) -> None:
        """Of ``again`` these are not there any more."""

    def close(self) -> None:
        self.closed = True
        self.live = False
        self.room.set()

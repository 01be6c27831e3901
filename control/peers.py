"""Connected servers and agents, thousands of them: what they say is taken in turns, what they are told never waits.

Each has a protocol of its own instead of tasks and timers: a sign of life, which is nearly all that comes, costs
no more than noting that it came. One sweep looks at those that may have been silent for too long, or that are to be
shown a sign of life in return.
"""

import asyncio
import contextlib
import heapq
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from protocol.beats import until_next
from protocol.lines import MAX_LINE, WireError, decode, encode
from protocol.message import Message
from protocol.opening_messages import Heartbeat
from protocol.wire import Opening

log = logging.getLogger(__name__)

SEND_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0
OUTBOX_BYTES = 32 * 1024 * 1024
INBOX_LINES = 200
"""With so much unread of one peer it is not read from any more."""
LINES_A_TURN = 20
SLICE_S = 0.02
"""So long messages are taken before the loop turns: signs of life must be read in between."""
SWEEP_S, REST_S = 0.125, 0.25
"""Between two sweeps, and between two while there is nobody to look at."""
HELD_UP_S = 0.4
"""At a sweep that comes so much too late nobody is taken for silent: what they sent is still unread."""
BEAT = encode(Heartbeat())
_COUNTERS = (b'{"type":"progress"', b'{"type":"host_facts"', b'{"type":"report"')
"""Of these the newest one alone counts."""


class Bucket:
    """Token bucket: ``rate`` a second, ``burst`` at once."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic):
        self._rate, self._burst, self._left, self._clock, self._at = rate, burst, burst, clock, clock()

    def take(self, count: int = 1) -> bool:
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < count:
            return False
        self._left -= count
        return True


class Turns:
    """Who has said something that is not taken yet; everybody gets a turn before anybody gets another one."""

    def __init__(self) -> None:
        self._waiting: deque[Peer] = deque()
        self._due = False
        self._loop = asyncio.get_running_loop()

    def add(self, peer: "Peer") -> None:
        self._waiting.append(peer)
        self._go_on()

    def _go_on(self) -> None:
        if self._waiting and not self._due:
            self._due = True
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        until = time.perf_counter() + SLICE_S
        try:
            while self._waiting and time.perf_counter() <= until:
                peer = self._waiting.popleft()
                if peer.work():
                    self._waiting.append(peer)
        finally:
            # Also after an error in one turn: nobody else would ever have another one.
            self._due = False
            self._go_on()


class Peers:
    """All of them. ``run`` is the sweep."""

    def __init__(self) -> None:
        self.turns = Turns()
        self._all: set[Peer] = set()
        self._looks: list[tuple[float, int, Peer]] = []
        """When each is to be looked at next; the number keeps peers from being compared."""
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, peer: "Peer") -> None:
        self._all.add(peer)
        self._look_later(peer)

    def discard(self, peer: "Peer") -> None:
        self._all.discard(peer)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            began = time.monotonic()
            wait_s = until_next(SWEEP_S if self._looks and self._looks[0][0] < began + REST_S else REST_S, began)
            await asyncio.sleep(wait_s)
            now = time.monotonic()
            due = self._due(now + SWEEP_S / 2)
            late = [] if now - began - wait_s > HELD_UP_S else [peer for peer in due if peer.is_late(now)]
            for peer in due:
                peer.beat(now)
            if late:
                # The loop looks at timers before it reads: what came meanwhile counts.
                for _ in range(2):
                    await asyncio.sleep(0)
                for peer in late:
                    if peer.is_late(now):
                        peer.cut(f"the peer was silent for {peer.silence_s:g} s")
            for peer in due:
                self._look_later(peer)

    def _due(self, until: float) -> list["Peer"]:
        due = []
        while self._looks and self._looks[0][0] <= until:
            peer = heapq.heappop(self._looks)[2]
            if peer in self._all:
                due.append(peer)
        return due

    def _look_later(self, peer: "Peer") -> None:
        if peer in self._all:
            heapq.heappush(self._looks, (peer.next_look, next(self._numbers), peer))


class Peer(asyncio.Protocol):
    """One that has shown its secret. Before ``adopt`` it has no connection yet.

    ``silence_s``: for how long it may be silent; ``beat_s``: how often it is shown a sign of life.
    """

    def __init__(self, peers: Peers, name: str, *, rate: float, burst: float, silence_s: float, beat_s: float):
        self.name, self.silence_s, self.beat_s = name, silence_s, beat_s
        self.cut_reason = ""
        self.heard_at = self._sent_at = time.monotonic()
        """When the peer last said anything, heartbeats included (monotonic)."""
        self._peers, self._bucket = peers, Bucket(rate, burst)
        self._transport: asyncio.Transport | None = None
        self._kept: object = None
        self._rest = b""
        self._inbox: deque[bytes] = deque()
        self._take: Callable[[Message], None] | None = None
        self._unsent: list[Message] = []
        self._stalled_since: float | None = None
        self._held = False
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # --- the connection ------------------------------------------------------------------------------------

    async def adopt(self, opening: Opening, welcome: Message) -> None:
        """Take over the connection of ``opening`` and say ``welcome``. Raises WireError."""
        reader, writer, rest = opening.channel.detach()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                rest += await reader.read(65536)
        transport = writer.transport
        if transport.is_closing():
            raise WireError("the peer closed the connection")
        # The writer would close the connection with its own end.
        self._transport, self._kept = transport, writer  # type: ignore[assignment]  # a stream's transport reads, too
        transport.set_protocol(self)
        self.heard_at = time.monotonic()
        self._peers.add(self)
        self._write(encode(welcome))
        unsent, self._unsent = self._unsent, []
        for message in unsent:
            self.post(message)
        if rest:
            self.data_received(rest)

    async def run(self, take: Callable[[Message], None]) -> None:
        """Give what the peer says to ``take``, until the connection ends. Raises WireError."""
        self._take = take
        if self._inbox:
            self._peers.turns.add(self)
        await self._ended

    def data_received(self, data: bytes) -> None:
        self.heard_at = time.monotonic()
        if data == BEAT and not self._rest:
            return
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_LINE:
            self.cut(f"the peer sent a line of more than {MAX_LINE} bytes")
            return
        if not self._bucket.take(len(lines)):
            self.cut(f"{self.name} sends more messages than allowed")
            return
        inbox, was_empty = self._inbox, not self._inbox
        for line in lines:
            if line == BEAT[:-1]:
                continue
            if inbox and line.startswith(_COUNTERS) and inbox[-1][:16] == line[:16]:
                inbox[-1] = line
            else:
                inbox.append(line)
        if inbox and was_empty and self._take is not None:
            self._peers.turns.add(self)
        if len(inbox) > INBOX_LINES and not self._held:
            self._held = True
            if self._transport is not None:
                self._transport.pause_reading()

    def work(self) -> bool:
        """Take some of what the peer has said; True when there is more."""
        take = self._take
        if take is None:
            return False
        for _ in range(min(LINES_A_TURN, len(self._inbox))):
            if not self._carry_out(self._inbox.popleft(), take):
                self._inbox.clear()
                break
        if self._held and not self._inbox:
            self._held, self.heard_at = False, time.monotonic()
            if self._transport is not None:
                self._transport.resume_reading()
        return bool(self._inbox)

    def _carry_out(self, line: bytes, take: Callable[[Message], None]) -> bool:
        """False once the connection is not to go on."""
        if self._ended.done():
            return False
        try:
            message = decode(line)
            if isinstance(message, Heartbeat):
                return True
            take(message)
        except WireError as error:
            self.cut(str(error))
            return False
        except Exception:
            log.exception("what %s said could not be carried out; its connection ends", self.name)
            self.cut("control met an internal error with what it said")
            return False
        return True

    def eof_received(self) -> bool:
        self._end("the peer closed the connection")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._end(f"the connection broke: {error}" if error else "the peer closed the connection")

    def _end(self, reason: str) -> None:
        self._peers.discard(self)
        if not self._ended.done():
            self._ended.set_exception(WireError(self.cut_reason or reason))
            # Whoever waits for it may be gone.
            self._ended.exception()

    @property
    def heard(self) -> datetime:
        """``heard_at`` as a time of day."""
        return datetime.now(UTC) - timedelta(seconds=time.monotonic() - self.heard_at)

    # --- silence ---------------------------------------------------------------------------------------------

    @property
    def next_look(self) -> float:
        """When it may be late, or is to be shown a sign of life (monotonic); not before anything is heard or said."""
        return min(self.heard_at + self.silence_s, self._sent_at + self.beat_s)

    def is_late(self, now: float) -> bool:
        return now - self.heard_at > self.silence_s and not self._held

    def beat(self, now: float) -> None:
        """Called by the sweep: show a sign of life when one is due; one who reads nothing is cut."""
        if now - self._sent_at >= self.beat_s - SWEEP_S / 2:
            self._write(BEAT)
        if self._stalled_since is not None and now - self._stalled_since > SEND_TIMEOUT_S:
            self.cut(f"{self.name} did not read for {SEND_TIMEOUT_S:g} s")

    # --- what it is told ---------------------------------------------------------------------------------------

    def post(self, message: Message) -> None:
        """Tell it; never waits. A peer that does not read is cut."""
        if self._transport is None:
            self._unsent.append(message)
            return
        try:
            self._write(encode(message))
        except WireError as error:
            self.cut(str(error))

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(data)
        self._sent_at = time.monotonic()
        if transport.get_write_buffer_size() > OUTBOX_BYTES:
            self.cut(f"{self.name} does not read what it is sent")

    def pause_writing(self) -> None:
        self._stalled_since = time.monotonic()

    def resume_writing(self) -> None:
        self._stalled_since = None

    # --- its end -----------------------------------------------------------------------------------------------

    def cut(self, reason: str) -> None:
        """End the connection at once; its session notices."""
        self.cut_reason = self.cut_reason or reason
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Send what waits, and end the connection; one that does not read has CLOSE_TIMEOUT_S."""
        self._end("control ended the connection")
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._transport.abort)

"""The transport's side of one STOMP connection: reading and pacing, the order of its frames, heart-beats."""

import asyncio
import functools
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from . import openings
from .broker import Broker
from .frames import Refusal
from .log import Event
from .output import Output
from .stomp import Frame, Limits, Parser, Sends

WRITE_HIGH, WRITE_LOW = 1024 * 1024, 256 * 1024
HEART_BEAT_SLACK_S = 0.5
STRANGERS_FRAME = Limits(max_frame_bytes=1024, max_header_bytes=8 * 1024, max_headers=64)
"""What the first frame, by which a client logs in, may cost."""


def written(address: str, port: int) -> str:
    """An address and a port as people write them together."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Connection(Output):
    """Created by the listening server for each connection; ``take`` and ``detach`` are the subclass's."""

    def __init__(self, broker: Broker):
        super().__init__(broker)
        self.submitted = self.settled = 0
        self.awaited = 0
        """How many of those that were submitted were ACKs, and no messages."""
        self.writable = asyncio.Event()
        self.writable.set()
        self._parser = Parser(STRANGERS_FRAME)
        self._first = b""
        self._unread: list[bytes] = []
        self._due: deque[tuple[int, Callable[[], None]]] = deque()
        self._work: asyncio.Task[None] | None = None
        self._kept: list[Frame | Sends] = []
        self._farewell: Callable[[], None] | None = None
        self._ending = self._held = self._detached = False
        self._send_every_s = self._expect_every_s = 0.0
        self._drained = 0

    def told(self) -> dict[str, Any]:
        """What the console is told of it; ``since`` is Unix time, ``heart_beats`` seconds (the server's, the
        client's)."""
        return {"session": self.name, "login": self.login, "peer": self.peer,
                "since": time.time() - (self._time() - self._since), "unread_bytes": self.unread,
                "submitted": self.submitted - self.awaited, "heart_beats": [self._send_every_s, self._expect_every_s]}

    def take(self, frame: Frame) -> None:
        """Carry out one frame. Raises Refusal."""
        raise Refusal(f"The command {frame.command[:40]!r} is not served.")

    def take_together(self, sends: Sends) -> bool:
        """Carry out plain SENDs in one step; False, and nothing was done, when they have to be taken one by one."""
        return False

    def detach(self) -> None:
        """Forget everything that outlives a single frame."""

    # --- what the transport calls ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a stream has this kind
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_HIGH, low=WRITE_LOW)
        name = transport.get_extra_info("peername")
        self.address, self.peer = (name[0], written(*name[:2])) if isinstance(name, tuple) else ("", "?")
        self._since = self._heard = self._sent = self._progress = self._time()
        self.broker.roster.came(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._closing = True
        if self._abort_later is not None:
            self._abort_later.cancel()
        self._let_go()
        self.broker.roster.gone(self)
        self.broker.log.trace(Event.CLIENT_CLOSED, f"Connection {self.number} of {self.peer} is closed.",
                              published=not self.is_of_log)

    def eof_received(self) -> bool:
        if self._closing or not self._transport.can_write_eof():
            return False
        self._peer_ended = True
        self._read_unread()
        if self._work is None:
            self.end_once_settled(self._part)
        return True

    def _part(self) -> None:
        """The client has sent all that it ever will, and is answered."""
        if self.connected and self._parser.unfinished:
            self.fail("The connection ended in the middle of a frame, which does not count.")
        else:
            self.close()

    def pause_writing(self) -> None:
        self.writable.clear()
        self._pace()

    def resume_writing(self) -> None:
        self.writable.set()
        self._pace()

    def data_received(self, data: bytes) -> None:
        if self._closing or self._ending:
            return
        self._heard = self._time()
        if self.broker.intake.busy:
            self._unread.append(data)
            self.broker.intake.postpone(self)
        elif self._work is not None:
            self._unread.append(data)
        else:
            self._read(data)

    def _read(self, data: bytes) -> None:
        parser = self._parser
        if self.connected:
            self._take_parts(parser.parts(data))
        else:
            self._read_first(data)
        self._after_parts()

    def _after_parts(self) -> None:
        if self._closing or self._ending:
            return
        if self._parser.error is not None and self._work is None:
            self.fail(str(self._parser.error), receipt=self._parser.error.receipt)
            return
        self.flush()

    def _read_first(self, data: bytes) -> None:
        """The frame by which a client logs in, and then what came together with it."""
        self._first = (self._first + data)[: openings.LONGEST]
        if (kind := openings.kind_of(self._first)) not in ("", openings.STOMP):
            self._turn_away(kind)
            return
        self._take_parts(self._parser.parts(data, only_first=True))
        if self.connected:
            self._parser.limits = self.broker.settings.limits.frame
            self._take_parts(self._parser.parts(b""))

    def _turn_away(self, kind: str) -> None:
        """Tell a client that does not speak STOMP so, in its own words where they are known."""
        sentence = openings.refusal(kind, self.broker.settings.ports)
        self.broker.client_event(Event.CLIENT_REFUSED, f"A client at {self.peer} is refused: {sentence}")
        if kind == openings.HTTP:
            self.queue(openings.http_answer("400 Bad Request", sentence))
            self.close()
        else:
            self.fail(sentence)

    def _take_parts(self, parts: list[Frame | Sends]) -> None:
        self.broker.intake.count(sum([len(part.bodies) if type(part) is Sends else 1 for part in parts]))
        for part in parts:
            if self._closing or self._ending:
                return
            try:
                self._take_part(part)
            except Exception as error:  # one frame must never take the other clients down
                self._internal_error(error)

    def _take_part(self, part: Frame | Sends) -> None:
        if self._work is not None:
            self._kept.append(part)
            return
        if type(part) is Sends and self.take_together(part):
            return
        for frame in part.frames() if type(part) is Sends else (part,):
            if self._closing or self._ending:
                return
            if self._at_work():
                self._kept.append(frame)
                continue
            try:
                self.take(frame)
            except Refusal as refusal:
                self._fail_after(refusal.after_s, str(refusal), frame.headers.get("receipt"))

    def _internal_error(self, error: Exception) -> None:
        self.broker.log.standard(Event.INTERNAL_ERROR, f"Connection {self.number} of {self.peer} is cut after an "
                                 f"internal error: {type(error).__name__}: {error}.")
        self.fail("The server met an internal error with this frame; its log says more.")

    # --- work that takes time --------------------------------------------------------------------------

    def _later(self, work: Coroutine[Any, Any, None], frame: Frame) -> None:
        """Do ``work``, which ``frame`` asked for, before any further frame is taken: what the client sends meanwhile
        waits, so the order of one connection is kept. ``work`` answers ``frame`` itself, and may raise Refusal. It is
        cancelled when the connection closes."""
        self._work = asyncio.get_running_loop().create_task(work)
        self._work.add_done_callback(functools.partial(self._work_done, frame.headers.get("receipt")))
        self._pace()

    def _at_work(self) -> bool:
        return self._work is not None

    def _work_done(self, receipt: str | None, work: asyncio.Task[None]) -> None:
        error = None if work.cancelled() else work.exception()
        if work is not self._work:
            return
        self._work = None
        if isinstance(error, Refusal):
            self._fail_after(error.after_s, str(error), receipt)
        elif isinstance(error, Exception):
            self._internal_error(error)
        else:
            self._take_kept()

    def _take_kept(self) -> None:
        farewell, parts = self._farewell, self._kept
        self._farewell, self._kept = None, []
        if farewell is not None:
            self.flush()
            self.once_settled(farewell)
            return
        self._take_parts(parts)
        self._after_parts()
        if self._work is None:
            self._read_unread()
        if self._work is None and self._peer_ended and not (self._closing or self._ending):
            self.end_once_settled(self._part)
        self._pace()

    async def _once_answered(self) -> None:
        """Wait until all that was submitted up to now is settled."""
        settled = asyncio.get_running_loop().create_future()
        self.once_settled(lambda: None if settled.done() else settled.set_result(None))
        await settled

    # --- pacing ----------------------------------------------------------------------------------------

    def hold(self, on: bool) -> None:
        """Stop reading from the client, or go on with what was read already."""
        self._held = on
        if not on:
            self._read_unread()
        self._pace()

    def _read_unread(self) -> None:
        if self._unread and self._work is None and not (self._closing or self._ending):
            data = b"".join(self._unread)
            self._unread.clear()
            self._read(data)

    def _pace(self) -> None:
        if self._closing or self._transport.is_closing():
            return
        if not self.reading:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    @property
    def owes(self) -> bool:
        """True while the client waits for something that was promised or queued."""
        return not self._closing and (self.submitted > self.settled or self._work is not None
                                      or self._transport.get_write_buffer_size() > 0)

    def settle(self, count: int = 1) -> None:
        """So many submitted messages were stored, or were given up."""
        self.settled += count
        if self._due:
            self._run_due()

    def once_settled(self, action: Callable[[], None]) -> None:
        """Run ``action`` when all that was submitted up to now is settled."""
        self._due.append((self.submitted, action))
        self._run_due()

    def end_once_settled(self, action: Callable[[], None]) -> None:
        """As ``once_settled``; whatever else the client sends is not read any more."""
        self._ending = True
        self._pace()
        if self._work is not None:
            self._farewell = action
        else:
            self.once_settled(action)

    def _run_due(self) -> None:
        while self._due and self._due[0][0] <= self.settled:
            self._due.popleft()[1]()

    def tick(self, now: float) -> None:
        """Time passed: heart-beats, clients that never log in, fall silent or take nothing."""
        if self._closing or self._transport.is_closing():
            return
        if not self.reading:
            self._heard = now  # what it sends meanwhile is not heard
        limits, unread = self.broker.settings.limits, self._transport.get_write_buffer_size()
        if self._written - unread > self._drained or unread == 0:
            self._drained, self._progress = self._written - unread, now
        if not self.connected and not self._ending and now - self._since > limits.connect_timeout:
            self.fail(f"No CONNECT came within {limits.connect_timeout} s (option limits/connect-timeout).")
        elif now - self._progress > limits.stall_timeout:
            self._cut(f"took nothing for {limits.stall_timeout} s while data waited (option limits/stall-timeout)")
        elif self.connected and self.reading and self._parser.unfinished and now - self._heard > limits.stall_timeout:
            # A length that is too large is known by nothing else, and the client waits for an answer.
            self.fail(f"The rest of a frame has not come for {limits.stall_timeout} s (option limits/stall-timeout): "
                      "content-length counts bytes, and NUL ends a frame.")
        elif self._expect_every_s and self.reading and now - self._heard > 2 * self._expect_every_s:
            self._cut(f"sent no heart-beat for {now - self._heard:.1f} s, {self._expect_every_s:g} s were agreed")
        elif self._send_every_s and now - self._sent > self._send_every_s - HEART_BEAT_SLACK_S:
            self._write(b"\n")

    @property
    def reading(self) -> bool:
        return not (self._held or self._ending or self._work is not None) and self.writable.is_set()

    # --- the end ---------------------------------------------------------------------------------------

    def _fail_after(self, seconds: float, sentence: str, receipt: str | None) -> None:
        """As ``fail``, so much later; whatever else the client sends is not read any more."""
        if not seconds:
            self.fail(sentence, receipt=receipt)
            return
        self._ending = True
        self._pace()
        asyncio.get_running_loop().call_later(seconds, lambda: self.fail(sentence, receipt=receipt))

    def _leave(self) -> None:
        self._let_go()
        self.broker.roster.leaves(self)

    def _let_go(self) -> None:
        """Once: what ``detach`` leaves to be done when all is settled still has to be done."""
        if self._detached:
            return
        self._detached = True
        self.connected = False
        if self._work is not None:
            self._work.cancel()
            self._work = None
        self._farewell = None
        for waiting in (self._due, self._out, self._unread, self._kept):
            waiting.clear()
        self.detach()
        self.writable.set()

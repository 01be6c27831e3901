"""What one client is sent, how much of it may wait, and how its connection ends."""

import asyncio
import itertools

from .broker import Broker
from .dialects import V12, VERSIONS
from .log import Event
from .stomp import told

LINGER_S = 1.0
"""How long a connection that got its last frame is kept, so that the client can read it."""
RETRY_ENDS = ("Try again.", "Connect again.", "again later.", "again later, with its dedup-id.",
              "again and resume with from-seq.", "to the other member of the pair.")
"""How sentences end that are of the moment or of this member; what a client wrote itself never stands at an end."""
_numbers = itertools.count(1)


class Output(asyncio.Protocol):
    """Of one connection; what it reads, and what it forgets when it ends, are the subclass's."""

    _transport: asyncio.Transport

    def __init__(self, broker: Broker):
        self.broker = broker
        self.number = next(_numbers)
        self.login = self.peer = self.address = ""
        self.name = ""
        """Of a client that has logged in, among all that any member of the pair has ever had."""
        self.connected = False
        self.dialect = V12
        self.is_of_log = False
        """Whether it publishes or reads log records for the console, or is the console: then nothing that is said of it
        is published."""
        self._time = asyncio.get_running_loop().time
        self._out: list[bytes] = []
        self._written = 0
        self._sent = 0.0
        self._closing = self._peer_ended = False
        self._abort_later: asyncio.TimerHandle | None = None

    def _leave(self) -> None:
        """Its last frame is on the way."""

    @property
    def unread(self) -> int:
        """Bytes that wait for the client."""
        return self._transport.get_write_buffer_size()

    def queue(self, *parts: bytes) -> None:
        """Add bytes to the output; ``flush`` sends them."""
        self._out += parts

    def flush(self) -> None:
        if not self._out:
            return
        data = b"".join(self._out)
        self._out.clear()
        if self._closing or self._transport.is_closing():
            return
        self._write(data)
        limit = self.broker.settings.limits.max_backlog_bytes
        if self._transport.get_write_buffer_size() > limit:
            self._cut(f"left more than {limit} bytes unread (option limits/max-backlog-bytes)")

    def _write(self, data: bytes) -> None:
        self._transport.write(data)
        self._written += len(data)
        self._sent = self._time()

    def _cut(self, why: str) -> None:
        self._tell_cut(f"Connection {self.number} of {self.login} at {self.peer} is cut: it {why}.")
        self.fail(f"The connection {why}. Connect again and resume with from-seq.")

    def fail(self, sentence: str, *, receipt: str | None = None) -> None:
        """Send an ERROR with ``sentence`` and close."""
        if self._closing or self._transport.is_closing():
            return
        headers = [("message", sentence), ("content-type", "text/plain")]
        if receipt is not None:
            headers.append(("receipt-id", receipt))
        if sentence.endswith(RETRY_ENDS):
            headers.append(("retry", "true"))
        if not self.connected:
            headers.append(("version", VERSIONS))
        self.broker.log.trace(Event.CLIENT_CLOSED, f"Connection {self.number} of {self.peer} gets an ERROR: {sentence}",
                              published=not self.is_of_log)
        self.queue(told("ERROR", headers, sentence.encode(), self.dialect))
        self.close()

    def close(self) -> None:
        """Send what is queued, then close; the client has LINGER_S to read it."""
        if self._closing or self._transport.is_closing():
            return
        if self._out:
            self._write(b"".join(self._out))
            self._out.clear()
        self._closing = True
        self._leave()
        # Reading goes on (and is thrown away): closing with unread input would reset the connection, and the
        # reset can overtake the last frame. A client that has closed its side has sent all that it ever will.
        self._transport.resume_reading()
        if self._transport.can_write_eof() and not self._peer_ended:
            self._transport.write_eof()
        else:
            self._transport.close()
        self._abort_later = asyncio.get_running_loop().call_later(LINGER_S, self._transport.abort)

    def cut_for(self, whom: str) -> None:
        """End it because an administrator asked the console for that."""
        self._tell_cut(f"Connection {self.number} of {self.login} at {self.peer} is cut: {whom or 'somebody'} asked "
                       "the console for that.")
        self.fail("An administrator has cut this connection. Connect again and resume with from-seq.")

    def drop(self, why: str) -> None:
        """End the connection at once: others wait for its place."""
        self._tell_cut(f"Connection {self.number} of {self.peer} is cut: {why}.")
        self._transport.abort()

    def _tell_cut(self, sentence: str) -> None:
        if self.is_of_log:
            self.broker.log_refused(sentence)
        else:
            self.broker.client_event(Event.CLIENT_CUT, sentence)

"""A Message Server as readers and publishers of log records see it, in a thread of its own."""

import asyncio
import socket
import threading

from protocol.log_records import LogRecord
from protocol.stomp_client import Target, escaped, frame


def record(number: int, **fields) -> LogRecord:
    return LogRecord(**{"number": "00-04504", "level": "standard", "application": "MS_Primary",
                        "text": f"Said {number}", "at_ms": 1_800_000_000_000 + number, **fields})


class Stored:
    """A message of the log."""

    def __init__(self, seq: int, said: LogRecord | None = None, *, epoch: int = 1, destination: str = "",
                 headers: dict | None = None, body: bytes | None = None):
        said = said or record(seq)
        self.seq, self.epoch = seq, epoch
        self.destination = destination or said.destination()
        self.headers = said.headers() if headers is None else headers
        self.body = said.text.encode() if body is None else body

    def bytes(self) -> bytes:
        headers = {"subscription": "log", "destination": self.destination, "message-id": f"{self.epoch}-{self.seq}",
                   "seq": str(self.seq), "epoch": str(self.epoch), "timestamp": "1800000000000",
                   "content-length": str(len(self.body)), "ack": f"a{self.seq}", **self.headers}
        lines = [f"{escaped(name)}:{escaped(value)}" for name, value in headers.items()]
        return "\n".join(["MESSAGE", *lines, "", ""]).encode() + self.body + b"\0"


class ServerDouble:
    """``log`` is what it stores. ``window``: messages under way without an ACK. ``refuses``: what it answers to a
    CONNECT, ``refuses_send`` to a SEND; ``swallows``: SENDs that are stored without a word before it closes."""

    def __init__(self, name: str = "MS_Primary"):
        self.name, self.log, self.first_seq = name, [], 1
        self.window, self.refuses, self.refuses_send, self.swallows = 1000, "", "", 0
        self.acked, self.asked_from, self.logins, self.sent = [], [], [], {}
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._clients, self._ready = set(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def target(self, login: str = "pairwise.log.reader") -> Target:
        return Target(self.name, "127.0.0.1", self.port, login, "passcode")

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        self._listening.close()

    def drop_all(self):
        """Close every connection, as a server that dies."""
        self._loop.call_soon_threadsafe(lambda: [each.transport.abort() for each in self._clients])

    def add(self, *stored: Stored):
        """Store more, and deliver it."""
        self.log += stored
        self._loop.call_soon_threadsafe(self._news.set)

    @property
    def last_seq(self) -> int:
        return max((each.seq for each in self.log), default=0)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._news = asyncio.Event()
        self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._listening))
        self._loop.call_soon(self._ready.set)
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())

    async def _end(self):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # What was closed is closed in the next turn.
        await asyncio.sleep(0)

    async def _serve(self, reader, writer):
        self._clients.add(writer)
        delivering = None
        try:
            while True:
                command, headers, body = await frame(reader)
                if command == "CONNECT":
                    self.logins.append(headers["login"])
                    if self.refuses:
                        writer.write(f"ERROR\nmessage:{self.refuses}\n\n\0".encode())
                        return
                    writer.write(f"CONNECTED\nversion:1.2\nfirst-seq:{self.first_seq}\nlast-seq:{self.last_seq}\n"
                                 "\n\0".encode())
                elif command == "SUBSCRIBE":
                    self.asked_from.append(int(headers["from-seq"]))
                    delivering = asyncio.create_task(self._deliver(writer, int(headers["from-seq"])))
                elif command == "ACK":
                    self.acked.append(int(headers["id"][1:]))
                    self._news.set()
                elif command == "SEND":
                    self._take(writer, headers, body)
        except (OSError, EOFError):
            pass
        finally:
            if delivering is not None:
                delivering.cancel()
            self._clients.discard(writer)
            writer.close()

    def _take(self, writer, headers, body):
        if self.refuses_send:
            writer.write(f"ERROR\nmessage:{self.refuses_send}\nreceipt-id:{headers.get('receipt', '')}\n\n\0".encode())
            return
        self.sent.setdefault(headers["dedup-id"], (headers, body))
        if self.swallows:
            self.swallows -= 1
            writer.transport.abort()
            return
        if "receipt" in headers:
            writer.write(f"RECEIPT\nreceipt-id:{headers['receipt']}\nseq:1\n\n\0".encode())

    async def _deliver(self, writer, seq):
        done, acked = 0, len(self.acked)
        under_way = []
        while True:
            for each in self.log[done:]:
                done += 1
                if each.seq >= max(seq, self.first_seq):
                    while len(under_way) >= self.window:
                        await self._wait()
                        newest = max(self.acked[acked:], default=0)
                        under_way = [one for one in under_way if one > newest]
                    under_way.append(each.seq)
                    writer.write(each.bytes())
            await self._wait()

    async def _wait(self):
        self._news.clear()
        await self._news.wait()

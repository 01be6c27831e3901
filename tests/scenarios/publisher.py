"""The asyncio side of a Ledger: publishers that go on whatever happens to the servers."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .books import Address, Book

if TYPE_CHECKING:
    from .ledger import Ledger

CONNECT_S, TICK_S, BOTH_REFUSED_S = 1.0, 0.01, 0.02
ERRORS_KEPT = 20


def publish(ledger: "Ledger") -> None:
    """Until the ledger has enough and nothing is pending."""
    async def everybody() -> None:
        await asyncio.gather(*(Publisher(ledger, book).run() for book in ledger.books))

    asyncio.run(everybody())


class Publisher:
    """Sends the messages of one Book in order, over one connection at a time."""

    def __init__(self, ledger: "Ledger", book: Book):
        self.ledger, self.book = ledger, book
        self._began = 0.0
        self._frame = (f"SEND\ndestination:{book.destination}\n{ledger.head}"
                       f"dedup-id:{book.ledger}-{book.publisher}-%d\n%s\n").encode()

    async def run(self) -> None:
        self._began = time.monotonic()
        refused = 0
        for address in itertools.cycle(self.ledger.addresses):
            if self.done:
                return
            refused = 0 if await self._use(address) else refused + 1
            if refused == len(self.ledger.addresses):
                refused = 0
                await asyncio.sleep(BOTH_REFUSED_S)

    @property
    def done(self) -> bool:
        return self.ledger.enough and not self.book.pending

    async def _use(self, address: Address) -> bool:
        """Publish there for as long as it acknowledges; False when it did not take the connection."""
        loop = asyncio.get_running_loop()
        connection = Connection(self)
        try:
            async with asyncio.timeout(CONNECT_S):
                transport, _ = await loop.create_connection(lambda: connection, *address)
        except (OSError, TimeoutError):
            return False
        try:
            await self._talk(connection)
        finally:
            # Python 3.11 cannot abort what is closed already.
            if not connection.closed:
                transport.abort()
        return connection.accepted

    async def _talk(self, connection: "Connection") -> None:
        while not connection.lost and not self.done:
            if connection.accepted:
                self._send_more(connection)
            silent = time.monotonic() - connection.heard_at
            if silent > self.ledger.silence_s and (self.book.pending or not connection.accepted):
                self.complain(f"silent for {silent:.1f} s")
                return
            connection.news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await connection.news.wait()

    def _send_more(self, connection: "Connection") -> None:
        book, ledger = self.book, self.ledger
        due = int((time.monotonic() - self._began) * ledger.rate) - book.sent
        # What a long outage has held back is not made up for: a burst would only measure itself.
        if due > 4 * ledger.window:
            self._began += (due - 4 * ledger.window) / ledger.rate
        room = min(due, ledger.window - len(book.pending)) // ledger.batch * ledger.batch
        if room <= 0 or ledger.enough:
            return
        if not book.pending:
            connection.heard_at = time.monotonic()
        connection.send([book.next() for _ in range(room)])

    def frames(self, numbers: Sequence[int]) -> bytes:
        """SEND frames; whole transactions when the ledger wants them."""
        batch, parts = self.ledger.batch, []
        if batch == 1:
            return b"".join(self._send(number, f"receipt:{number}\n") for number in numbers)
        for at in range(0, len(numbers), batch):
            name, held = f"t{numbers[at]}", numbers[at:at + batch]
            parts.append(f"BEGIN\ntransaction:{name}\n\n\0".encode())
            parts += [self._send(number, f"transaction:{name}\n") for number in held]
            parts.append(f"COMMIT\ntransaction:{name}\nreceipt:{','.join(map(str, held))}\n\n\0".encode())
        return b"".join(parts)

    def _send(self, number: int, more: str) -> bytes:
        body = b"%d " % number
        return self._frame % (number, more.encode()) + body.ljust(self.ledger.size, b".") + b"\0"

    def receipt(self, numbers: str, seq: str | None) -> None:
        """Of one message, or of all of a transaction, whose places are not told."""
        for number in numbers.split(","):
            self.book.acknowledged(int(number), None if seq is None else int(seq))
            self.ledger.acks.add(time.monotonic())

    def complain(self, text: str) -> None:
        self.ledger.errors.append(text)
        del self.ledger.errors[:-ERRORS_KEPT]


class Connection(asyncio.Protocol):
    """One connection: CONNECT, then everything that is pending again, in order, then what is new."""

    def __init__(self, publisher: Publisher):
        self.accepted = self.lost = self.closed = False
        self.heard_at = time.monotonic()
        self.news = asyncio.Event()
        self._publisher = publisher
        self._rest = b""

    def connection_made(self, transport) -> None:
        self._transport = transport
        ledger = self._publisher.ledger
        transport.write(f"CONNECT\naccept-version:1.2\nhost:/\nlogin:{ledger.login}\npasscode:{ledger.passcode}\n"
                        "heart-beat:0,0\n\n\0".encode())

    def send(self, numbers: Sequence[int]) -> None:
        self._transport.write(self._publisher.frames(numbers))

    def data_received(self, data: bytes) -> None:
        self.heard_at = time.monotonic()
        *frames, self._rest = (self._rest + data).split(b"\0")
        for frame in frames:
            head = frame.lstrip().partition(b"\n\n")[0].decode()
            command, *lines = head.split("\n")
            headers = dict(line.split(":", 1) for line in lines)
            if command == "RECEIPT":
                self._publisher.receipt(headers["receipt-id"], headers.get("seq"))
            elif command == "CONNECTED":
                self.accepted = True
                self.send(list(self._publisher.book.pending))
            else:
                self._publisher.complain(f"{command} {headers.get('message', '')}")
                self.lost = True
        self.news.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = self.closed = True
        self.news.set()

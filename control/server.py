"""Listens for servers, agents and the console; no peer, however it behaves, gets in the way of another."""

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from collections.abc import Awaitable, Callable

from protocol import open_files
from protocol.lines import LeftError
from protocol.opening_messages import Refused
from protocol.strangers import Strangers
from protocol.tasks import Tasks
from protocol.tls import why_untrusted
from protocol.wire import OPENING_TIMEOUT_S, Opening, OutOfOrder, WireError, encode

from .database import DatabaseAway
from .openings import Openings
from .peers import CLOSE_TIMEOUT_S

log = logging.getLogger(__name__)

WAITING_MAX = 16_000
"""So many may wait for their turn; those that have shown their secret are bounded by what there is to connect as."""
OPENINGS, GRACE_S = 256, 2.0
"""So many at once may be showing their secret. The address that holds most places gives one up at once for one who
comes from an address with fewer; the others wait for their turn, and one of those that has not said its Hello within
GRACE_S gives way to them."""
LOOK_S = 0.25
BACKLOG, TOGETHER = 4096, 256
"""How many may come before they are taken; how many are taken in one turn of the loop."""
BEAT_S = 2.0
"""How often those that wait are shown that control is there."""
FIRST_BYTE_S = 2.0
"""A peer that speaks TLS begins at once; one that does not waits for us."""
ACCEPT_AGAIN_S = 1.0
PLAIN = ("Control takes connections over TLS only, and this one came without. A host: make a new line on its page in "
         "the console and paste it there. A server: install it again, or let its host's agent start it.")


class Listener:
    """The listening port and the sessions on it; with a ``context`` over TLS only. ``serve`` gets each opening, and
    what to call once the peer has shown its secret; ``out_of_order`` the address of who spoke first, and what it
    said; ``refused``, which bounds what it says of them, in a sentence without its end each that was sent away before
    it had shown who it is; ``failed`` the error by which it has ceased to listen."""

    def __init__(self, serve: Callable[[Opening, Callable[[], None]], Awaitable[None]],
                 context: ssl.SSLContext | None, *, out_of_order: Callable[[str, str], None],
                 refused: Callable[[str], object], failed: Callable[[BaseException], None]):
        self._serve, self._context, self._out_of_order, self._refused = serve, context, out_of_order, refused
        self._tasks: set[asyncio.Task[None]] = set()
        # Over TLS nothing can be said before its handshake.
        self._waiting, self._somebody_waits = Openings(beats=context is None), asyncio.Event()
        self._strangers: Strangers[asyncio.Task[None]] = Strangers(lambda: OPENINGS)
        self._listening: list[socket.socket] = []
        self._at_work = Tasks(failed)

    async def open(self, host: str, port: int) -> int:
        """Listen; the port that was opened. Raises OSError."""
        open_files.allow_many()
        infos = await asyncio.get_running_loop().getaddrinfo(host or None, port, type=socket.SOCK_STREAM,
                                                             flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in infos):
            listening = socket.create_server(address[:2], family=family, backlog=BACKLOG)
            listening.setblocking(False)
            self._listening.append(listening)
            self._at_work.start(self._accept(listening))
        self._at_work.start(self._show_life())
        self._at_work.start(self._make_room())
        opened: int = self._listening[0].getsockname()[1]
        return opened

    async def close(self) -> None:
        """Stop listening and end every session."""
        await self._at_work.end()
        await self.end_sessions()
        for listening in self._listening:
            listening.close()

    async def end_sessions(self) -> None:
        """End every session that is under way, and whatever waits for one."""
        self._waiting.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_S * 2)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                self._take((await loop.sock_accept(listening))[0])
                # Who else has come: the next turn of a busy loop may be late, and they hear nothing before.
                with contextlib.suppress(BlockingIOError):
                    for _ in range(TOGETHER):
                        self._take(listening.accept()[0])
            except OSError as error:
                # Out of files or of memory: those that are connected go on.
                log.warning("a connection could not be taken: %s", error)
                await asyncio.sleep(ACCEPT_AGAIN_S)

    def _take(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        if len(self._waiting) >= WAITING_MAX:
            self._refused(f"{self._waiting.give_way()}: more than {WAITING_MAX} connections wait for their turn")
        address = _address(connection)
        self._waiting.add(address, connection)
        self._let_in()
        if len(self._waiting):
            self._somebody_waits.set()
        if len(self._strangers) >= OPENINGS and (silent := self._strangers.gives_way_to(address)) is not None:
            self._send_away(silent)
            if (first := self._waiting.next(address)) is not None:
                self._begin(first)

    async def _until(self, wait_s: float) -> None:
        """So long from now, or from when somebody waits."""
        if not len(self._waiting):
            self._somebody_waits.clear()
            await self._somebody_waits.wait()
        await asyncio.sleep(wait_s)

    async def _show_life(self) -> None:
        while True:
            await self._until(BEAT_S)
            self._waiting.beat()

    def _let_in(self) -> None:
        """Begin with those that wait, as many as there are places."""
        while len(self._strangers) < OPENINGS and (connection := self._waiting.next()) is not None:
            self._begin(connection)

    def _begin(self, connection: socket.socket) -> None:
        address = _address(connection)
        task = asyncio.create_task(self._connected(connection), name=address)
        self._tasks.add(task)
        self._strangers.came(task, address, time.monotonic())
        task.add_done_callback(self._tasks.discard)
        # Also of one that is cancelled before it begins.
        task.add_done_callback(self._known)
        task.add_done_callback(lambda ended: connection.close() if ended.cancelled() else None)

    def _known(self, task: asyncio.Task[None]) -> None:
        """It is no stranger any more, or has ended."""
        self._strangers.gone(task)
        self._let_in()

    async def _make_room(self) -> None:
        while True:
            await self._until(LOOK_S)
            before = time.monotonic() - GRACE_S
            for _ in range(len(self._waiting)):
                if (silent := self._strangers.oldest(before=before, further=False)) is None:
                    break
                self._send_away(silent)

    def _send_away(self, silent: asyncio.Task[None]) -> None:
        self._strangers.gone(silent)
        silent.cancel()
        self._refused(f"{silent.get_name()} has not shown who it is, and newer connections wait for its place")

    async def _connected(self, connection: socket.socket) -> None:
        name, address, task = _name(connection), _address(connection), asyncio.current_task()
        assert task is not None  # a coroutine always runs in one
        try:
            await self._session(connection, address, task)
        except OutOfOrder as error:
            self._refused(f"{address}: {error}")
            self._out_of_order(address, str(error))
        except ssl.SSLError as error:
            self._refused(f"{address}: {why_untrusted(error, name)}")
        except (WireError, OSError, TimeoutError) as error:
            why = str(error) or f"the peer did not show within {OPENING_TIMEOUT_S:g} s who it is"
            log.debug("connection from %s ended: %s", name, why)
            if task in self._strangers and isinstance(error, WireError | TimeoutError) and not isinstance(
                    error, LeftError):
                self._refused(f"{address}: {why}")
        except asyncio.CancelledError:
            pass
        except Exception:
            log.exception("a session failed; the others go on")

    async def _session(self, connection: socket.socket, address: str, task: asyncio.Task[None]) -> None:
        writer = None
        try:
            # Reading bounds the silence between two bytes; this bounds the whole.
            async with asyncio.timeout(OPENING_TIMEOUT_S):
                if self._context and not await _spoke(connection):
                    self._refused(f"{address}: it does not speak TLS")
                    return
                reader, writer = await _streams(connection, self._context)
                opening = await Opening.read(reader, writer)
            self._strangers.got_further(task)
            await self._serve(opening, lambda: self._known(task))
        except DatabaseAway as error:
            with contextlib.suppress(WireError, OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await opening.refuse(f"{error}. Try again in a moment.")
            raise
        finally:
            if writer is not None:
                writer.transport.abort()


async def _spoke(connection: socket.socket) -> bool:
    """True once the peer has sent something; one that waits for us is refused, in the plain."""
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as ours:
        ours.enter_context(connection)
        try:
            async with asyncio.timeout(FIRST_BYTE_S):
                await _readable(connection)
        except TimeoutError:
            await loop.sock_sendall(connection, encode(Refused(reason=PLAIN)))
            return False
        ours.pop_all()
    return True


async def _readable(connection: socket.socket) -> None:
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(connection, came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(connection)


async def _streams(connection: socket.socket, context: ssl.SSLContext | None
                   ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=context)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _address(connection: socket.socket) -> str:
    return _name(connection).rpartition(":")[0]


def _name(connection: socket.socket) -> str:
    try:
        host, port, *_ = connection.getpeername()
    except (OSError, ValueError):
        return "?"
    return f"{host}:{port}"

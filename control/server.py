"""Listens for servers, agents and the console; no peer, however it behaves, gets in the way of another."""

import asyncio
import contextlib
import logging
import resource

from protocol.wire import OPENING_TIMEOUT_S, Opening, WireError

from .database import DatabaseAway
from .peers import CLOSE_TIMEOUT_S
from .sessions import Sessions

log = logging.getLogger(__name__)

CONNECTIONS = 20_000
OPENINGS = 512
"""Connections that have not shown a secret yet."""
BACKLOG = 1024


class Listener:
    """The listening port and the sessions on it."""

    def __init__(self, sessions: Sessions):
        self._sessions = sessions
        self._tasks: set[asyncio.Task] = set()
        self.openings = 0
        self._server: asyncio.Server | None = None

    async def open(self, host: str, port: int) -> int:
        """Listen; the port that was opened. Raises OSError."""
        _raise_file_limit()
        self._server = await asyncio.start_server(self._connected, host, port, backlog=BACKLOG)
        return self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and end every session."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_S * 2)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            if len(self._tasks) > CONNECTIONS or self.openings >= OPENINGS:
                log.warning("a connection was closed at once: there are too many")
                return
            await self._session(reader, writer)
        except (WireError, OSError, TimeoutError) as error:
            log.debug("connection from %s ended: %s", _name(writer), error or "it took too long")
        except asyncio.CancelledError:
            pass
        except Exception:
            log.exception("a session failed; the others go on")
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        slot = _Slot(self)
        try:
            # Opening.read bounds the silence between two bytes; this bounds the whole.
            async with asyncio.timeout(OPENING_TIMEOUT_S):
                opening = await Opening.read(reader, writer)
            await self._sessions.serve(opening, slot.free)
        except DatabaseAway as error:
            with contextlib.suppress(WireError, OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await opening.refuse(f"{error}. Try again in a moment.")
            raise
        finally:
            slot.free()


class _Slot:
    """One of the OPENINGS, taken until the peer has shown a secret."""

    def __init__(self, listener: Listener):
        self._listener: Listener | None = listener
        listener.openings += 1

    def free(self) -> None:
        if self._listener is not None:
            self._listener.openings -= 1
            self._listener = None


def _name(writer: asyncio.StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "?"


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 1000 if hard == resource.RLIM_INFINITY else min(hard, CONNECTIONS + 1000)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

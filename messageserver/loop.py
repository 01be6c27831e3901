"""The server's event loop, from its start to its end."""

import asyncio
import contextlib
import os
import sys
import threading
from pathlib import Path

from protocol import collector, open_files

from .contact import Address
from .exits import ExitCode
from .server import Server

SWITCH_INTERVAL_S = 0.0005
"""How long the event loop may keep the interpreter from the store's thread; each commit waits for that."""


def serve(address: Address, secret: str, directory: Path, stop: threading.Event | None) -> int:
    """Until somebody asks it to end, or ``stop`` is set; the exit code. Raises Exit."""
    open_files.allow_many()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    collector.look_rarely()
    with _runner() as runner:
        return runner.run(_serve(address, secret, directory, stop))


def _runner() -> asyncio.Runner:
    with contextlib.suppress(ImportError):
        import uvloop

        return asyncio.Runner(loop_factory=uvloop.new_event_loop)
    return asyncio.Runner()


async def _serve(address: Address, secret: str, directory: Path, stop: threading.Event | None) -> int:
    os.umask(0o027)
    server = Server(address, secret, directory)
    asyncio.get_running_loop().set_exception_handler(server.unhandled)
    if stop is not None:
        threading.Thread(target=_stop_with, args=(stop, asyncio.get_running_loop(), server), daemon=True).start()
    await server.run()
    return ExitCode.OK


def _stop_with(stop: threading.Event, loop: asyncio.AbstractEventLoop, server: Server) -> None:
    stop.wait()
    with contextlib.suppress(RuntimeError):  # it has ended by itself in the meantime
        loop.call_soon_threadsafe(server.stop)

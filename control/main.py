"""The control process: start-up, main loop, shutdown."""

import asyncio
import contextlib
import fcntl
import logging
import os
import platform
import signal
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

from console.tls import look_after
from protocol.tls import Identity
from provisioning.states import EventLevel

from . import records
from .database import Database, DatabaseAway
from .facts import EventRow
from .reload import Reloader
from .server import Listener
from .sessions import Sessions
from .snapshot import Timing
from .solution import SETTLE_S, SolutionControl

log = logging.getLogger(__name__)

HEARTBEAT_S = 2.0
PRUNE_S = 3600.0
FRESH_S = 6.0
"""Another control whose heartbeat is younger than this is at work."""
CLOSE_S = 5.0
TLS_EXPIRED = 8100


class Exit(IntEnum):
    """Exit codes of the process."""

    OK = 0
    CANNOT_START = 2


class CannotStart(Exception):
    """The text is a sentence that says what to do."""


@dataclass(frozen=True)
class Settings:
    """``port`` 0 takes any free one; ``data_dir`` holds the lock file. With an ``identity`` control takes connections
    over TLS only."""

    host: str
    port: int
    data_dir: Path
    settle_s: float = SETTLE_S
    timing: Timing = field(default_factory=Timing)
    identity: Identity | None = None


class Control:
    """One control. ``async with Control(settings)`` has it at work; ``port`` is where."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.port = 0
        self.since = time.time()
        self._instance = f"{platform.node()}:{settings.data_dir}"
        self._stack = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task] = []

    async def __aenter__(self) -> "Control":
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(locked(self.settings.data_dir / "control.lock"))
            self.database = Database()
            stack.push_async_callback(self.database.close)
            await self._refuse_beside_another()
            self.solution = SolutionControl(self.database, timing=self.settings.timing,
                                            settle_s=self.settings.settle_s)
            await self.solution.load()
            stack.push_async_callback(self._stop_working)
            self.reloader = Reloader(self.solution)
            self._listener = Listener(Sessions(self.solution, self.reloader, self.facts),
                                      self.settings.identity and self.settings.identity.context)
            await self._listen()
            await self._beat()
            for work in (self.solution.writer.run, self.solution.settle, self.reloader.run, self._beats,
                         self._prunings, self._look_after_certificate, self.solution.pauses.run):
                self._tasks.append(asyncio.create_task(work(), name=work.__qualname__))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info) -> None:
        await self._stack.aclose()

    def facts(self) -> dict:
        """What a Pong and the heartbeat row tell."""
        applications, hosts = self.solution.world.connected()
        return {"since": self.since, "applications": applications, "hosts": hosts, "pid": os.getpid()}

    async def _refuse_beside_another(self) -> None:
        other = await self.database.run(records.other_control, self._instance, fresh_s=FRESH_S)
        if other:
            raise CannotStart(f"Control is already at work with this Configuration Database, at {other}. "
                              "Stop that one first, or wait some seconds when it has just ended.")

    async def _listen(self) -> None:
        host, port = self.settings.host, self.settings.port
        try:
            self.port = await self._listener.open(host, port)
        except OSError as error:
            raise CannotStart(f"Control cannot listen on {host}:{port} ({error.strerror or error}). Stop what uses the "
                              "port, or set PAIRWISE_CONTROL_PORT to another one.") from error
        log.info("Configuration Server listens on %s:%d", host, self.port)

    async def _stop_working(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.solution.pairs.close()
        # Written before the sessions end: that control ends says nothing about servers and hosts.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self.solution.writer.flush()
        self.solution.close()
        await self._listener.close()
        if not self.port:
            return
        with contextlib.suppress(DatabaseAway):
            # Without an instance the row keeps nobody else from starting.
            await self._beat(instance="")

    async def _beat(self, **changed) -> None:
        address = f"{self.settings.host}:{self.port}"
        await self.database.run(records.heartbeat, "control",
                                {**self.facts(), "instance": self._instance, "address": address, **changed},
                                patience_s=HEARTBEAT_S)

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            try:
                await self._beat()
            except DatabaseAway as error:
                log.warning("%s", error)

    async def _prunings(self) -> None:
        while True:
            try:
                await self.database.run(records.prune_events)
            except DatabaseAway as error:
                log.warning("%s", error)
            await asyncio.sleep(PRUNE_S)

    async def _look_after_certificate(self) -> None:
        if self.settings.identity is not None:
            await look_after(self.settings.identity, tell=self._tell_of_certificate)

    def _tell_of_certificate(self, sentence: str) -> None:
        log.warning("%s", sentence)
        self.solution.writer.put_event(EventRow(at=datetime.now(UTC), number=TLS_EXPIRED, level=EventLevel.ALARM,
                                                text=sentence))


@contextlib.contextmanager
def locked(path: Path):
    """Holds ``path`` locked. Raises CannotStart when another process does."""
    with open(path, "a+", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(20).strip() or "unknown"
            raise CannotStart(f"Control is already at work with {path.parent} (pid {holder}). Stop it first, or set "
                              "PAIRWISE_DATA_DIR to run another Pairwise beside it.") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


async def serve(settings: Settings) -> Exit:
    """Work until SIGTERM or SIGINT. Raises CannotStart."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    try:
        async with Control(settings):
            await ended.wait()
            log.info("control ends; servers go on")
    except DatabaseAway as error:
        raise CannotStart(f"Control cannot start: {error}. Check PAIRWISE_DATABASE_URL, and that manage.py migrate "
                          "was run.") from error
    return Exit.OK

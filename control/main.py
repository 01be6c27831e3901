"""The control process: start-up, terms of leadership, shutdown."""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

from protocol import collector
from protocol.controls import NOT_LEADER
from protocol.tasks import Tasks
from protocol.throttle import Throttle
from protocol.tls import Identity
from protocol.watchdog import Watchdog
from protocol.wire import Opening
from provisioning.core.tls import look_after
from provisioning.states import EventLevel

from .database import DatabaseAway
from .facts import EventRow
from .leadership import instance_of
from .office import Office
from .reign import Reign
from .server import Listener
from .snapshot import Timing
from .solution import SETTLE_S, SolutionControl

log = logging.getLogger(__name__)

NOT_THE_LEADER = "This control does not lead at the moment: ask the other one."
TLS_EXPIRED = 8100


class Exit(IntEnum):
    """Exit codes of the process."""

    OK = 0
    FAILED = 1
    CANNOT_START = 2


class CannotStart(Exception):
    """The text is a sentence that says what to do."""


@dataclass(frozen=True)
class Settings:
    """``port`` 0 takes any free one; ``data_dir`` holds the lock file and what this machine remembers of the record;
    ``controls`` are the addresses of all controls with this database, if there are several. With an ``identity``
    control takes connections over TLS only."""

    host: str
    port: int
    data_dir: Path
    settle_s: float = SETTLE_S
    timing: Timing = field(default_factory=Timing)
    identity: Identity | None = None
    controls: tuple[tuple[str, int], ...] = ()


class Control:
    """One control. ``async with Control(settings)`` leads, or stands by while another one does; ``port`` is where."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.port = settings.port
        self.office = Office(instance_of(settings.data_dir), address=self._address, facts=self.facts,
                             others=len(settings.controls) > 1)
        self.ending = asyncio.Event()
        self.failure: BaseException | None = None
        """``failure``: the error by which a part of it has ended, None while all are there; ``ending`` is set then."""
        self._tasks = Tasks(self._failed)
        self.reign: Reign | None = None
        self._refused_alone = Throttle(lambda text: log.warning("A connection to control was refused: %s.", text))
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> "Control":
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(locked(self.settings.data_dir / "control.lock"))
            stack.push_async_callback(self.office.close)
            identity = self.settings.identity
            self._listener = Listener(self._serve, None if identity is None else identity.context,
                                      out_of_order=self._out_of_order, refused=self._refused, failed=self._failed)
            stack.push_async_callback(self._listener.close)
            stack.push_async_callback(self._end_reign)
            await self.office.look()
            if self.office.term:
                self.reign = await self._loaded()
                # Whoever is answered finds that this control shows signs of life.
                await self.office.look()
            await self._listen()
            if self.reign is not None:
                self.reign.start()
            stack.push_async_callback(self._tasks.end)
            for work in (self._turns(), self._look_after_certificate()):
                self._tasks.start(work)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    def _failed(self, error: BaseException) -> None:
        """A part of it has ended that must not: without it the rest would only seem to work."""
        log.critical("a part of control has ended; control ends, so that it is started anew", exc_info=error)
        self.failure = self.failure or error
        self.ending.set()

    @property
    def solution(self) -> SolutionControl:
        """Of the present term: only while this control leads."""
        assert self.reign is not None
        return self.reign.solution

    def facts(self) -> dict[str, Any]:
        """What the heartbeat row tells."""
        own = self.reign.facts() if self.reign is not None else {"leader": self.office.leader}
        return {**own, "pid": os.getpid(), "address": self._address(), "instance": self.office.me}

    def _address(self) -> str:
        return f"{self.settings.host}:{self.port}"

    async def _listen(self) -> None:
        host, port = self.settings.host, self.settings.port
        try:
            self.port = await self._listener.open(host, port)
        except OSError as error:
            raise CannotStart(f"Control cannot listen on {host}:{port} ({error.strerror or error}). Stop what uses the "
                              "port, or set PAIRWISE_CONTROL_PORT to another one.") from error
        log.info("Configuration Server listens on %s:%d", host, self.port)

    async def _serve(self, opening: Opening, proven: Callable[[], None]) -> None:
        if self.reign is None or not self.office.term:
            controls = [{"host": host, "port": port} for host, port in self.settings.controls]
            await opening.refuse(NOT_THE_LEADER, event=NOT_LEADER, controls=controls)
            return
        await self.reign.sessions.serve(opening, proven)

    def _refused(self, text: str) -> None:
        """A stranger was sent away; one that stands by has no timeline to write to."""
        (self._refused_alone if self.reign is None else self.reign.sessions.refused)(text)

    def _out_of_order(self, address: str, why: str) -> None:
        if self.reign is not None:
            self.reign.sessions.out_of_order(address, why)

    # --- terms ------------------------------------------------------------------------------------------

    async def _turns(self) -> None:
        """Look until cancelled; what this control does follows from the term that it has."""
        while True:
            await self.office.look_again()
            try:
                await self._follow_office()
            except DatabaseAway as error:
                log.warning("%s", error)

    async def _follow_office(self) -> None:
        if self.reign is not None and self.reign.term != self.office.term:
            await self._end_reign()
        if self.office.term and self.reign is None:
            self.reign = await self._loaded()
            self.reign.start()

    async def _loaded(self) -> Reign:
        reign = Reign(self.office, data_dir=self.settings.data_dir, settle_s=self.settings.settle_s,
                      timing=self.settings.timing, failed=self._failed)
        try:
            await reign.load()
        except BaseException:
            await reign.close()
            raise
        return reign

    async def _end_reign(self) -> None:
        """Servers and agents are let go: they find the control that leads."""
        reign, self.reign = self.reign, None
        if reign is None:
            return
        await reign.stop(may_write=reign.term == self.office.term)
        await self._listener.end_sessions()
        await reign.close()

    async def _look_after_certificate(self) -> None:
        if self.settings.identity is not None:
            await look_after(self.settings.identity, tell=self._tell_of_certificate)

    def _tell_of_certificate(self, sentence: str) -> None:
        log.warning("%s", sentence)
        if self.reign is not None:
            self.solution.writer.put_event(EventRow(at=datetime.now(UTC), number=TLS_EXPIRED, level=EventLevel.ALARM,
                                                    text=sentence))


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds ``path`` locked. Raises CannotStart when another process does."""
    with open(path, "a+", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(20).strip() or "unknown"
            raise CannotStart(f"Control is already at work with {path.parent} (pid {holder}). Stop it first, or set "
                              "PAIRWISE_DATA_DIR to run another Pairwise beside it.") from None
        # Who holds it only helps people; a full disk need not know.
        with contextlib.suppress(OSError):
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), str(os.getpid()).encode())
        yield


async def serve(settings: Settings) -> Exit:
    """Work until SIGTERM or SIGINT. Raises CannotStart."""
    collector.look_rarely()
    loop, control = asyncio.get_running_loop(), Control(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, control.ending.set)
    try:
        async with contextlib.AsyncExitStack() as stack:
            watchdog = stack.enter_context(Watchdog())
            stack.push_async_callback(_ended, asyncio.create_task(watchdog.show_life(), name="signs of life"))
            await stack.enter_async_context(control)
            await control.ending.wait()
            log.info("control ends; servers go on")
    except DatabaseAway as error:
        raise CannotStart(f"Control cannot start: {error}. Check PAIRWISE_DATABASE_URL, and that manage.py migrate "
                          "was run.") from error
    return Exit.FAILED if control.failure else Exit.OK

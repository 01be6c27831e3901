"""The agent's one connection to control. Comes and goes; nothing else on the host depends on it."""

import asyncio
import collections
import contextlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it brings no types

from protocol.beats import until_next
from protocol.controls import FILE, NOT_LEADER, Controls
from protocol.identity import start_ticks
from protocol.jobs import SIGNATURES
from protocol.log_messages import ReadLog
from protocol.message import Message
from protocol.messages import ApplicationStatus, Generation, HostFacts, ProcessChanged, Processes, Supervised, Watch
from protocol.opening_messages import SPEAKS
from protocol.pauses import pauses
from protocol.tasks import until_one_ends
from protocol.tls import TlsError
from protocol.version import VERSION
from protocol.wire import Channel, RefusedError, dial

from .config import AgentConfig
from .kept import KeptFile
from .trust import control_context

log = logging.getLogger(__name__)

FACTS_EVERY_S, WHOLE_EVERY_S = 5.0, 60.0
"""How often control hears how the host is, and of every process anew."""
LAST_WORD_S = 1.0
UNSENT_LIMIT = 10_000
TOKEN_MAX = 200
GENERATION_FILE = "control-generation"
"""In the state directory: how far the history of control's database had come when this host last heard of it."""
_HOME = Path(__file__).resolve().parents[2]
BUILD = _HOME.name if (_HOME / "agent.py").is_file() else ""
"""Name of the bundle that this agent was unpacked from, "" for one that runs beside its console."""


class ControlLink:
    """``report`` gives the present processes, ``worker_runs`` whether the host worker lives, ``surroundings`` further
    facts of the host. Control's words go to ``on_message`` (Supervised, ApplicationStatus, Watch, ReadLog);
    ``on_connected`` is called after each connect."""

    def __init__(self, config: AgentConfig, *, report: Callable[[], list[ProcessChanged]],
                 worker_runs: Callable[[], bool], surroundings: Callable[[], dict[str, Any]],
                 on_message: Callable[[Message], None], on_connected: Callable[[], None]):
        self._config = config
        self._controls = Controls([(each.host, each.port) for each in config.control], config.state_dir / FILE)
        self._report, self._worker_runs, self._surroundings = report, worker_runs, surroundings
        self._on_message, self._on_connected = on_message, on_connected
        self._unsent: collections.deque[Message] = collections.deque(maxlen=UNSENT_LIMIT)
        self._wake = asyncio.Event()
        self.generation_file = KeptFile(config.state_dir / GENERATION_FILE)
        self._generation = _line_in(self.generation_file.path)
        self.connected = False

    def tell(self, message: Message) -> None:
        """Send a change or an answer at once; while control is away the next connection begins with the whole list."""
        if self.connected:
            self._unsent.append(message)
            self._wake.set()

    async def say_end(self) -> None:
        """That the agent ends as asked, and its servers with it. Control hears it before the connection is lost, unless
        it does not listen for a second."""
        self.tell(Processes(processes=self._snapshot(), host=self.facts() | {"ends": True}))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORD_S):
                while self._unsent and self.connected:
                    await asyncio.sleep(LAST_WORD_S / 100)

    async def run(self) -> None:
        """Connect, talk, and connect again, until cancelled."""
        waits, last = pauses(), ""
        while True:
            host, port = self._controls.current
            try:
                channel = await dial(host, port, kind="host", name=self._config.host,
                                     secret=self._config.secret, version=VERSION, host=self._config.host,
                                     pid=os.getpid(), started=start_ticks(os.getpid()), speaks=SPEAKS,
                                     generation=self._generation,
                                     context=control_context(self._config))
                log.info("Connected to control at %s:%d.", host, port)
                self._controls.worked()
                waits, last = pauses(), ""
                await self._talk(channel)
            except (OSError, TimeoutError, TlsError) as error:
                sentence = f"Control at {host}:{port} cannot be used: {error or 'no answer in time'}"
                if sentence != last and getattr(error, "event", 0) != NOT_LEADER:
                    log.warning("%s. The agent goes on and keeps trying.", sentence)
                    last = sentence
                if isinstance(error, RefusedError):
                    self._controls.hear(error.controls)
            self._controls.failed()
            await asyncio.sleep(next(waits))

    async def _talk(self, channel: Channel) -> None:
        self._unsent.clear()
        self.connected = True
        try:
            await until_one_ends(self._send(channel), self._receive(channel))
        finally:
            self.connected = False
            await channel.close()

    async def _receive(self, channel: Channel) -> None:
        self._on_connected()
        while True:
            message = await channel.receive()
            if isinstance(message, Supervised):
                self._controls.learn(message.controls)
            if isinstance(message, Generation):
                self._keep_generation(message.token[:TOKEN_MAX])
            if isinstance(message, (Supervised, ApplicationStatus, Watch, ReadLog)):
                self._on_message(message)

    async def _send(self, channel: Channel) -> None:
        whole_at = -WHOLE_EVERY_S
        while True:
            # What came in the moment in which the time was over is older than what the whole list says then.
            await self._send_changes(channel)
            if not channel.report_s or time.monotonic() - whole_at >= WHOLE_EVERY_S:
                whole_at = time.monotonic()
                await channel.send(Processes(processes=self._snapshot(), host=self.facts()))
            else:
                await channel.send(HostFacts(host=self.facts()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(until_next(max(FACTS_EVERY_S, channel.report_s), time.monotonic())):
                    while True:
                        await self._wake.wait()
                        await self._send_changes(channel)

    async def _send_changes(self, channel: Channel) -> None:
        self._wake.clear()
        while self._unsent:
            await channel.send(self._unsent.popleft())

    def _keep_generation(self, token: str) -> None:
        if token != self._generation:
            self._generation = token
            self.generation_file.keep(token.encode("ascii", "replace"))

    def _snapshot(self) -> list[dict[str, Any]]:
        fields = [change.to_dict() for change in self._report()]
        for each in fields:
            del each["type"]
        return fields

    def facts(self) -> dict[str, Any]:
        """What the console shows of this host."""
        try:
            free = psutil.disk_usage(str(self._config.install_root)).free
        except OSError:
            free = -1
        return {"cpu_percent": psutil.cpu_percent(None), "memory_percent": psutil.virtual_memory().percent,
                "disk_free_bytes": free, "agent_version": VERSION, "agent_build": BUILD, "time": time.time(),
                "worker": self._worker_runs(), "looks": True, "reports": SIGNATURES, **self._surroundings()}


def _line_in(path: Path) -> str:
    """What an earlier agent kept there, "" for nothing that can be read."""
    try:
        return path.read_text(encoding="ascii")[:TOKEN_MAX]
    except (OSError, ValueError):
        return ""

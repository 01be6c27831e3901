"""Keeps the host's Celery worker running as a child of the agent."""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

from protocol.identity import is_alive, start_ticks
from protocol.pauses import doubling

from .config import CONFIG_VARIABLE, AgentConfig
from .files import keep_bounded
from .kept import has_room
from .state import AgentState

log = logging.getLogger(__name__)

PARENT_VARIABLE = "PAIRWISE_AGENT_PID"
"""Tells the worker whose death it must not survive."""
FIRST_RETRY_S, LONGEST_RETRY_S, STABLE_S = 0.4, 30.0, 60.0
NO_ROOM_RETRY_S = 3.0
"""While the disk is full: what ends for want of room is back soon after there is some."""
WARM_STOP_S, COLD_STOP_S, KILLED_S = 6.0, 4.0, 2.0
LOG_LIMIT = 16 * 1024 * 1024
PROJECT = Path(__file__).resolve().parent.parent


class WorkerKeeper:
    """One worker at a time: starts it, starts it again when it ended, ends it with the agent."""

    def __init__(self, config: AgentConfig, state: AgentState):
        self._config, self._state = config, state
        self._process: subprocess.Popen[bytes] | None = None
        self._child_ended = asyncio.Event()

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def child_ended(self) -> None:
        """Some child of the agent ended; this may be the worker."""
        self._child_ended.set()

    async def run(self) -> None:
        """Keep it running until cancelled."""
        await self._end_leftover()
        waits = doubling(FIRST_RETRY_S, LONGEST_RETRY_S)
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                process = self._start()
                await self._end()
                how = f"ended ({process.returncode})"
            except OSError as error:
                how = f"could not be started ({error})"
            if loop.time() - began >= STABLE_S:
                waits = doubling(FIRST_RETRY_S, LONGEST_RETRY_S)
            retry_s = next(waits) if has_room(self._config.state_dir) else NO_ROOM_RETRY_S
            log.error("The host worker %s; it is started again in %g s. Its log is %s.", how, retry_s, self.log_path)
            await asyncio.sleep(retry_s)

    async def stop(self) -> None:
        """End it: running jobs get WARM_STOP_S to finish, then are cut (and rolled back at the next start)."""
        if self._process is None:
            return
        ladder = ((signal.SIGTERM, WARM_STOP_S), (signal.SIGQUIT, COLD_STOP_S), (signal.SIGKILL, KILLED_S))
        for number, wait_s in ladder:
            if not self.runs:
                break
            self._process.send_signal(number)
            await self._wait(wait_s)
        _kill_group(self._process.pid)
        self._state.worker = {}
        self._state.save()

    @property
    def log_path(self) -> Path:
        return self._config.log_dir / "worker.log"

    def bound_log(self) -> None:
        keep_bounded(self.log_path, limit=LOG_LIMIT)

    async def _wait(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._end()
        except TimeoutError:
            return

    async def _end(self) -> None:
        """Until it does not run."""
        while self.runs:
            self._child_ended.clear()
            if self.runs:
                await self._child_ended.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        """Raises OSError."""
        environment = {**os.environ, CONFIG_VARIABLE: str(self._config.path), PARENT_VARIABLE: str(os.getpid()),
                       "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1", "NOSETPS": "1"}
        arguments = [sys.executable, "-m", "hostagent.host_worker"]
        with open(self.log_path, "ab") as output:
            self._process = process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self._config.state_dir,
                env=environment, start_new_session=True)
        self._state.worker = {"pid": process.pid, "started": start_ticks(process.pid)}
        self._state.save()
        log.info("The host worker was started (pid %d).", process.pid)
        return process

    async def _end_leftover(self) -> None:
        """End the worker of an agent that was killed, so that no job is worked on twice."""
        pid, started = self._state.worker.get("pid", 0), self._state.worker.get("started", 0)
        if not is_alive(pid, started):
            return
        log.warning("A worker of an earlier agent still runs (pid %d); it is ended.", pid)
        descriptor = os.pidfd_open(pid)
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(descriptor, ended.set)
        try:
            for number in (signal.SIGTERM, signal.SIGKILL):
                signal.pidfd_send_signal(descriptor, number)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(WARM_STOP_S):
                        await ended.wait()
                if ended.is_set():
                    break
            _kill_group(pid)
        except ProcessLookupError:
            log.info("The leftover worker has ended.")
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)


def _kill_group(pid: int) -> None:
    """Pool children that outlived their worker hold its session; nothing else is in it."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return

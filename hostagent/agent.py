"""The agent: startup, main loop, shutdown."""

import asyncio
import contextlib
import logging
import os
import signal
from typing import Any

from protocol.log_messages import ReadLog
from protocol.message import Message
from protocol.messages import ApplicationStatus, ProcessChanged, Supervised, Watch
from protocol.tasks import Tasks
from protocol.version import VERSION
from protocol.watchdog import Watchdog

from .config import AgentConfig
from .control_link import ControlLink
from .directories import begin_log_anew
from .heartbeats import Heartbeats
from .kept import AGAIN_S
from .launch import server_environment
from .lca import LcaPort, PortTaken
from .log_reads import LogReads
from .log_records import LogRecords
from .processes import Processes
from .state import AgentState
from .surroundings import accounts, comes_back_by, names_to_find, own_account, resolved, service_account
from .worker import WorkerKeeper

log = logging.getLogger(__name__)

EXIT_OK, EXIT_CANNOT_START = 0, 2
SUPERVISED_WAIT_S = 3.0
"""How long a starting agent waits for control's list before it goes by its last known copy."""
HOUSEKEEPING_S = 60.0


def said_of(change: ProcessChanged) -> str:
    """``change`` as the agent's log tells it. A process that does not run, or not yet, has no pid."""
    pid = f" (pid {change.pid})" if change.pid else ""
    return f"{change.application}: {change.state}{pid}. {change.reason}".rstrip()


class Agent:
    def __init__(self, config: AgentConfig):
        self._config, self._watchdog = config, Watchdog()
        self._state = AgentState.load(config.state_dir / "agent-state.json")
        self._stop_servers = False
        self._resolved: dict[str, list[str]] = {}
        self._ending = asyncio.Event()
        self._list_known = asyncio.Event()
        self._link = ControlLink(config, report=lambda: self._processes.report(),
                                 worker_runs=lambda: self._worker.runs, surroundings=self._surroundings,
                                 on_message=self._told, on_connected=self._connected)
        self._heartbeats = Heartbeats(config.state_dir)
        self._processes = Processes(self._state, run_dir=config.state_dir / "run", log_dir=config.log_dir,
                                    on_change=self._changed,
                                    environment=server_environment(config.ca_file) | self._heartbeats.environment,
                                    control_is_there=lambda: self._link.connected)
        self._worker = WorkerKeeper(config, self._state)
        self._port = LcaPort(config, self._processes, lambda: {
            "pid": os.getpid(), "control": self._link.connected, "worker": self._worker.runs})
        self._log_records = LogRecords(config)
        self._log_reads = LogReads(config.log_dir, self._processes.application, self._link.tell)
        self._tasks = Tasks(self._task_failed)
        self._worker_task: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None

    async def run(self) -> None:
        """Until SIGTERM (servers go on) or SIGINT (servers stop too); SIGHUP begins its log anew. Raises PortTaken."""
        await self._startup()
        try:
            await self._main_loop()
        finally:
            await self._shutdown()

    async def _startup(self) -> None:
        loop = asyncio.get_running_loop()
        # Before the port opens: whoever finds the agent there may send it one at once, and it must not be lost.
        loop.add_signal_handler(signal.SIGTERM, self._ending.set)
        loop.add_signal_handler(signal.SIGINT, self._end_with_servers)
        loop.add_signal_handler(signal.SIGHUP, begin_log_anew)
        loop.add_signal_handler(signal.SIGCHLD, self._child_ended)
        await self._port.open()
        self._processes.adopt()
        self._tasks.start(self._watchdog.show_life(), "signs of life")
        self._tasks.start(self._log_records.run(), "log records")
        self._tasks.start(self._heartbeats.run(self._processes), "heart-beats")
        self._tasks.start(self._link.run(), "control link")
        if self._config.worker:
            self._worker_task = self._tasks.start(self._worker.run(), "worker")
        self._tasks.start(self._resume(), "resume")
        self._tasks.start(self._keep_house(), "housekeeping")
        self._tasks.start(self._settle_files(), "files")
        log.info("The agent of host %s (version %s) listens on LCA Port %d.", self._config.host, VERSION,
                 self._config.lca_port)

    async def _main_loop(self) -> None:
        await self._ending.wait()
        if self._failure is not None:
            raise self._failure

    async def _shutdown(self) -> None:
        log.info("The agent ends; its servers %s.", "are stopped too" if self._stop_servers else "keep running")
        if self._stop_servers:
            await asyncio.gather(self._processes.stop_all_with_agent(), self._end_worker())
            await self._link.say_end()
        else:
            await self._end_worker()
        await self._tasks.end()
        await self._port.close()
        self._processes.close()
        self._watchdog.close()
        self._heartbeats.close()
        self._child_ended()

    async def _end_worker(self) -> None:
        if self._worker_task is not None:
            self._worker_task.cancel()
            await asyncio.gather(self._worker_task, return_exceptions=True)
        await self._worker.stop()

    def _task_failed(self, error: BaseException) -> None:
        self._failure = error
        self._ending.set()

    async def _resume(self) -> None:
        # Not wait_for: on Python 3.11 it may swallow a cancellation that comes together with the list.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SUPERVISED_WAIT_S):
                await self._list_known.wait()
        self._processes.start_what_should_run()

    def _surroundings(self) -> dict[str, Any]:
        return {"account": own_account(), "accounts": accounts(self._processes.log_on_as()),
                "resolved": self._resolved, "comes_back_by": comes_back_by(self._config),
                "service_account": service_account(), **self._port.facts()}

    async def _keep_house(self) -> None:
        names = names_to_find(self._config)
        while True:
            # In a thread: a resolver that does not answer takes its time.
            self._resolved = await asyncio.to_thread(resolved, names)
            self._processes.bound_logs()
            self._worker.bound_log()
            await asyncio.sleep(HOUSEKEEPING_S)

    async def _settle_files(self) -> None:
        """What a full disk did not take is written once there is room."""
        while True:
            await asyncio.sleep(AGAIN_S)
            for file in (self._state.file, self._link.generation_file):
                file.settle()

    def _end_with_servers(self) -> None:
        self._stop_servers = True
        self._ending.set()

    def _child_ended(self) -> None:
        self._processes.reap()
        self._worker.child_ended()

    def _changed(self, change: ProcessChanged) -> None:
        log.info("%s", said_of(change))
        self._link.tell(change)

    def _connected(self) -> None:
        self._processes.control_is_back()

    def _told(self, message: Message) -> None:
        if isinstance(message, Supervised):
            self._log_records.direct(message.log_to)
            self._processes.set_supervised(message.applications)
            self._list_known.set()
            self._processes.start_what_should_run()
        elif isinstance(message, ApplicationStatus):
            self._port.remember(message)
        elif isinstance(message, Watch):
            self._processes.watch(message.application, message.pid, message.started)
        elif isinstance(message, ReadLog):
            self._log_reads.take(message)


async def serve(config: AgentConfig) -> None:
    """Run the agent. Raises CannotStart, PortTaken."""
    await Agent(config).run()


__all__ = ["EXIT_CANNOT_START", "EXIT_OK", "PortTaken", "serve"]

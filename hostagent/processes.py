"""All processes of this host's applications: what may be asked of them, by the application's name."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from protocol.messages import ProcessChanged

from .files import keep_bounded
from .launch import LaunchError
from .process import Process, Shared
from .state import AgentState
from .supervision import Confirmed, ControlBack, Policy, Start, Status, Stop

SPAWN_TIMEOUT_S = 10.0
LOG_LIMIT = 64 * 1024 * 1024
DEFAULT_TIMEOUT_S = 90.0
DEFAULT_SUSPEND_S = 10.0


class StartRefused(Exception):
    """The application cannot be started now. The text is a sentence or the end of one."""


class StartFailed(StartRefused):
    """The program was started and ended at once."""


class Processes:
    """``on_change`` hears of every change at once, ``control_is_there`` says whether the agent is connected to control,
    ``environment`` is that of servers. Use inside the running loop only."""

    def __init__(self, state: AgentState, *, run_dir: Path, log_dir: Path,
                 on_change: Callable[[ProcessChanged], None], policy: Policy | None = None,
                 control_is_there: Callable[[], bool] = lambda: True, environment: dict[str, str]):
        self._state = state
        self._shared = Shared(state, run_dir, log_dir, environment, policy or Policy(), control_is_there, on_change,
                              self.wake)
        self._changed = asyncio.Event()
        self._all: dict[str, Process] = {}

    def _process(self, name: str) -> Process:
        if name not in self._all:
            self._all[name] = Process(name, self._shared)
        return self._all[name]

    # --- requests -----------------------------------------------------------------------------

    async def start(self, application: dict[str, Any]) -> int:
        """Start it and return its pid. Raises StartRefused."""
        process = self._process(application["name"])
        if refused := process.why_no_start():
            raise StartRefused(refused)
        # A job does not say all that control does.
        self._state.supervised[process.name] = {**process.application, **application}
        try:
            process.program()
        except LaunchError as error:
            raise StartRefused(str(error)) from None
        process.record.desired = True
        process.handle(Start())
        await self.wait_until(lambda: process.status.state != "starting", SPAWN_TIMEOUT_S)
        if process.status.state != "running":
            raise StartFailed(process.status.reason)
        return process.status.pid

    def stop(self, name: str, *, graceful: bool, shutdown_timeout: float, suspending_wait_timeout: float,
             reason: str = Stop.reason) -> bool:
        """Ask it to stop, never to be restarted; False when it was not running. ``wait_until`` tells the end."""
        return self._process(name).stop(graceful=graceful, shutdown_timeout=shutdown_timeout,
                                        suspending_wait_timeout=suspending_wait_timeout, reason=reason)

    async def stop_all_with_agent(self) -> None:
        """Stop every server that this agent started; they start again with the agent."""
        stopping = []
        for process in self._all.values():
            if process.status.state in ("starting", "running", "backoff") and not process.status.by_hand:
                process.record.with_agent = process.record.desired
                stopping.append(process)
        self._state.save()
        for process in stopping:
            process.handle(Stop(self.shutdown_timeout(process.name),
                                reason="The agent was asked to end and to stop its servers."))
        await self.wait_until(lambda: not any(each.status.state == "stopping" for each in self._all.values()), None)

    def set_supervised(self, applications: list[dict[str, Any]]) -> None:
        """Control's list replaces the last known one; applications that are gone lose Auto-Restart with it."""
        self._state.supervised = {each["name"]: each for each in applications if isinstance(each.get("name"), str)}
        for name in [name for name, record in self._state.records.items() if name not in self._state.supervised]:
            if self._process(name).status.state in ("exited", "gave_up"):
                del self._state.records[name], self._all[name]
        self._state.save()

    def start_what_should_run(self) -> None:
        """Start again what ran when the agent or the host went down, as far as its fields are known."""
        for process in list(self._all.values()):
            application = self._state.supervised.get(process.name)
            if not process.record.with_agent or application is None:
                continue
            process.record.with_agent = False
            if application.get("enabled", True):
                process.handle(Start(operator=False, reason="It ran before the agent or the host was stopped."))
        self._state.save()

    def watch(self, name: str, pid: int, started: int) -> None:
        """Watch a server that was started by hand."""
        self._process(name).watch(pid, started)

    def confirmed(self, name: str, pid: int) -> None:
        """Control said that this pid is Started."""
        process = self._all.get(name)
        if process is not None and process.status.pid == pid:
            process.handle(Confirmed())

    def hangs(self, name: str, silent_s: float) -> None:
        """It has shown no sign of life for longer than its heart-beat period."""
        self._process(name).hangs(silent_s)

    def shows_life(self, name: str) -> None:
        self._process(name).shows_life()

    def control_is_back(self) -> None:
        for process in list(self._all.values()):
            process.handle(ControlBack())

    # --- questions ----------------------------------------------------------------------------

    def application(self, name: str) -> dict[str, Any]:
        """Its last known fields (``messages.Supervised``), {} for none."""
        return self._state.supervised.get(name, {})

    def status(self, name: str) -> Status:
        process = self._all.get(name)
        return process.status if process else Status()

    def report(self) -> list[ProcessChanged]:
        """Every process that this agent started or watched."""
        return [each.describe() for each in self._all.values() if each.known]

    def watched(self) -> dict[int, tuple[str, float]]:
        """{pid: (name, heart-beat period in seconds, 0 for none)} of the servers that this agent started."""
        return {each.status.pid: (each.name, self._seconds(each.name, "heartbeat_period"))
                for each in self._all.values() if each.status.state == "running" and not each.status.by_hand}

    def shutdown_timeout(self, name: str) -> float:
        """Shutdown Timeout of the application in seconds, the default when it is not known."""
        return self._seconds(name, "shutdown_timeout") or DEFAULT_TIMEOUT_S

    def _seconds(self, name: str, field: str) -> float:
        """A field of the application, 0 when it is not known or makes no sense."""
        value = self._state.supervised.get(name, {}).get(field)
        return float(value) if isinstance(value, (int, float)) and value > 0 else 0.0

    def log_on_as(self) -> list[str]:
        """The accounts that applications of this host log on as, "" for the agent's own."""
        return [str(each.get("log_on_as") or "") for each in self._state.supervised.values()]

    def last_log_lines(self, name: str) -> list[str]:
        """The last lines that the present or last run of the server wrote."""
        process = self._all.get(name)
        return process.last_log_lines() if process else []

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float | None) -> bool:
        """True as soon as ``condition`` holds, looked at after every change; False after ``timeout_s``."""
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    await self._changed.wait()
        except TimeoutError:
            return condition()
        return True

    def wake(self) -> None:
        """Something that a waiting condition reads has changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    # --- life of the agent --------------------------------------------------------------------

    def adopt(self) -> None:
        """Take up again what an earlier run of the agent left: running servers, exits, stops under way."""
        for name in list(self._state.records):
            self._process(name).adopt()

    def reap(self) -> None:
        """Fetch the exit codes of shims that ended."""
        shims = self._shared.shims
        ended = [each for each in shims if each[0].poll() is not None]
        self._shared.shims = [each for each in shims if each not in ended]
        for _, follower in ended:
            follower.shim_gone()

    def bound_logs(self) -> None:
        for process in self._all.values():
            keep_bounded(process.log_path, limit=LOG_LIMIT)

    def close(self) -> None:
        """Stop following; the servers go on."""
        for process in self._all.values():
            process.close()

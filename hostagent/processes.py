"""The processes of this host's applications: carries out what ``supervision`` decides."""

import asyncio
import dataclasses
import getpass
import logging
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from protocol.messages import ProcessChanged
from protocol.names import safe_name

from .files import keep_bounded, tail
from .identity import is_alive
from .kept import has_room
from .launch import Follower, LaunchError, is_of_another_boot, prepare, program_of, remove_older_runs, start_shim
from .process import Process
from .state import AgentState
from .supervision import (
    Adopted,
    Confirmed,
    ControlBack,
    Decision,
    Due,
    Ended,
    Found,
    Hung,
    Launch,
    Policy,
    Revived,
    Send,
    Spawned,
    Start,
    Status,
    Stop,
    decide,
)

log = logging.getLogger(__name__)

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
        self._state, self._run_dir, self._log_dir = state, run_dir, log_dir
        self._environment = environment
        self._on_change, self._policy = on_change, policy or Policy()
        self._control_is_there = control_is_there
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._shims: list[tuple[subprocess.Popen, Follower]] = []
        self._all: dict[str, Process] = {}

    # --- requests -----------------------------------------------------------------------------

    async def start(self, application: dict) -> int:
        """Start it and return its pid. Raises StartRefused."""
        name = application["name"]
        process = self._process(name)
        if refused := decide(process.status, Start(), self._now(), self._policy).refused:
            raise StartRefused(refused)
        self._state.supervised[name] = application
        try:
            self._program(name)
        except LaunchError as error:
            raise StartRefused(str(error)) from None
        process.record.desired = True
        self._handle(process, Start())
        await self.wait_until(lambda: process.status.state != "starting", SPAWN_TIMEOUT_S)
        if process.status.state != "running":
            raise StartFailed(process.status.reason)
        return process.status.pid

    def stop(self, name: str, *, graceful: bool, shutdown_timeout: float, suspending_wait_timeout: float,
             reason: str = "Stop was asked for.") -> bool:
        """Ask it to stop, never to be restarted; False when it was not running. ``wait_until`` tells the end."""
        process = self._process(name)
        process.record.desired = process.record.with_agent = False
        was_running = process.status.state in ("starting", "running", "stopping")
        if was_running:
            process.record.stopping = {"graceful": graceful, "shutdown_timeout": shutdown_timeout,
                                       "suspending_wait_timeout": suspending_wait_timeout}
        self._handle(process, Stop(shutdown_timeout, graceful, suspending_wait_timeout, reason))
        self._state.save()
        return was_running

    async def stop_all_with_agent(self) -> None:
        """Stop every server that this agent started; they start again with the agent."""
        stopping = []
        for process in self._all.values():
            if process.status.state in ("starting", "running", "backoff") and not process.status.by_hand:
                process.record.with_agent = process.record.desired
                stopping.append(process)
        self._state.save()
        for process in stopping:
            self._handle(process, Stop(self.shutdown_timeout(process.name),
                                       reason="The agent was asked to end and to stop its servers."))
        await self.wait_until(lambda: not any(each.status.state == "stopping" for each in self._all.values()), None)

    def set_supervised(self, applications: list[dict]) -> None:
        """Control's list replaces the last known one; applications that are gone lose Auto-Restart with it."""
        self._state.supervised = {each["name"]: each for each in applications if isinstance(each.get("name"), str)}
        for name in [name for name, record in self._state.records.items() if name not in self._state.supervised]:
            if self._process(name).status.state in ("exited", "gave_up"):
                del self._state.records[name], self._all[name]
        self._state.save()

    def log_on_as(self) -> list[str]:
        """The accounts that applications of this host log on as, "" for the agent's own."""
        return [str(each.get("log_on_as") or "") for each in self._state.supervised.values()]

    def start_what_should_run(self) -> None:
        """Start again what ran when the agent or the host went down, as far as its fields are known."""
        for process in list(self._all.values()):
            application = self._state.supervised.get(process.name)
            if not process.record.with_agent or application is None:
                continue
            process.record.with_agent = False
            if application.get("enabled", True):
                self._handle(process, Start(operator=False, reason="It ran before the agent or the host was stopped."))
        self._state.save()

    def watch(self, name: str, pid: int, started: int) -> None:
        """Watch a server that was started by hand."""
        process = self._process(name)
        # Looked at again when the server that this agent started has ended.
        process.watched = (pid, started)
        self._watch_by_hand(process)

    def _watch_by_hand(self, process: Process) -> None:
        if process.status.state in ("exited", "backoff", "gave_up") and is_alive(*process.watched):
            self._follow_by_hand(process, *process.watched)

    def confirmed(self, name: str, pid: int) -> None:
        """Control said that this pid is Started."""
        process = self._all.get(name)
        if process is not None and process.status.pid == pid:
            self._handle(process, Confirmed())

    def watched(self) -> dict[int, tuple[str, float]]:
        """{pid: (name, heart-beat period in seconds, 0 for none)} of the servers that this agent started."""
        return {each.status.pid: (each.name, self._seconds(each.name, "heartbeat_period"))
                for each in self._all.values() if each.status.state == "running" and not each.status.by_hand}

    def hangs(self, name: str, silent_s: float) -> None:
        """It has shown no sign of life for longer than its heart-beat period."""
        process = self._process(name)
        if not process.hanging:
            process.hanging = True
            wanted = bool(self._state.supervised.get(name, {}).get("hangup_restart"))
            self._handle(process, Hung(silent_s, restart=wanted))

    def shows_life(self, name: str) -> None:
        process = self._process(name)
        if process.hanging:
            process.hanging = False
            self._handle(process, Revived())

    def control_is_back(self) -> None:
        for process in list(self._all.values()):
            self._handle(process, ControlBack())

    # --- questions ----------------------------------------------------------------------------

    def status(self, name: str) -> Status:
        process = self._all.get(name)
        return process.status if process else Status()

    def report(self) -> list[ProcessChanged]:
        """Every process that this agent started or watched."""
        return [each.describe(self._now()) for each in self._all.values() if each.known]

    def shutdown_timeout(self, name: str) -> float:
        """Shutdown Timeout of the application in seconds, the default when it is not known."""
        return self._seconds(name, "shutdown_timeout") or DEFAULT_TIMEOUT_S

    def _seconds(self, name: str, field: str) -> float:
        """A field of the application, 0 when it is not known or makes no sense."""
        value = self._state.supervised.get(name, {}).get(field)
        return float(value) if isinstance(value, (int, float)) and value > 0 else 0.0

    def last_log_lines(self, name: str) -> list[str]:
        """The last lines that the present or last run of the server wrote."""
        process = self._all.get(name)
        return tail(self.log_path(name), start=process.log_start) if process else []

    def log_path(self, name: str) -> Path:
        return self._log_dir / f"{safe_name(name)}.log"

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
        for name, record in list(self._state.records.items()):
            process = self._process(name)
            if record.by_hand:
                if is_alive(record.pid, record.started):
                    self._follow_by_hand(process, record.pid, record.started)
            elif record.run_dir:
                self._adopt_run(process)

    def _adopt_run(self, process: Process) -> None:
        record, interrupted = process.record, process.record.stopping
        process.known = True
        if record.last:
            process.status = Status(**record.last)
            return
        run_dir = Path(record.run_dir)
        if is_of_another_boot(run_dir):
            record.with_agent = record.desired
            process.status = Status(reason="The host was restarted.")
            self._remember(process)
            return
        # It was meant to stop, or to run: what happened while the agent was away is judged by that.
        meant_to_run = record.desired and not record.with_agent
        process.status = Status(state="running" if meant_to_run else "stopping", pid=record.pid,
                                started=record.started, planned=not meant_to_run, ladder=((signal.SIGKILL, 0.0),))
        process.adopting = True
        self._follow(process, run_dir)
        process.follower.look()
        if process.follower is not None and not process.follower.pid and process.follower.abandon():
            self._unfollow(process)
            self._handle(process, Ended(reason="The agent was ended before the server was started"))
        elif process.follower is not None and interrupted:
            self.stop(process.name, **interrupted)

    def reap(self) -> None:
        """Fetch the exit codes of shims that ended."""
        ended = [(shim, follower) for shim, follower in self._shims if shim.poll() is not None]
        self._shims = [each for each in self._shims if each not in ended]
        for _, follower in ended:
            follower.shim_gone()

    def bound_logs(self) -> None:
        for process in self._all.values():
            keep_bounded(self.log_path(process.name), limit=LOG_LIMIT)

    def close(self) -> None:
        """Stop following; the servers go on."""
        for process in self._all.values():
            if process.follower is not None:
                process.follower.close()
            if process.timer is not None:
                process.timer.cancel()

    # --- carrying out -------------------------------------------------------------------------

    def _process(self, name: str) -> Process:
        if name not in self._all:
            self._all[name] = Process(name, self._state.record(name))
        return self._all[name]

    def _now(self) -> float:
        return self._loop.time()

    def _handle(self, process: Process, event) -> None:
        application = self._state.supervised.get(process.name, {})
        allowed = bool(application.get("auto_restart")) and bool(application.get("enabled", True))
        policy = dataclasses.replace(self._policy, auto_restart=allowed, control=self._control_is_there())
        before = process.status
        decision = decide(before, event, self._now(), policy)
        process.status = decision.status
        if decision.status != before or decision.actions:
            self._remember(process)
            self._set_timer(process)
            told = dataclasses.replace(before, confirmed=decision.status.confirmed) != decision.status
            if told and (process.known or decision.status.state != "exited"):
                process.known = True
                self._on_change(process.describe(self._now()))
        self.wake()
        self._act(process, decision)

    def _remember(self, process: Process) -> None:
        status, record = process.status, process.record
        record.pid, record.started, record.by_hand = status.pid, status.started, status.by_hand
        over = status.state in ("exited", "gave_up")
        record.last = dataclasses.asdict(dataclasses.replace(status, ladder=(), since=0.0)) if over else {}
        if over:
            record.stopping = {}
            record.desired = record.with_agent
        self._state.save()

    def _set_timer(self, process: Process) -> None:
        if process.timer is not None:
            process.timer.cancel()
            process.timer = None
        if process.status.due:
            process.timer = self._loop.call_at(process.status.due, self._handle, process, Due())

    def _act(self, process: Process, decision: Decision) -> None:
        for action in decision.actions:
            if isinstance(action, Send):
                log.info("%s: signal %d to pid %d", process.name, action.signal, process.status.pid)
                process.follower.send(action.signal)
            elif isinstance(action, Launch):
                self._launch(process)

    def _program(self, name: str):
        application = self._state.supervised.get(name)
        if application is None:
            raise LaunchError(f"{name} is no longer an application of this host.")
        return program_of(application, account_now=getpass.getuser(), is_root=os.geteuid() == 0)

    def _launch(self, process: Process) -> None:
        try:
            program = self._program(process.name)
            root = self._run_dir / safe_name(process.name)
            log_path = self.log_path(process.name)
            process.log_start = log_path.stat().st_size if log_path.exists() else 0
            run_dir = prepare(root, program, log_path, lambda made: self._remember_run(process, made))
            self._follow(process, run_dir)
            self._shims.append((start_shim(run_dir, self._environment), process.follower))
            remove_older_runs(root, run_dir)
        except LaunchError as error:
            self._loop.call_soon(self._handle, process, Ended(reason=str(error)))
        except OSError as error:
            ended = Ended(reason=f"The agent cannot start a process: {error}", no_room=not self._has_room(process))
            self._loop.call_soon(self._handle, process, ended)

    def _remember_run(self, process: Process, run_dir: Path) -> bool:
        process.record.run_dir = str(run_dir)
        return self._state.save()

    def _follow(self, process: Process, run_dir: Path) -> None:
        self._unfollow(process)
        process.follower = Follower(lambda pid, started: self._running(process, pid, started),
                                    lambda ended: self._ended(process, ended))
        process.follower.follow_run(run_dir)

    def _follow_by_hand(self, process: Process, pid: int, started: int) -> None:
        self._unfollow(process)
        process.follower = Follower(lambda *_: None, lambda ended: self._ended(process, ended))
        if process.follower.follow_pid(pid, started):
            self._handle(process, Found(pid, started))
        else:
            self._unfollow(process)

    def _unfollow(self, process: Process) -> None:
        if process.follower is not None:
            process.follower.close()
            process.follower = None

    def _running(self, process: Process, pid: int, started: int) -> None:
        if process.adopting:
            process.adopting = False
            process.status = Status()
            process.record.desired = process.record.desired or process.record.with_agent
            process.record.with_agent = False
            self._handle(process, Adopted(pid, started))
        else:
            self._handle(process, Spawned(pid, started))

    def _ended(self, process: Process, ended: Ended) -> None:
        process.follower, process.adopting = None, False
        if process.hanging and ended.signal == signal.SIGKILL:
            ended = dataclasses.replace(ended, reason="it showed no sign of life and was killed")
        process.hanging = False
        log.info("%s: pid %d ended (exit code %d, signal %d) %s", process.name, process.status.pid, ended.exit_code,
                 ended.signal, ended.reason)
        self._handle(process, dataclasses.replace(ended, no_room=not self._has_room(process)))
        self._watch_by_hand(process)

    def _has_room(self, process: Process) -> bool:
        directory = self._state.supervised.get(process.name, {}).get("working_directory", "")
        return has_room(self._state.file.path.parent) and (not os.path.isdir(directory) or has_room(directory))

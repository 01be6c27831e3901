"""The process of one application: what the agent holds of it, and how what ``supervision`` decides is carried out."""

import asyncio
import dataclasses
import getpass
import logging
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protocol.identity import is_alive
from protocol.messages import ProcessChanged
from protocol.names import safe_name

from .files import tail
from .kept import has_room
from .launch import (
    Follower,
    LaunchError,
    Program,
    is_of_another_boot,
    place_of,
    prepare,
    program_of,
    remove_older_runs,
    start_shim,
)
from .state import AgentState
from .supervision import (
    STORE_EXIT,
    Adopted,
    Decision,
    Due,
    Ended,
    Event,
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
from .surroundings import account_of

log = logging.getLogger(__name__)


@dataclass
class Shared:
    """What all processes of the agent have in common. ``on_change`` hears of every change at once, ``wake`` is called
    when something that waiting conditions read has changed, ``control_is_there`` says whether the agent is connected to
    control, ``environment`` is that of servers, ``shims`` are those whose exit codes were not fetched yet."""

    state: AgentState
    run_dir: Path
    log_dir: Path
    environment: dict[str, str]
    policy: Policy
    control_is_there: Callable[[], bool]
    on_change: Callable[[ProcessChanged], None]
    wake: Callable[[], None]
    shims: list[tuple[subprocess.Popen[bytes], Follower]] = field(default_factory=list)


class Process:
    """``known``: it was started or watched at some time, so control hears of it. ``_adopting``: it was started by
    an earlier run of the agent and has not yet been found. ``_by_hand``: (pid, start ticks) of the last server that
    control named as started by hand. ``_hanging``: it shows no sign of life.
    ``_log_start``: size of the log when the present run began, in bytes."""

    def __init__(self, name: str, shared: Shared):
        self.name, self.record, self._shared = name, shared.state.record(name), shared
        self.status = Status()
        self._loop = asyncio.get_running_loop()
        self._follower: Follower | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._by_hand = (0, 0)
        self._log_start = 0
        self.known = self._adopting = self._hanging = False

    # --- questions ----------------------------------------------------------------------------

    @property
    def application(self) -> dict[str, Any]:
        """Its last known fields, {} for none."""
        return self._shared.state.supervised.get(self.name, {})

    @property
    def log_path(self) -> Path:
        return self._shared.log_dir / f"{safe_name(self.name)}.log"

    def last_log_lines(self) -> list[str]:
        """The last lines that the present or last run wrote."""
        return tail(self.log_path, start=self._log_start)

    def describe(self) -> ProcessChanged:
        status = self.status
        wait_s = max(0.0, status.due - self._loop.time()) if status.state == "backoff" else 0.0
        return ProcessChanged(
            application=self.name, state=status.state, pid=status.pid, started=status.started,
            exit_code=status.exit_code, signal=status.signal, planned=status.planned, restart_in_s=round(wait_s, 3),
            restarts=status.restarts, by_hand=status.by_hand, reason=status.reason,
            hanging=self._hanging,
            account=account_of(status.pid) if status.state in ("running", "stopping") else "")

    def why_no_start(self) -> str:
        """Why a start that somebody asks for now is refused, or ""."""
        return decide(self.status, Start(), self._loop.time(), self._shared.policy).refused

    def program(self) -> Program:
        """What a start would run. Raises LaunchError."""
        if not self.application:
            raise LaunchError(f"{self.name} is no longer an application of this host.")
        return program_of(self.application, account_now=getpass.getuser(), is_root=os.geteuid() == 0)

    # --- what happens to it -------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        """Carry out what is decided about ``event``."""
        application, shared = self.application, self._shared
        allowed = bool(application.get("auto_restart")) and bool(application.get("enabled", True))
        policy = dataclasses.replace(shared.policy, auto_restart=allowed, control=shared.control_is_there())
        before = self.status
        decision = decide(before, event, self._loop.time(), policy)
        self.status = decision.status
        if decision.status != before or decision.actions:
            self._remember()
            self._set_timer()
            told = dataclasses.replace(before, confirmed=decision.status.confirmed) != decision.status
            if told and (self.known or decision.status.state != "exited"):
                self.known = True
                shared.on_change(self.describe())
        shared.wake()
        self._act(decision)

    def stop(self, *, graceful: bool, shutdown_timeout: float, suspending_wait_timeout: float,
             reason: str = Stop.reason) -> bool:
        """Stop it, never to be restarted; False when it was not running."""
        record = self.record
        record.desired = record.with_agent = False
        was_running = self.status.state in ("starting", "running", "stopping")
        if was_running:
            record.stopping = {"graceful": graceful, "shutdown_timeout": shutdown_timeout,
                               "suspending_wait_timeout": suspending_wait_timeout}
        self.handle(Stop(shutdown_timeout, graceful, suspending_wait_timeout, reason))
        self._shared.state.save()
        return was_running

    def watch(self, pid: int, started: int) -> None:
        """Watch a server that was started by hand."""
        # Looked at again when the server that this agent started has ended.
        self._by_hand = (pid, started)
        self._watch_by_hand()

    def _watch_by_hand(self) -> None:
        if self.status.state in ("exited", "backoff", "gave_up") and is_alive(*self._by_hand):
            self._follow_by_hand(*self._by_hand)

    def hangs(self, silent_s: float) -> None:
        """It has shown no sign of life for longer than its heart-beat period."""
        if not self._hanging:
            self._hanging = True
            self.handle(Hung(silent_s, restart=bool(self.application.get("hangup_restart"))))

    def shows_life(self) -> None:
        if self._hanging:
            self._hanging = False
            self.handle(Revived())

    # --- life of the agent --------------------------------------------------------------------

    def adopt(self) -> None:
        """Take up again what an earlier run of the agent left: a running server, an exit, a stop under way."""
        record = self.record
        if record.by_hand:
            if is_alive(record.pid, record.started):
                self._follow_by_hand(record.pid, record.started)
        elif record.run_dir:
            self._adopt_run()

    def _adopt_run(self) -> None:
        record, interrupted = self.record, self.record.stopping
        self.known = True
        if record.last:
            self.status = Status(**record.last)
            return
        run_dir = Path(record.run_dir)
        if is_of_another_boot(run_dir):
            record.with_agent = record.desired
            self.status = Status(reason="The host was restarted.")
            self._remember()
            return
        # It was meant to stop, or to run: what happened while the agent was away is judged by that.
        meant_to_run = record.desired and not record.with_agent
        self.status = Status(state="running" if meant_to_run else "stopping", pid=record.pid,
                             started=record.started, planned=not meant_to_run, ladder=((signal.SIGKILL, 0.0),))
        self._adopting = True
        self._follow(run_dir).look()
        if self._follower is not None and not self._follower.pid and self._follower.abandon(run_dir):
            self._unfollow()
            self.handle(Ended(reason="The agent was ended before the server was started"))
        elif self._follower is not None and interrupted:
            self.stop(**interrupted)

    def close(self) -> None:
        """Stop following; the server goes on."""
        if self._follower is not None:
            self._follower.close()
        if self._timer is not None:
            self._timer.cancel()

    # --- carrying out -------------------------------------------------------------------------

    def _remember(self) -> None:
        status, record = self.status, self.record
        record.pid, record.started, record.by_hand = status.pid, status.started, status.by_hand
        over = status.state in ("exited", "gave_up")
        record.last = dataclasses.asdict(dataclasses.replace(status, ladder=(), since=0.0)) if over else {}
        if over:
            record.stopping = {}
            record.desired = record.with_agent
        self._shared.state.save()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.status.due:
            self._timer = self._loop.call_at(self.status.due, self.handle, Due())

    def _act(self, decision: Decision) -> None:
        for action in decision.actions:
            if isinstance(action, Send):
                log.info("%s: signal %d to pid %d", self.name, action.signal, self.status.pid)
                # What nobody follows has ended: nothing is there to signal.
                if self._follower is not None:
                    self._follower.send(action.signal)
            elif isinstance(action, Launch):
                self._launch()

    def _launch(self) -> None:
        try:
            program = self.program()
            root, log_path = self._shared.run_dir / safe_name(self.name), self.log_path
            self._log_start = log_path.stat().st_size if log_path.exists() else 0
            with place_of(program) as place:
                run_dir = prepare(root, program, log_path, self._remember_run)
                follower = self._follow(run_dir)
                self._shared.shims.append((start_shim(run_dir, self._shared.environment, place), follower))
            remove_older_runs(root, run_dir)
        except LaunchError as error:
            self._loop.call_soon(self.handle, Ended(reason=str(error)))
        except OSError as error:
            ended = Ended(reason=f"The agent cannot start a process: {error}", no_room=not self._has_room())
            self._loop.call_soon(self.handle, ended)

    def _remember_run(self, run_dir: Path) -> bool:
        self.record.run_dir = str(run_dir)
        return self._shared.state.save()

    def _has_room(self) -> bool:
        directory = self.application.get("working_directory", "")
        return has_room(self._shared.state.file.path.parent) and (not os.path.isdir(directory) or has_room(directory))

    # --- following ----------------------------------------------------------------------------

    def _follow(self, run_dir: Path) -> Follower:
        self._unfollow()
        self._follower = Follower(self._running, self._ended)
        self._follower.follow_run(run_dir)
        return self._follower

    def _follow_by_hand(self, pid: int, started: int) -> None:
        self._unfollow()
        self._follower = Follower(lambda *_: None, self._ended)
        if self._follower.follow_pid(pid, started):
            self.handle(Found(pid, started))
        else:
            self._unfollow()

    def _unfollow(self) -> None:
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    def _running(self, pid: int, started: int) -> None:
        if self._adopting:
            self._adopting = False
            self.status = Status()
            self.record.desired = self.record.desired or self.record.with_agent
            self.record.with_agent = False
            self.handle(Adopted(pid, started))
        else:
            self.handle(Spawned(pid, started))

    def _ended(self, ended: Ended) -> None:
        self._follower, self._adopting = None, False
        if self._hanging and ended.signal == signal.SIGKILL:
            ended = dataclasses.replace(ended, reason="it showed no sign of life and was killed")
        self._hanging = False
        log.info("%s: pid %d ended (exit code %d, signal %d) %s", self.name, self.status.pid, ended.exit_code,
                 ended.signal, ended.reason)
        no_store = ended.exit_code == STORE_EXIT and self.application.get("type") == "MessageServer"
        self.handle(dataclasses.replace(ended, no_room=not self._has_room(), no_store=no_store))
        self._watch_by_hand()

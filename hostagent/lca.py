"""The agent's own port (LCA Port, loopback): the host's worker asks for starts and stops here."""

import asyncio
import errno
import logging
import math
import time
from collections.abc import Callable
from typing import Any

from protocol.door import Door
from protocol.messages import LCA_VERBS, ApplicationStatus, Request, Response
from protocol.throttle import EVERY_S, Throttle
from protocol.version import VERSION
from protocol.wire import Channel, Opening, WireError

from .config import AgentConfig
from .processes import DEFAULT_SUSPEND_S, DEFAULT_TIMEOUT_S, Processes, StartFailed, StartRefused

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
STRANGERS_MAX, CONNECTIONS_MAX = 256, 64
"""How many may be showing who they are, and how many may have shown it."""
LONGEST_WAIT_S = 24 * 3600.0
READ_LOG = "Correct what the server's last log lines say, then start it again."


class PortTaken(Exception):
    """The LCA Port cannot be opened. The text is a sentence that says what to do."""


class Refusal(Exception):
    """A request that is not granted: ``reason`` (sentence) and ``advice`` (what to do)."""

    def __init__(self, reason: str, advice: str = ""):
        super().__init__(reason)
        self.reason, self.advice = reason, advice


class LcaPort:
    """Answers the verbs of ``LCA_VERBS``. ``facts`` gives what ``ping`` tells about the agent."""

    def __init__(self, config: AgentConfig, processes: Processes, facts: Callable[[], dict[str, Any]]):
        self._config, self._processes, self._facts = config, processes, facts
        self._statuses: dict[str, ApplicationStatus] = {}
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.refused = Throttle(self._note_refused)
        self._door = Door(STRANGERS_MAX, self.refused)
        self._last_refused: tuple[float, dict[str, Any]] = float("-inf"), {}
        self._served = 0

    async def open(self) -> None:
        """Listen. Raises PortTaken."""
        port = self._config.lca_port
        try:
            self._server = await asyncio.start_server(self._connected, LOOPBACK, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise PortTaken(f"LCA Port {port} cannot be opened: {error.strerror}. Change LCA Port.") from None
            raise PortTaken(f"LCA Port {port} is in use on this host, probably by another agent. "
                            "Change LCA Port, or stop the other agent.") from None

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def remember(self, status: ApplicationStatus) -> None:
        """Control's word on an application; ``wait_started`` waits for it."""
        self._statuses[status.application] = status
        if status.status == "Started":
            self._processes.confirmed(status.application, status.pid)
        self._processes.wake()

    # --- connections --------------------------------------------------------------------------

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # a coroutine always runs in one
        self._connections.add(task)
        try:
            async with self._door.opening(reader, writer) as opening:
                channel = await self._admit(opening)
            if channel is not None:
                await self._serve(channel)
        except (WireError, OSError):
            writer.transport.abort()
        except asyncio.CancelledError:
            # The agent ends; the worker asks the next one again.
            writer.transport.abort()
        finally:
            self._connections.discard(task)

    def _note_refused(self, why: str) -> None:
        text = f"A connection to the LCA Port was refused: {why}."
        log.warning(text)
        # Another agent of this host, later, does not say the same number.
        self._last_refused = time.monotonic(), {"number": time.time_ns() // 1_000_000, "text": text}

    def facts(self) -> dict[str, Any]:
        """For control: who was refused a moment ago."""
        at, refused = self._last_refused
        return {"lca_refused": refused} if time.monotonic() - at < EVERY_S else {}

    async def _admit(self, opening: Opening) -> Channel | None:
        """None after a refusal that says why."""
        hello = opening.hello
        if hello.kind != "worker" or hello.name != self._config.host or not opening.proves(self._config.secret):
            self.refused("it does not know the secret of this host")
            await opening.refuse("Only the worker of this host may use its LCA Port.")
        elif self._served >= CONNECTIONS_MAX:
            await opening.refuse(f"{CONNECTIONS_MAX} connections to the LCA Port are open already.")
        else:
            return await opening.accept(self._config.secret)
        return None

    async def _serve(self, channel: Channel) -> None:
        pending: set[asyncio.Task[None]] = set()
        self._served += 1
        try:
            while True:
                message = await channel.receive()
                if isinstance(message, Request):
                    task = asyncio.create_task(self._answer(channel, message))
                    pending.add(task)
                    task.add_done_callback(pending.discard)
        finally:
            self._served -= 1
            for task in pending:
                task.cancel()
            await channel.close()

    async def _answer(self, channel: Channel, request: Request) -> None:
        try:
            if request.verb not in LCA_VERBS:
                raise Refusal(f"The agent does not know the verb {request.verb[:40]!r}.", "Update the agent.")
            result = await getattr(self, f"_{request.verb}")(request.arguments)
            response = Response(id=request.id, ok=True, result=result)
        except Refusal as refusal:
            response = Response(id=request.id, ok=False, reason=refusal.reason, advice=refusal.advice)
        except (KeyError, TypeError, ValueError) as error:
            log.exception("The request %s could not be carried out.", request.verb)
            response = Response(id=request.id, ok=False, reason=f"The agent could not read the request: {error!r}",
                                advice="Console and agent may be of different versions: update the agent.")
        try:
            await channel.send(response)
        except WireError:
            log.info("The worker went away before the answer to %s.", request.verb)

    # --- verbs --------------------------------------------------------------------------------

    async def _ping(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"host": self._config.host, "version": VERSION, **self._facts()}

    async def _list(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"processes": [each.to_dict() for each in self._processes.report()]}

    async def _start(self, arguments: dict[str, Any]) -> dict[str, Any]:
        name = arguments["name"]
        self._statuses.pop(name, None)
        try:
            return {"pid": await self._processes.start(arguments)}
        except StartFailed as failed:
            raise Refusal(self._with_log_lines(name, str(failed)), READ_LOG) from None
        except StartRefused as refused:
            raise Refusal(str(refused)) from None

    async def _wait_started(self, arguments: dict[str, Any]) -> dict[str, Any]:
        name, pid, timeout_s = arguments["application"], arguments["pid"], _seconds(arguments, "timeout_s")
        # A worker of a former version knows of no dispute: it is told that the server was not Started in time.
        disputed_s = _seconds(arguments, "disputed_s") if "disputed_s" in arguments else None

        def gone() -> bool:
            status = self._processes.status(name)
            return status.pid != pid or status.state not in ("starting", "running")

        def word() -> ApplicationStatus | None:
            found = self._statuses.get(name)
            return found if found is not None and found.pid == pid else None

        def told() -> bool:
            return (found := word()) is not None and found.status == "Started"

        def disputed() -> bool:
            return disputed_s is not None and (found := word()) is not None and found.disputed and not told()

        in_time = await self._processes.wait_until(lambda: gone() or told() or disputed(), timeout_s)
        while disputed() and not gone():
            # The other server may be about to come, and with it the dispute to end.
            if not await self._processes.wait_until(lambda: gone() or not disputed(), disputed_s):
                last = word()
                return {"pid": pid, "mode": "", "disputed": last.reason if last else ""}
            in_time = await self._processes.wait_until(lambda: gone() or told() or disputed(), timeout_s)
        if gone():
            raise Refusal(self._with_log_lines(name, self._processes.status(name).reason), READ_LOG)
        if not in_time:
            await self._give_up(name, timeout_s)
        return {"pid": pid, "mode": self._statuses[name].mode}

    async def _give_up(self, name: str, timeout_s: float) -> None:
        word = self._statuses.get(name)
        last = f"its last status was {word.status}{': ' + word.reason if word.reason else ''}" if word else (
            "control said nothing about it")
        self._stop_with_defaults(name, "It was not Started within its Startup Timeout and was stopped again.")
        raise Refusal(self._with_log_lines(name, f"{name} was not Started within its Startup Timeout of "
                                                 f"{timeout_s:g} s ({last}) and was stopped again."),
                      "Read the server's log; check that control runs; raise Startup Timeout if it needs longer.")

    async def _cancel_start(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"was_running": self._stop_with_defaults(arguments["application"], "The start was cancelled.")}

    def _stop_with_defaults(self, name: str, reason: str) -> bool:
        return self._processes.stop(name, graceful=False, shutdown_timeout=self._processes.shutdown_timeout(name),
                                    suspending_wait_timeout=DEFAULT_SUSPEND_S, reason=reason)

    async def _stop(self, arguments: dict[str, Any]) -> dict[str, Any]:
        pid = self._processes.status(arguments["application"]).pid
        was_running = self._processes.stop(
            arguments["application"], graceful=bool(arguments.get("graceful")),
            shutdown_timeout=_seconds(arguments, "shutdown_timeout", DEFAULT_TIMEOUT_S),
            suspending_wait_timeout=_seconds(arguments, "suspending_wait_timeout", DEFAULT_SUSPEND_S))
        return {"was_running": was_running, "pid": pid if was_running else 0}

    async def _wait_stopped(self, arguments: dict[str, Any]) -> dict[str, Any]:
        name, timeout_s = arguments["application"], _seconds(arguments, "timeout_s", LONGEST_WAIT_S)
        stopped = await self._processes.wait_until(
            lambda: self._processes.status(name).state in ("exited", "gave_up"), timeout_s)
        status = self._processes.status(name)
        if not stopped:
            raise Refusal(f"{name} (pid {status.pid}) has not ended after {timeout_s:g} s.",
                          "Look at the process on its host: it may hang in the operating system.")
        return {"exit_code": status.exit_code, "signal": status.signal, "reason": status.reason}

    def _with_log_lines(self, name: str, reason: str) -> str:
        lines = self._processes.last_log_lines(name)
        return f"{reason} Last log lines: {' | '.join(lines)}" if lines else reason


def _seconds(arguments: dict[str, Any], key: str, default: float | None = None) -> float:
    """Raises KeyError, TypeError, ValueError."""
    value = float(arguments[key] if default is None else arguments.get(key, default))
    if math.isnan(value):
        raise ValueError(f"{key} is no number of seconds")
    return min(max(value, 0.0), LONGEST_WAIT_S)

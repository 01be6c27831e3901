"""The daemon: startup, main loop, shutdown. What control says of the role is carried out in ``roles``."""

import asyncio
import contextlib
import functools
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from protocol.beats import until_next
from protocol.events import Own
from protocol.message import Message
from protocol.pair_messages import Probe, Recorded, StepDown
from protocol.server_messages import Configuration, Grant, Report
from protocol.tasks import until_one_ends
from protocol.throttle import Throttle
from protocol.watchdog import Watchdog

from . import VERSION, settings, system
from .broker import Broker
from .contact import Address
from .exits import Exit, ExitCode
from .link import Link, first_contact
from .log import Event, Log
from .network import Network
from .ownership import Held, StoreError, StoreLocked, peek_held
from .paired_store import PairedStore
from .ports import PortError, Ports
from .reader import Reader
from .roles import Roles
from .secured import look_after
from .session import Session

REPORT_EVERY_S = 1.0
DRAIN_POLL_S = 0.05
STOP_COMMIT_S = 5.0
TRACE_CHARACTERS = 1500
DATA = "data"


class Server:
    """One Message Server. ``run`` returns when it was asked to stop and raises Exit when it cannot go on."""

    # Each is there once ``_startup`` has come so far; nothing that needs it runs before.
    _link: Link
    _network: Network
    _settings: settings.Settings
    _ports: Ports
    _broker: Broker
    _roles: Roles

    def __init__(self, address: Address, secret: str, directory: Path):
        self._address, self._secret, self._directory = address, secret, directory
        self.log = Log()
        self._phase, self._unavailable = "initializing", ""
        self._changed = asyncio.Event()
        self._stop, self._suspend = asyncio.Event(), asyncio.Event()
        self._not_told: dict[str, Throttle] = {}
        self._failed = asyncio.Event()

    def stop(self) -> None:
        """Ask ``run`` to end."""
        self._stop.set()

    async def run(self) -> None:
        async with contextlib.AsyncExitStack() as ending:
            try:
                await self._startup(ending)
                await self._main_loop()
            except Exit as error:
                self.log.standard(error.event, str(error))
                raise

    def _hung_up(self) -> None:
        """Whoever rotates logs asks for it, or a terminal was closed, which is nothing to end for."""
        self.log.reopen()
        self.log.standard(Event.CONFIGURATION_CHANGED, "SIGHUP: the log files were opened anew.")

    # --- startup -----------------------------------------------------------------------------------------

    async def _startup(self, ending: contextlib.AsyncExitStack) -> None:
        """``ending`` gets how to end each part that is there; the last one ends first."""
        loop = asyncio.get_running_loop()
        system.on_signals(loop, stop=self.stop, suspend=self._suspend.set, hangup=self._hung_up)
        data = self._directory / DATA
        try:
            held = peek_held(data)
        except StoreError as error:
            raise Exit(ExitCode.STORE, Event.DB_UNABLE_TO_OPEN, f"The messages cannot be opened: {error}.") from error
        # The role of a former process is not held any more: control grants anew.
        controls = self._address.controls(self._directory)
        channel, configuration = await first_contact(self._address, self._secret, replace(held, role=""), controls)
        self._link = Link(self._address, controls, self._secret, channel, self._held, self.log)
        ending.push_async_callback(self._leave)
        try:
            self._settings = settings.from_application(configuration.application)
        except settings.SettingsError as error:
            raise Exit(ExitCode.CONFIGURATION, Event.APP_INIT_FAILED, str(error)) from error
        self._network = Network(self._directory, self._link, self._address.context, self.log,
                                self._settings)
        self._network.configure(self._settings)
        self._configure_log()
        self.log.standard(Event.APP_STARTED, f"Message Server {VERSION} {self._settings.name} is started.")
        await self._link.report(Report(state=self._phase))
        self._bind(ending)
        self._open(data)
        ending.push_async_callback(self._end)
        self._phase = "ready"
        self.log.standard(Event.APP_INIT_COMPLETED, f"Initialization is completed: {self._broker.last_seq} is the last "
                          f"message, epoch {self._broker.store.held.epoch} was held last. Waiting for a role.")
        await self._report()

    def _configure_log(self) -> None:
        problems = (*self._settings.problems, *self.log.configure(self._settings.log, self._directory))
        for problem in problems:
            self.log.standard(Event.CONFIGURATION_PROBLEM, problem)

    def _bind(self, ending: contextlib.AsyncExitStack) -> None:
        self._ports = Ports(self._settings.ports, self._client,
                            places=lambda: self._settings.limits.max_connections, refused=self._not_tls)
        ending.callback(self._ports.close)
        try:
            self._ports.bind()
        except PortError as error:
            raise Exit(ExitCode.PORT_IN_USE, Event.TLS_INVALID if error.tls else Event.PORT_UNABLE_TO_OPEN,
                       str(error)) from error

    def _client(self, port: settings.Port) -> asyncio.Protocol:
        session = Session(self._broker)
        if port.protocol != settings.STOMP_WS:
            return session
        from .websocket import WebSocket  # the start of a server without such a port does not wait for it

        return WebSocket(session)

    def _not_tls(self, port: settings.Port, address: str, why: str) -> None:
        event = Event.SYNC_REFUSED if port.ha_sync else Event.CLIENT_REFUSED
        told = self._not_told.setdefault(port.id, Throttle(functools.partial(self.log.standard, event)))
        told(f"A connection from {address} to port {port.number} ({port.id}) is refused: {why}.")

    def _open(self, data: Path) -> None:
        try:
            store = PairedStore(data, self._settings.retention)
            reader = Reader(data)
        except StoreLocked as error:
            raise Exit(ExitCode.ALREADY_RUNNING, Event.APPLICATION_LOCKED, f"{self._settings.name} is already running "
                       f"here: {error}. Stop that process first.") from error
        except StoreError as error:
            raise Exit(ExitCode.STORE, Event.DB_UNABLE_TO_OPEN, f"The messages cannot be opened: {error}.") from error
        self._broker = Broker(self._settings, self.log, store, reader, self._broker_changed, self._task_failed,
                              self._secret)
        self._broker.start()
        self._roles = Roles(self._settings, self.log, self._broker, self._ports, self._changed.set)
        self.log.standard(Event.DB_OPENED, f"The messages in {data} are open.")

    # --- main loop ---------------------------------------------------------------------------------------

    async def _main_loop(self) -> None:
        await until_one_ends(
            self._link.run(self._take), self._reports(), self._until_stopped(), self._until_failed(),
            look_after(lambda: self._ports.secured, self.log.standard), self._show_life(),
            self._network.run())

    async def _show_life(self) -> None:
        with Watchdog() as watchdog:
            await watchdog.show_life()
            # Nobody asked for it: the main loop is not over.
            await asyncio.Event().wait()

    def _task_failed(self, error: BaseException) -> None:
        """A part of the server has ended that must not: without it the rest would only seem to work."""
        trace = "".join(traceback.format_exception(error)).replace("\n", " | ")
        self.log.standard(Own.TASK_ENDED, f"A part of the server has ended: {type(error).__name__}: {error}. The "
                          f"server ends, so that it is started anew. {trace[-TRACE_CHARACTERS:]}")
        self._failed.set()

    def unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The event loop met an error that nobody takes care of."""
        error = context.get("exception")
        self.log.standard(Event.INTERNAL_ERROR, f"{context.get('message')}: {type(error).__name__}: {error}.")

    async def _until_failed(self) -> None:
        await self._failed.wait()
        raise Exit(ExitCode.INTERNAL, Event.INTERNAL_ERROR, "The server ends after an internal error; the lines before "
                   "this one say which.")

    async def _until_stopped(self) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (self._stop, self._suspend)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if not self._stop.is_set():
            await self._drain()

    async def _drain(self) -> None:
        """Graceful stop: no new clients, no new messages; what is under way gets its time."""
        self._phase = "suspending"
        self._broker.suspending = True
        limit_s = self._settings.suspending_wait_s
        self.log.standard(Event.SUSPENDING, f"Graceful stop: clients have up to {limit_s} s to finish.")
        await self._ports.stop_listening()
        await self._report()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        while not (self._broker.drained or self._stop.is_set()) and loop.time() < deadline:
            await asyncio.sleep(DRAIN_POLL_S)
        self._phase = "suspended"
        self.log.standard(Event.SUSPENDED, "Suspended: clients have finished." if self._broker.drained else
                          "Suspended: some clients had not finished.")
        await self._report()

    async def _take(self, message: Message) -> None:
        """Carry out what control says, one message after the other."""
        match message:
            case Configuration():
                await self._take_configuration(message.application)
            case Grant() if self._phase in ("ready", "started"):
                await self._roles.grant(message)
                self._take_phase()
                await self._report()
            case Recorded():
                await self._roles.recorded(message)
                await self._report()
            case StepDown() if self._phase == "started":
                await self._roles.step_down(message)
                self._take_phase()
                await self._report()
            case Probe():
                # It may take seconds, in which a grant must not wait.
                self._broker.tasks.start(self._answer(message), "probe")

    async def _answer(self, probe: Probe) -> None:
        await self._link.send(await self._roles.probe(probe))

    def _take_phase(self) -> None:
        """A server without a role is ready for one, unless it is about to end."""
        if self._phase in ("ready", "started"):
            self._phase = "started" if self._roles.role else "ready"

    async def _take_configuration(self, application: dict[str, Any]) -> None:
        try:
            new = settings.from_application(application)
        except settings.SettingsError as error:
            self.log.standard(Event.CONFIGURATION_PROBLEM, f"The changed configuration is not used: {error}")
            return
        if new == self._settings:
            return
        before, self._settings = self._settings, new
        self._network.configure(new)
        if (new.log, new.problems) != (before.log, before.problems):
            self._configure_log()
        self._broker.apply(new)
        await self._roles.apply(new)
        self.log.standard(Event.CONFIGURATION_CHANGED, "The configuration was changed; logins, limits, retention and "
                          "log count from now on.")
        if new.ports != before.ports:
            self.log.standard(Event.CONFIGURATION_CHANGED, "The listening ports were changed: restart the server to "
                              "use them.")

    # --- reports -----------------------------------------------------------------------------------------

    def _held(self) -> Held:
        held = self._broker.store.held
        return replace(held, role=self._roles.role)

    def _broker_changed(self) -> None:
        if self._broker.storing.unavailable != self._unavailable:
            self._unavailable = self._broker.storing.unavailable
            if self._unavailable:
                self.log.standard(Event.SERVICE_UNAVAILABLE, self._unavailable)
            else:
                self.log.standard(Event.SERVICE_AVAILABLE, "Messages can be stored again.")
        self._changed.set()

    async def _reports(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(until_next(REPORT_EVERY_S, time.monotonic())):
                    await self._changed.wait()
            self._changed.clear()
            if self._phase in ("ready", "started"):
                await self._roles.look()
                self._take_phase()
            await self._report()

    async def _report(self) -> None:
        broker, roles = self._broker, self._roles
        reason = broker.storing.unavailable or roles.trouble
        state = "service_unavailable" if reason and self._phase in ("ready", "started") else self._phase
        held = broker.store.held
        await self._link.report(Report(
            state=state, role=roles.role, epoch=held.epoch, record_version=held.record_version, reason=reason,
            last_seq=broker.last_seq, digest=broker.digest.hex(), clients=broker.roster.clients,
            first_seq=broker.store.first_seq, first_digest=broker.store.first_digest.hex(), clock=time.time(),
            trouble_s=broker.storing.unavailable_s, ports=self._ports.state(),
            acknowledged=broker.figures.acknowledged, delivered=broker.figures.delivered,
            latencies=list(broker.figures.latencies), waiting_bytes=broker.waiting_bytes,
            disk_free=broker.figures.disk_free, disk_total=broker.figures.disk_total, **roles.report()))

    # --- shutdown ----------------------------------------------------------------------------------------

    async def _end(self) -> None:
        """Take nobody any more, answer what was accepted, then close everything but the link."""
        self._ports.close()
        self._phase = "stopping"
        await self._report()
        self._broker.suspending = True
        if not self._failed.is_set():
            await self._broker.settled(STOP_COMMIT_S)
        await self._roles.stop()
        await self._broker.stop()
        self.log.standard(Event.APP_STOPPED, f"{self._settings.name} is stopped.")

    async def _leave(self) -> None:
        await self._link.flush()
        await self._link.close()

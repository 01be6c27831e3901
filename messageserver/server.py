"""The daemon: startup, main loop, shutdown; carries out the grants of control."""

import asyncio
import contextlib
import signal
from pathlib import Path

from protocol.messages import Grant, Report

from . import VERSION, settings
from .broker import Broker
from .exits import Exit, ExitCode
from .link import Address, Link, first_contact
from .log import Event, Log
from .ownership import Held, StaleEpoch, StoreError, StoreLocked, peek_held
from .ports import PortError, Ports
from .reader import Reader
from .session import Session
from .store import Store

REPORT_EVERY_S = 1.0
DRAIN_POLL_S = 0.05
STOP_COMMIT_S = 5.0
DATA = "data"


class Server:
    """One Message Server. ``run`` returns when it was asked to stop and raises Exit when it cannot go on."""

    def __init__(self, address: Address, secret: str, directory: Path):
        self._address, self._secret, self._directory = address, secret, directory
        self._link: Link | None = None
        self.log = Log(network=self._to_network)
        self._phase = "initializing"
        self._role = ""
        self._trouble = ""
        self._waiting_grant: Grant | None = None
        self._changed = asyncio.Event()
        self._stop, self._suspend = asyncio.Event(), asyncio.Event()
        self._broker: Broker | None = None
        self._ports: Ports | None = None

    async def run(self) -> None:
        try:
            await self._startup()
            await self._main_loop()
        except Exit as error:
            self.log.standard(error.event, str(error))
            raise
        finally:
            await self._shutdown()

    # --- startup -----------------------------------------------------------------------------------------

    async def _startup(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGUSR1, self._suspend.set)
        data = self._directory / DATA
        try:
            held = peek_held(data)
        except StoreError as error:
            raise Exit(ExitCode.STORE, Event.DB_UNABLE_TO_OPEN, f"The messages cannot be opened: {error}.") from error
        # The role of a former process is not held any more: control grants anew.
        channel, configuration = await first_contact(
            self._address, self._secret, Held(held.epoch, held.record_version), purpose="serve")
        self._link = Link(self._address, self._secret, channel, self._held, self.log)
        try:
            self._settings = settings.from_application(configuration.application)
        except settings.SettingsError as error:
            raise Exit(ExitCode.CONFIGURATION, Event.APP_INIT_FAILED, str(error)) from error
        self._configure_log()
        self.log.standard(Event.APP_STARTED, f"Message Server {VERSION} {self._settings.name} is started.")
        await self._report()
        self._bind()
        self._open(data)
        self._phase = "ready"
        self.log.standard(Event.APP_INIT_COMPLETED, f"Initialization is completed: {self._broker.last_seq} is the last "
                          f"message, epoch {self._broker.store.held.epoch} was held last. Waiting for a role.")
        await self._report()

    def _to_network(self, number: int, level: str, text: str, at: float) -> None:
        if self._link is not None:
            self._link.add_event(number, level, text, at)

    def _configure_log(self) -> None:
        problems = (*self._settings.problems, *self.log.configure(self._settings.log, self._directory))
        for problem in problems:
            self.log.standard(Event.CONFIGURATION_PROBLEM, problem)

    def _bind(self) -> None:
        self._ports = Ports(self._settings.ports, lambda: Session(self._broker))
        try:
            self._ports.bind()
        except PortError as error:
            raise Exit(ExitCode.PORT_IN_USE, Event.TLS_INVALID if error.tls else Event.PORT_UNABLE_TO_OPEN,
                       str(error)) from error

    def _open(self, data: Path) -> None:
        try:
            store = Store(data, self._settings.retention)
            reader = Reader(data)
        except StoreLocked as error:
            raise Exit(ExitCode.ALREADY_RUNNING, Event.APPLICATION_LOCKED, f"{self._settings.name} is already running "
                       f"here: {error}. Stop that process first.") from error
        except StoreError as error:
            raise Exit(ExitCode.STORE, Event.DB_UNABLE_TO_OPEN, f"The messages cannot be opened: {error}.") from error
        self._broker = Broker(self._settings, self.log, store, reader, self._broker_changed)
        self._broker.start()
        self.log.standard(Event.DB_OPENED, f"The messages in {data} are open.")

    # --- main loop ---------------------------------------------------------------------------------------

    async def _main_loop(self) -> None:
        tasks = [asyncio.create_task(work) for work in (
            self._link.run(self._take_configuration, self._take_grant), self._reports(), self._until_stopped())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

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

    async def _take_configuration(self, application: dict) -> None:
        try:
            new = settings.from_application(application)
        except settings.SettingsError as error:
            self.log.standard(Event.CONFIGURATION_PROBLEM, f"The changed configuration is not used: {error}")
            return
        if new == self._settings:
            return
        before, self._settings = self._settings, new
        if new.log != before.log or new.problems != before.problems:
            self._configure_log()
        self._broker.apply(new)
        self.log.standard(Event.CONFIGURATION_CHANGED, "The configuration was changed; logins, limits, retention and "
                          "log count from now on.")
        if new.ports != before.ports:
            self.log.standard(Event.CONFIGURATION_CHANGED, "The listening ports were changed: restart the server to "
                              "use them.")

    async def _take_grant(self, grant: Grant) -> None:
        if grant.role not in ("primary", "backup") or self._phase not in ("ready", "started"):
            return
        broker, was = self._broker, self._role
        if grant.role == "backup":
            await self._stop_serving()
        try:
            await broker.take_epoch(grant.role, grant.epoch, grant.record_version)
        except StaleEpoch as error:
            self.log.standard(Event.GRANT_REFUSED, f"A grant of the Solution Control is refused: {error}.")
            return
        except StoreError:
            self._waiting_grant = grant  # taken when the store works again
            return
        self._waiting_grant, self._role, self._phase, self._trouble = None, grant.role, "started", ""
        if was != grant.role:
            self._announce(grant)
        await self._serve_or_wait()
        await self._report()

    def _announce(self, grant: Grant) -> None:
        primary = grant.role == "primary"
        self.log.standard(Event.RUNMODE_PRIMARY if primary else Event.RUNMODE_BACKUP,
                          f"Run mode is {grant.role} in epoch {grant.epoch}: {grant.reason}")
        self.log.standard(Event.WARM_STANDBY_PRIMARY if primary else Event.WARM_STANDBY_BACKUP,
                          f"Warm Standby: this server is activated as {grant.role}.")

    async def _serve_or_wait(self) -> None:
        """Listen when primary; a port that cannot be opened is tried again with each report."""
        if self._role != "primary":
            return
        self._broker.serving = True
        try:
            opened = await self._ports.listen()
        except PortError as error:
            if self._trouble != str(error):
                self._trouble = str(error)
                self.log.standard(Event.PORT_UNABLE_TO_OPEN, self._trouble)
            return
        self._trouble = ""
        for port in opened:
            self.log.standard(Event.PORT_OPENED, f"Port {port.number} ({port.id}) is opened for clients.")

    async def _stop_serving(self) -> None:
        self._broker.serving = False
        try:
            await self._ports.stop_listening()
        except PortError as error:
            self.log.standard(Event.PORT_UNABLE_TO_OPEN, str(error))
        self._broker.close_clients("This server is the backup now. Connect to the other member of the pair.")

    # --- reports -----------------------------------------------------------------------------------------

    def _held(self) -> Held:
        held = self._broker.store.held
        return Held(held.epoch, held.record_version, self._role)

    def _broker_changed(self) -> None:
        if self._broker.unavailable:
            self.log.standard(Event.SERVICE_UNAVAILABLE, self._broker.unavailable)
        else:
            self.log.standard(Event.SERVICE_AVAILABLE, "Messages can be stored again.")
        self._changed.set()

    async def _reports(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REPORT_EVERY_S):
                    await self._changed.wait()
            self._changed.clear()
            if self._waiting_grant is not None and not self._broker.unavailable:
                await self._take_grant(self._waiting_grant)
            elif self._trouble and self._phase == "started":
                await self._serve_or_wait()
            await self._report()

    async def _report(self) -> None:
        broker = self._broker
        if broker is None:
            await self._link.report(Report(state=self._phase))
            return
        reason = broker.unavailable or self._trouble
        state = "service_unavailable" if reason and self._phase in ("ready", "started") else self._phase
        held = broker.store.held
        await self._link.report(Report(
            state=state, role=self._role, epoch=held.epoch, record_version=held.record_version, reason=reason,
            last_seq=broker.last_seq, digest=broker.digest.hex(), clients=broker.clients, ports=self._ports.state()))

    # --- shutdown ----------------------------------------------------------------------------------------

    async def _shutdown(self) -> None:
        if self._ports is not None:
            self._ports.close()
        if self._broker is not None:
            self._phase = "stopping"
            await self._report()
            await self._broker.stop(STOP_COMMIT_S)
            self.log.standard(Event.APP_STOPPED, f"{self._settings.name} is stopped.")
        if self._link is not None:
            await self._link.flush()
            await self._link.close()


"""The connection to the Configuration Server and Solution Control ("control").

The first contact decides whether the server starts at all; a connection that is lost later is made again, while the
server goes on in the role it holds.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from protocol import tls
from protocol.controls import FILE, NOT_LEADER, Controls
from protocol.messages import Configuration, Event, Message, Report
from protocol.wire import Channel, RefusedError, UntrustedError, WireError, dial

from . import VERSION, log, system
from .exits import Exit, ExitCode
from .ownership import Held

SECRET_FILE_VARIABLE = "PAIRWISE_APPLICATION_SECRET_FILE"
SECRET_FILE = "application.secret"
CA_FILE_VARIABLE = "PAIRWISE_CONSOLE_CA_FILE"
CA_FILE = "console-ca.pem"
RETRY_FIRST_S, RETRY_MAX_S = 0.1, 1.0
TAKEOVER_S = 15.0
"""While a control answers that it does not lead, another one is about to; a start waits for it so long."""
EVENTS_MAX = 1000
"""Events kept while control is away; the oldest are dropped first."""

_REFUSALS = {3007: ExitCode.APPLICATION_NOT_FOUND, 6052: ExitCode.APPLICATION_NOT_FOUND,
             3008: ExitCode.ALREADY_RUNNING}


@dataclass(frozen=True)
class Address:
    """Where the Configuration Server listens, and as which application we come; without a ``context`` it is dialled
    without TLS."""

    host: str
    port: int
    application: str
    context: ssl.SSLContext | None = None

    def controls(self, directory: Path | None = None) -> Controls:
        """This address, and those that a server with this working directory has learnt."""
        return Controls([(self.host, self.port)], directory / FILE if directory else None)


def read_secret(directory: Path) -> str:
    """The application's secret. Raises Exit when the file is missing, empty or open to others."""
    path = Path(os.environ.get(SECRET_FILE_VARIABLE) or directory / SECRET_FILE)
    try:
        with open(path, encoding="utf-8") as file:
            # Windows keeps access lists instead; these bits say nothing there.
            shared = not system.WINDOWS and os.fstat(file.fileno()).st_mode & 0o077
            secret = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise _unusable(f"The application's secret cannot be read from {path}: {reason}. Install the application "
                        f"again, or name the file in {SECRET_FILE_VARIABLE}.") from error
    if shared:
        raise _unusable(f"The secret in {path} can be read by others: run chmod 600 on it.")
    if not secret:
        raise _unusable(f"The secret file {path} is empty. Install the application again.")
    return secret


def control_context(directory: Path) -> ssl.SSLContext | None:
    """Verifies control by the authority that this host's agent names, else by the one beside the secret; None where
    there is none: control is without TLS. Raises Exit."""
    given = os.environ.get(CA_FILE_VARIABLE)
    beside = directory / CA_FILE
    if given == "" or (given is None and not beside.exists()):
        return None
    # The agent's own file is the newer one, but the account that this server logs on as may not reach it.
    path = Path(given) if given and (os.access(given, os.R_OK) or not beside.exists()) else beside
    try:
        return tls.client_context(path)
    except tls.TlsError as error:
        raise _unusable(f"The Configuration Server cannot be verified by {error}. Install the application again, or "
                        f"name the file of the console's authority in {CA_FILE_VARIABLE}.") from error


def _unusable(sentence: str) -> Exit:
    return Exit(ExitCode.USAGE, log.Event.APP_INIT_FAILED, sentence)


def started_ticks() -> int:
    """Start of this process in clock ticks since boot; with the pid it names the process for ever. 0 on Windows."""
    if system.WINDOWS:
        return 0
    with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
        return int(file.read().rpartition(")")[2].split()[19])


async def first_contact(address: Address, secret: str, held: Held, *, purpose: str,
                        controls: Controls) -> tuple[Channel, Configuration]:
    """Connect to the control that leads and get the Configuration. Raises Exit with the code and event number that name
    the trouble."""
    give_up_at = time.monotonic() + TAKEOVER_S
    while True:
        troubles = []
        for _ in range(len(controls)):
            try:
                channel, configuration = await _contact(controls.current, address, secret, held, purpose=purpose)
            except Exit as trouble:
                if trouble.code is not ExitCode.NO_CONFIGURATION_SERVER:
                    raise
                troubles.append(trouble)
                if isinstance(trouble.__cause__, RefusedError):
                    controls.hear(trouble.__cause__.controls)
                controls.failed()
            else:
                controls.worked()
                controls.learn(configuration.application.get("controls"))
                return channel, configuration
        if all(trouble.event != NOT_LEADER for trouble in troubles) or time.monotonic() > give_up_at:
            raise troubles[0]
        await asyncio.sleep(RETRY_MAX_S / 2)


async def _contact(control: tuple[str, int], address: Address, secret: str, held: Held, *,
                   purpose: str) -> tuple[Channel, Configuration]:
    where = f"{control[0]}:{control[1]}"
    try:
        channel = await _dial(control, address, secret, held, purpose=purpose)
        try:
            message = await channel.receive()
        except WireError:
            channel.abort()
            raise
    except RefusedError as error:
        if error.event == NOT_LEADER:
            raise Exit(ExitCode.NO_CONFIGURATION_SERVER, NOT_LEADER, f"The Configuration Server at {where} does not "
                       "lead, and none that does was found. Start the other one.") from error
        raise Exit(_REFUSALS.get(error.event, ExitCode.REFUSED), error.event or log.Event.APP_INIT_FAILED,
                   str(error)) from error
    except WireError as error:
        raise Exit(ExitCode.REFUSED, 3000, f"The Configuration Server at {where} cannot be used: {error}.") from error
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "strerror", None) or "no answer in time"
        raise Exit(ExitCode.NO_CONFIGURATION_SERVER, 3000, f"No Configuration Server at {where}: {reason}. Start it, "
                   "or correct -host and -port.") from error
    if not isinstance(message, Configuration):
        channel.abort()
        raise Exit(ExitCode.REFUSED, 6052, f"The Configuration Server at {where} sent {message.type} instead of the "
                   "configuration of the application.")
    return channel, message


async def _dial(control: tuple[str, int], address: Address, secret: str, held: Held, *, purpose: str) -> Channel:
    return await dial(*control, kind="application", name=address.application, secret=secret,
                      context=address.context, purpose=purpose, version=VERSION, host=socket.gethostname(),
                      pid=os.getpid(), started=started_ticks(), epoch=held.epoch,
                      record_version=held.record_version, role=held.role)


class Link:
    """The connection while the server runs. ``held`` tells what to say in a new Hello."""

    def __init__(self, address: Address, controls: Controls, secret: str, channel: Channel, held: Callable[[], Held],
                 logger: "log.Log"):
        self._address, self._controls = address, controls
        self._secret, self._held, self._log = secret, held, logger
        self._channel: Channel | None = channel
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)
        self._refusal = ""

    @property
    def connected(self) -> bool:
        return self._channel is not None

    async def run(self, take: Callable[[Message], Awaitable[None]]) -> None:
        """Take what control says, for ever; connect again whenever the connection is lost."""
        while True:
            try:
                message = await self._channel.receive()
            except WireError as error:
                self._channel.abort()
                self._channel = None
                self._log.standard(log.Event.CONNECTION_LOST, f"The connection to the Configuration Server is lost: "
                                   f"{error}. The server goes on in its role and connects again.")
                await self._connect_again()
                continue
            if isinstance(message, Configuration):
                self._controls.learn(message.application.get("controls"))
            await take(message)

    async def _connect_again(self) -> None:
        wait_s = RETRY_FIRST_S
        while self._channel is None:
            # Of several controls the one that was lost comes last: it may swallow the attempt for seconds.
            self._controls.failed()
            await asyncio.sleep(wait_s)
            wait_s = min(RETRY_MAX_S, wait_s * 2)
            try:
                self._channel = await _dial(self._controls.current, self._address, self._secret, self._held(),
                                            purpose="serve")
            except RefusedError as error:
                self._controls.hear(error.controls)
                if str(error) != self._refusal and error.event != NOT_LEADER:
                    self._refusal = str(error)
                    self._log.standard(error.event or log.Event.CONNECTION_LOST,
                                       f"The Configuration Server refuses this server: {error}")
            except UntrustedError as error:
                if str(error) != self._refusal:
                    self._refusal = str(error)
                    self._log.standard(log.Event.TLS_FAILED, f"The Configuration Server at {self._address.host} is not "
                                       f"trusted: {error}.")
            except (OSError, TimeoutError):
                pass  # still away: the loss itself was logged
        self._refusal = ""
        self._controls.worked()
        host, port = self._controls.current
        self._log.standard(log.Event.CONNECTED, "The server is connected to the Configuration Server at "
                           f"{host}:{port}.")

    async def send(self, message: Message) -> None:
        """Send if connected; a broken connection shows in ``run``."""
        if (channel := self._channel) is not None:
            with contextlib.suppress(WireError):
                await channel.send(message)

    async def report(self, report: Report) -> None:
        """Send the events that wait, then ``report``."""
        await self.flush()
        await self.send(report)

    async def flush(self) -> None:
        """Send the events that wait."""
        while self._events and self._channel is not None:
            await self.send(self._events.popleft())

    def add_event(self, number: int, level: str, text: str, at: float) -> None:
        """Queue a log event for the console's timeline."""
        self._events.append(Event(number=number, level=level, text=text, at=at))

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

"""The connection to the Configuration Server and Solution Control ("control").

The first contact decides whether the server starts at all; a connection that is lost later is made again, while the
server goes on in the role it holds.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable

from protocol.controls import NOT_LEADER, Controls
from protocol.message import Message
from protocol.opening_messages import SPEAKS
from protocol.pauses import pauses
from protocol.server_messages import Configuration, Event, Report
from protocol.wire import Channel, RefusedError, UntrustedError, WireError, dial

from . import log
from .contact import Address, Search, introduction
from .exits import Exit
from .ownership import Held
from .reports import Reports

EVENTS_MAX = 1000
"""Events kept while control is away; the oldest are dropped first."""


async def first_contact(address: Address, secret: str, held: Held, controls: Controls) -> tuple[Channel, Configuration]:
    """Connect to the control that leads and get the Configuration. Raises Exit with the code and event number that name
    the trouble."""
    search = Search(controls)
    while True:
        channel = None
        try:
            channel = await _dial(controls.current, address, secret, held)
            message = await channel.receive()
        except (OSError, TimeoutError) as error:
            if channel is not None:
                channel.abort()
            await asyncio.sleep(search.failed(error))
            continue
        try:
            return channel, search.found(message)
        except Exit:
            channel.abort()
            raise


async def _dial(control: tuple[str, int], address: Address, secret: str, held: Held) -> Channel:
    return await dial(*control, kind="application", name=address.application, secret=secret, context=address.context,
                      purpose="serve", epoch=held.epoch, record_version=held.record_version, role=held.role,
                      generation=held.generation, speaks=SPEAKS, **introduction())


class Link:
    """The connection while the server runs. ``held`` tells what to say in a new Hello."""

    def __init__(self, address: Address, controls: Controls, secret: str, channel: Channel, held: Callable[[], Held],
                 logger: "log.Log"):
        self._address, self._controls = address, controls
        self._secret, self._held, self._log = secret, held, logger
        self._channel: Channel | None = channel
        self._telling = Reports(channel.report_s)
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)
        self._refusal = ""

    @property
    def connected(self) -> bool:
        return self._channel is not None

    async def run(self, take: Callable[[Message], Awaitable[None]]) -> None:
        """Take what control says, for ever; connect again whenever the connection is lost."""
        while True:
            if (channel := self._channel) is None:
                await self._connect_again()
                continue
            try:
                message = await channel.receive()
            except WireError as error:
                channel.abort()
                self._channel = None
                self._log.standard(log.Event.CONNECTION_LOST, f"The connection to the Configuration Server is lost: "
                                   f"{error}. The server goes on in its role and reconnects.")
                continue
            if isinstance(message, Configuration):
                self._controls.learn(message.application.get("controls"))
            await take(message)

    async def _connect_again(self) -> None:
        for wait_s in pauses():
            # Of several controls the one that was lost comes last: it may swallow the attempt for seconds.
            self._controls.failed()
            await asyncio.sleep(wait_s)
            try:
                channel = await _dial(self._controls.current, self._address, self._secret, self._held())
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
            else:
                self._go_on_with(channel)
                return

    def _go_on_with(self, channel: Channel) -> None:
        self._channel, self._refusal, self._telling = channel, "", Reports(channel.report_s)
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
        """Send the events that wait, then what is new in ``report``."""
        await self.flush()
        if self._channel is not None and (news := self._telling.next(report, time.monotonic())) is not None:
            await self.send(news)

    async def flush(self) -> None:
        """Send the events that wait."""
        while self._events and self._channel is not None:
            await self.send(self._events.popleft())

    def add_event(self, event: Event) -> None:
        """Queue a log event for the console's timeline."""
        self._events.append(event)

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

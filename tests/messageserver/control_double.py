"""A control as a server sees it: gives one application its configuration, and grants."""

import ssl
import threading
from collections.abc import Callable

from protocol.messages import Configuration, Event, Grant, Hello, Message, Probed, Report
from protocol.wire import Channel, Opening
from tests.doubles.control import WAIT_S, ControlInThread

SECRET = "a-secret-of-the-tests"


class ControlDouble(ControlInThread):
    """``application`` is what it answers with; ``auto_grant`` names the role that a server gets once it is ready. With
    a ``context`` it speaks TLS."""

    def __init__(self, application: dict, *, auto_grant: str = "primary", secret: str = SECRET, port: int = 0,
                 context: ssl.SSLContext | None = None):
        self.application, self.auto_grant, self.secret = application, auto_grant, secret
        self.refuse: tuple[str, int] | None = None
        self.epoch = 0
        self.hellos: list[Hello] = []
        self.reports: list[Report] = []
        self.events: list[Event] = []
        self.probed: list[Probed] = []
        self._changed = threading.Condition()
        self._channels: set[Channel] = set()
        self._granted: set[Channel] = set()
        super().__init__(port, context=context)

    # --- called by the tests -----------------------------------------------------------------------------

    def grant(self, role: str, epoch: int | None = None, record_version: int = 1) -> int:
        """Send a Grant to every connected server; the epoch of it (by default the next one)."""
        self.epoch = epoch if epoch is not None else self.epoch + 1
        self.send(Grant(role=role, epoch=self.epoch, record_version=record_version, reason="The test says so."))
        return self.epoch

    def send(self, message: Message) -> None:
        self.call(self._send(message))

    def configure(self, application: dict) -> None:
        """Change the configuration, as an administrator's save does."""
        self.application = application
        self.send(Configuration(application=application))

    def wait(self, condition: Callable[[], object], timeout_s: float = WAIT_S):
        """Wait until ``condition()`` is true, checked after everything that arrives; its value."""
        with self._changed:
            if not self._changed.wait_for(condition, timeout_s):
                raise AssertionError(f"not within {timeout_s} s; last reports: {self.reports[-3:]}; events: "
                                     f"{[(e.number, e.text) for e in self.events[-5:]]}")
            return condition()

    def wait_report(self, timeout_s: float = WAIT_S, **fields) -> Report:
        """The first Report from now on (or the last one) whose fields have these values."""
        seen = max(0, len(self.reports) - 1)

        def found():
            return next((r for r in self.reports[seen:] if all(getattr(r, k) == v for k, v in fields.items())), None)

        return self.wait(found, timeout_s)

    def wait_event(self, number: int, timeout_s: float = WAIT_S) -> Event:
        return self.wait(lambda: next((e for e in self.events if e.number == number), None), timeout_s)

    # --- in the loop's thread ----------------------------------------------------------------------------

    async def _send(self, message: Message) -> None:
        for channel in tuple(self._channels):
            await channel.send(message)

    def _note(self, store: list, item) -> None:
        with self._changed:
            store.append(item)
            self._changed.notify_all()

    async def meet(self, opening: Opening) -> None:
        channel = await self._open(opening)
        if channel is not None:
            try:
                await self._listen_to(channel)
            finally:
                self._channels.discard(channel)
                # At once, as what it has written may not wait for a server that does not read.
                channel.abort()
                await channel.close()

    async def _open(self, opening: Opening) -> Channel | None:
        hello = opening.hello
        if self.refuse is not None:
            await opening.refuse(self.refuse[0], event=self.refuse[1])
            return None
        if hello.name != self.application["name"] or not opening.proves(self.secret):
            await opening.refuse(f"The application {hello.name} does not exist.", event=3007)
            return None
        channel = await opening.accept(self.secret)
        await channel.send(Configuration(application=self.application))
        if hello.purpose == "serve":
            self._channels.add(channel)
        self._note(self.hellos, hello)
        return channel

    async def _listen_to(self, channel: Channel) -> None:
        while True:
            message = await channel.receive()
            if isinstance(message, Report):
                self._note(self.reports, message)
                if message.state == "ready" and self.auto_grant and channel not in self._granted:
                    self._granted.add(channel)
                    self.epoch = max(self.epoch, message.epoch) + 1
                    await channel.send(Grant(role=self.auto_grant, epoch=self.epoch, record_version=1,
                                             reason="It is the only one."))
            elif isinstance(message, Event):
                self._note(self.events, message)
            elif isinstance(message, Probed):
                self._note(self.probed, message)

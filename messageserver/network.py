"""The output ``network`` of ``[log]``: what goes there becomes a log record of the pair that takes those of this server
and, from level Standard on, an event of the console's timeline."""

import ssl
from dataclasses import replace
from pathlib import Path

from protocol import tls
from protocol.events import Own, level_of
from protocol.log_publisher import Publisher, log_to
from protocol.log_queue import FILE, LogQueue
from protocol.log_records import LogRecord, numbered
from protocol.server_messages import Event

from .link import Link
from .log import Level, Log
from .settings import Settings

TYPE = "Message Server"
LEVELS = {Level.TRACE: "trace", Level.INTERACTION: "interaction"}
SOURCE = {"source": "server"}
"""Attributes of the record of an event; those that the console publishes of its timeline have the same. It is the event
then that raises alarms."""


class Network:
    """``context`` verifies control, and a secured port of the pair where no ``trusted-ca`` of a port of this server
    does."""

    def __init__(self, directory: Path, link: Link, context: ssl.SSLContext | None, log: Log, settings: Settings):
        self._link, self._context, self._log, self._settings = link, context, log, settings
        self._queue = LogQueue(directory / FILE, self._most)
        self._publisher = Publisher(self._queue, self._signed, self._say, self._trust)
        log.network = self._tell

    def configure(self, settings: Settings) -> None:
        """Go by ``settings`` from now on."""
        self._settings = settings
        self._queue.most = self._most
        self._publisher.direct(log_to(settings.log_to))

    @property
    def _most(self) -> int:
        return int(self._settings.log["ms-buffer-size"])

    async def run(self) -> None:
        """Publish what waits, until cancelled."""
        await self._publisher.run()

    def _tell(self, number: int, level: Level, text: str, at: float) -> None:
        # In whole milliseconds, so that an event and its record are of one time, by which alarms know them as the same.
        is_event, once, at_ms = level >= Level.STANDARD, "", int(at * 1000)
        if self._publisher.publishes:
            # As control says of it, whose word of the same event may come first.
            name = level_of(number) if is_event else LEVELS[level]
            once = self._publisher.put(LogRecord(numbered(number), name, "", text, at_ms=at_ms,
                                                 attributes=SOURCE if is_event else {}))
        if is_event:
            self._link.add_event(Event(number=number, level="standard", text=text, at=at_ms / 1000, once=once))

    def _signed(self, record: LogRecord) -> LogRecord:
        return replace(record, application=self._settings.name, type=TYPE, host=self._settings.host)

    def _say(self, sentence: str) -> None:
        self._log.standard(Own.RECORDS_WAIT, sentence, published=False)

    def _trust(self) -> ssl.SSLContext:
        """Raises TlsError."""
        for port in self._settings.ports:
            if authority := port.transport.get("trusted-ca"):
                return tls.client_context(authority, port.transport.get("certificate", ""),
                                          port.transport.get("certificate-key", ""))
        return self._context or ssl.create_default_context()

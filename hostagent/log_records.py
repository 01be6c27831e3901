"""What the agent logs, as log records of the centralized log: what only informs is of level Trace."""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from protocol.events import STANDARD, Own, written
from protocol.log_logins import AGENT, AGENT_TYPE, agent_host
from protocol.log_publisher import Publisher, log_to
from protocol.log_queue import FILE, LogQueue
from protocol.log_records import LogRecord

from .config import AgentConfig
from .trust import control_context

MOST = 2048
"""So many records wait while nobody takes them, as of a server that sets nothing else."""
TRACE = "trace"
log = logging.getLogger(__name__)
_OF_AGENT = logging.getLogger(__package__)
"""What libraries say, asyncio of a connection among them, may be brought about by publishing."""


class LogRecords(logging.Handler):
    """``direct`` says where they go; until then there are none."""

    def __init__(self, config: AgentConfig):
        super().__init__(logging.INFO)
        self._config, self._loop = config, asyncio.get_running_loop()
        self._host = config.host
        self._publisher = Publisher(LogQueue(config.state_dir / FILE, MOST), self._signed, self._say, self._trust)

    def direct(self, said: Mapping[str, Any]) -> None:
        """Go by what control said (``Supervised.log_to``)."""
        to = log_to(said)
        if to is not None:
            # The console may have given it another name than the one in agent.json.
            self._host = agent_host(to.targets[0].login) or self._config.host
        self._publisher.direct(to)

    async def run(self) -> None:
        """Publish what is logged, until cancelled."""
        _OF_AGENT.addHandler(self)
        try:
            await self._publisher.run()
        finally:
            _OF_AGENT.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        # What is said of publishing would bring about the next one.
        if record.name != __name__ and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, record)

    def _put(self, record: logging.LogRecord) -> None:
        if self._publisher.publishes:
            level = STANDARD if record.levelno >= logging.WARNING else TRACE
            self._publisher.put(LogRecord(written(Own.AGENT_SAID), level, "", record.getMessage(),
                                          at_ms=int(record.created * 1000)))

    def _signed(self, record: LogRecord) -> LogRecord:
        return replace(record, application=AGENT, type=AGENT_TYPE, host=self._host)

    def _say(self, sentence: str) -> None:
        log.warning("%s", sentence)

    def _trust(self) -> ssl.SSLContext:
        """Raises TlsError."""
        return control_context(self._config) or ssl.create_default_context()

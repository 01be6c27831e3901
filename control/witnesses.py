"""Who keeps how far the history of control's database has come (generations.py): servers, agents, and this machine, in
a file beside the databases."""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from pathlib import Path

from protocol.beats import next_beat
from protocol.events import Own, level_of
from protocol.files import write_atomically
from protocol.messages import Generation

from .facts import EventRow
from .generations import TOKEN_MAX
from .ledger import Ledger
from .live import LiveHost, World
from .pairs import Pairs
from .writer import Writer

log = logging.getLogger(__name__)

TELL_S = 0.5
"""Agents hear so often that the record has gone on."""
FILE = "control-generation"
"""In the data directory of each control."""


class Witnesses:
    """What they say when they connect, and what agents are told."""

    def __init__(self, world: World, ledger: Ledger, pairs: Pairs, writer: Writer):
        self._world, self._ledger, self._pairs, self._writer = world, ledger, pairs, writer
        self._file: Path | None = None

    async def heard(self, who: str, token: str) -> None:
        """A peer that has proven itself, ``who`` in words, keeps ``token``: it may know of more than control's database
        does. Raises DatabaseAway."""
        if not token or not await self._ledger.hear(token):
            return
        log.error("an older copy of control's database was put back: %s remembers more than it knows", who)
        self._writer.put_event(EventRow(
            at=datetime.now(UTC), number=Own.RESTORED, level=level_of(Own.RESTORED),
            text=f"An older copy of control's database was put back: {who} remembers more than it knows. Nothing is "
            "decided about a pair until all its members are there and agree with the record, or until somebody says "
            "under Restored Database which server goes on."))
        self._pairs.doubt()

    def tell(self, *hosts: LiveHost) -> None:
        """Let the agents of ``hosts`` keep how far the record has come. While some of it is doubted they keep what they
        know: the newer database may be put back."""
        if self._ledger.doubted():
            return
        message = Generation(token=self._ledger.token)
        for host in hosts:
            if host.peer is not None and host.hello is not None and host.hello.speaks:
                host.post(message)

    async def remember(self, directory: Path) -> None:
        """Hear what this machine keeps in ``directory``, and keep it there from now on. Raises DatabaseAway."""
        self._file = directory / FILE
        with contextlib.suppress(OSError, ValueError):
            await self.heard("this machine", (await asyncio.to_thread(self._file.read_text, "ascii"))[:TOKEN_MAX])

    async def run(self) -> None:
        """Tell all agents whenever the record has gone on, until cancelled."""
        told = 0
        while True:
            await next_beat(TELL_S)
            if self._ledger.position != told:
                told = self._ledger.position
                self.tell(*self._world.hosts.values())
                await self._keep()

    async def _keep(self) -> None:
        if self._file is None or self._ledger.doubted():
            return
        try:
            await asyncio.to_thread(write_atomically, self._file, self._ledger.token.encode("ascii"))
        except OSError as error:
            # It is one witness of many, and the next position is written again.
            log.warning("%s cannot be written: %s", self._file, error.strerror or error)

"""Signs of life of the servers that this agent started: says which of them hang."""

import asyncio
import hashlib
import logging
from pathlib import Path

from protocol.beats import next_beat

from .processes import Processes
from .signs import Signs, Silence

log = logging.getLogger(__name__)

LOOK_S = 1.0
ASKED_WITHIN_S = 3.0
"""Servers are asked for a sign of life within so many seconds; the shortest heartbeat-period."""


class Heartbeats:
    """The address for signs is made of ``state_dir``, so servers go on showing life to the next agent."""

    def __init__(self, state_dir: Path):
        name = f"pairwise-agent-{hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:16]}"
        self._signs: Signs | None = None
        try:
            self._signs = Signs(name)
        except OSError as error:
            log.warning("Servers that hang are not noticed: signs of life cannot be heard (%s).", error)
        self._loop = asyncio.get_running_loop()
        self._silence = Silence(LOOK_S, self._loop.time())
        self._heard: set[int] = set()
        self._known: set[int] = set()
        self._crowded = False

    @property
    def environment(self) -> dict[str, str]:
        """What asks a server for signs of life."""
        return self._signs.environment(ASKED_WITHIN_S) if self._signs is not None else {}

    async def run(self, processes: Processes) -> None:
        """Until cancelled."""
        if self._signs is not None:
            self._loop.add_reader(self._signs, self._hear)
        while True:
            self._look(processes, self._loop.time())
            await next_beat(LOOK_S)

    def close(self) -> None:
        if self._signs is not None:
            self._loop.remove_reader(self._signs)
            self._signs.close()

    def _hear(self) -> None:
        if self._signs is not None:
            self._heard |= self._signs.read()

    def _look(self, processes: Processes, now: float) -> None:
        crowded = self._signs is not None and self._signs.were_crowded()
        if crowded and not self._crowded:
            log.warning("So much is sent to the address for signs of life that some may be lost: servers that hang are "
                        "not noticed meanwhile.")
        self._crowded = crowded
        self._silence.look(now, crowded=crowded)
        heard, self._heard = self._heard, set()
        watched = processes.watched()
        for pid in self._known - watched.keys():
            self._silence.forget(pid)
        self._known = set(watched)
        for pid, (name, period_s) in watched.items():
            if pid in heard:
                self._silence.expect(pid, now)
                processes.shows_life(name)
            elif 0 < period_s < (silent_s := self._silence.silent_s(pid, now)):
                processes.hangs(name, silent_s)

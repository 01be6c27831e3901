"""What a server does by itself every second: recovers its store, keeps retention, watches disk and clock."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from protocol.beats import next_beat
from protocol.events import Own

from . import system
from .log import Log
from .ownership import StoreError
from .retention import Removal
from .standing import Mode

if TYPE_CHECKING:
    from .broker import Broker

HOUSEKEEPING_S = 1.0
FILL_S = 0.1
DISK_EVERY_S = 10.0
SAY_TRIMMED_S = 60.0
"""What retention removes is told about so often."""
JUMP_S = 10.0
"""A clock that is moved by more than this has jumped; less is what keeping the time takes."""


class Trimmings:
    """What retention removed since it was told last, by reason."""

    def __init__(self, log: Log):
        self._log = log
        self._waiting: dict[str, tuple[int, int]] = {}
        self._said_at = -SAY_TRIMMED_S

    def add(self, removal: Removal) -> None:
        first, _ = self._waiting.get(removal.reason, (removal.first, 0))
        self._waiting[removal.reason] = first, removal.last

    def settle(self, now: float) -> None:
        """Tell what waits, unless that was done a moment ago."""
        if not self._waiting or now - self._said_at < SAY_TRIMMED_S:
            return
        self._said_at = now
        for reason, (first, last) in self._waiting.items():
            which = f"Records {first} to {last} were" if last > first else f"Record {first} was"
            self._log.standard(Own.TRIMMED, f"{which} removed: {reason}.")
        self._waiting.clear()


class ClockWatch:
    """Notices that the clock of the machine was moved. ``wall`` and ``real`` are seconds: what the clock shows, and
    what has really passed."""

    def __init__(self, wall: float, real: float):
        self._offset = wall - real

    def look(self, wall: float, real: float) -> float:
        """By how many seconds the clock was moved since the last look; 0 for not worth telling."""
        moved, self._offset = wall - real - self._offset, wall - real
        return moved if abs(moved) > JUMP_S else 0.0


class Housekeeping:
    """Of one broker. ``run`` never ends by itself: whatever the disk does is told as trouble of the store."""

    def __init__(self, broker: "Broker", log: Log):
        self._broker, self._log = broker, log
        self._trimmings = Trimmings(log)
        self._clock = ClockWatch(time.time(), system.since_boot())
        self.disk_is_silent = False
        self._disk_at = 0.0
        self.trim_there: Callable[[int, bool], Awaitable[bool]] | None = None
        """Lets a linked standby remove its records up to one; see Shipping."""
        self.trims_alone = False
        """This server stands by for an active one that does not tell what retention removes."""

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await next_beat(HOUSEKEEPING_S)
            self._broker.client_event.settle()
            self._look_at_clock()
            try:
                await self._keep()
            except StoreError as error:
                self._broker.storing.failed(error)
            self._trimmings.settle(loop.time())

    async def _keep(self) -> None:
        broker = self._broker
        await self._measure_disk()
        if broker.storing.unavailable:
            await broker.recover()
        await self._fill_places()
        while self._decides_on_trimming and (removal := await self._trim()) is not None:
            self._trimmings.add(removal)
            await asyncio.sleep(0)

    async def _fill_places(self) -> None:
        """What a former release stored is found as quickly as the rest after a while: FILL_S of every second are for
        that, or one step while clients wait. Raises StoreError."""
        broker, loop = self._broker, asyncio.get_running_loop()
        ends = loop.time() + FILL_S
        while await broker.storing.run(self._noted) and loop.time() < ends and not broker.waiting_bytes:
            await asyncio.sleep(0)

    def _noted(self) -> bool:
        """In the store's thread, in one turn; whether more places lack."""
        self._broker.store.note_age()
        return self._broker.store.fill_places()

    async def _measure_disk(self) -> None:
        """In the store's thread: asking a disk that hangs takes as long as writing to it."""
        broker, now = self._broker, asyncio.get_running_loop().time()
        if now >= self._disk_at:
            self._disk_at = now + DISK_EVERY_S
            broker.figures.disk_has(*await broker.storing.run(system.disk_space, broker.store.directory))

    @property
    def _decides_on_trimming(self) -> bool:
        """The active server decides what retention removes; its standby follows."""
        broker = self._broker
        return (broker.standing.mode != Mode.DEPOSED or self.trims_alone) and not broker.storing.unavailable

    async def _trim(self) -> Removal | None:
        """Remove some of what retention does not keep any more, at a standby that may be promoted first; what it was.
        None when there is nothing, or when the standby does not follow at the moment. Raises StoreError."""
        broker = self._broker
        removal = await broker.storing.run(broker.store.to_trim)
        if removal is None:
            return None
        counts = broker.standing.may_be_replaced
        if self.trim_there is not None:
            if not await self.trim_there(removal.last, counts):
                return None
        elif counts:
            return None  # the link is down, and control may still promote it
        if not self._decides_on_trimming:
            return None
        await broker.storing.run(broker.store.trim_to, removal.last)
        broker.first_seq = broker.store.first_seq
        return removal

    def followed(self, first: int, last: int) -> None:
        """The active server removed records ``first`` to ``last``, and so did this one."""
        self._trimmings.add(Removal(first, last, "the active server removed them"))

    def look_at_disk(self) -> None:
        """Called several times a second."""
        broker = self._broker
        silent_s, limit_s = broker.disk.silent_s, broker.settings.redundancy.standby_timeout_s
        if silent_s > limit_s:
            if not self.disk_is_silent:
                self.disk_is_silent = True
                broker.storing.disk_is_silent(silent_s)
                self._log.standard(Own.DISK_SILENT, broker.storing.unavailable)
        elif self.disk_is_silent and silent_s == 0:
            self.disk_is_silent = False
            self._log.standard(Own.DISK_ANSWERS, "The disk answers again.")

    def _look_at_clock(self) -> None:
        moved = self._clock.look(time.time(), system.since_boot())
        if moved:
            direction = "ahead" if moved > 0 else "back"
            self._log.standard(Own.CLOCK_JUMPED, f"The clock of this machine jumped {_in_words(abs(moved))} "
                               f"{direction}. Nothing is removed for it: ages count the time that has really passed.")


def _in_words(seconds: float) -> str:
    if seconds >= 2 * 86_400:
        return f"{seconds / 86_400:.0f} days"
    return f"{seconds / 3600:.0f} hours" if seconds >= 2 * 3600 else f"{seconds:.0f} s"

"""Pairs that nobody serves any more: told once that has lasted, unless whoever served last ends as asked."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from protocol.events import Own
from provisioning.states import ApplicationStatus, Mode

from .live import LiveApplication, World
from .status import ENDED

SETTLES_S = 3.0
"""So much longer than the detection time nobody may serve before it is told: a failover takes less."""


@dataclass
class Outage:
    """``since``: monotonic, None when it began before this control did. ``asked``: whoever served last ends as
    asked."""

    since: float | None
    asked: bool = False
    told: bool = False
    timer: asyncio.TimerHandle | None = None


class Outages:
    """``look`` whenever the status of a member is another one. ``tell(members, event, text)``."""

    def __init__(self, world: World, tell: Callable[[list[LiveApplication], Own, str], None], *, detection_s: float):
        self._world, self._tell, self._patience_s = world, tell, detection_s + SETTLES_S
        self._served_last: dict[int, int] = {}
        """{pair: the application that served last}."""
        self._outages: dict[int, Outage] = {}

    def begin(self) -> None:
        """Take over what the database says: whoever served when it was written, and pairs that nobody served then, of
        which a former control may have told."""
        for live in self._world.applications.values():
            if serves(live):
                self._served_last[live.pair_id] = live.facts.id
        for live in self._world.applications.values():
            if live.row is not None and live.row.served_until and live.pair_id not in self._served_last:
                self._outages[live.pair_id] = Outage(None, told=True)

    def close(self) -> None:
        for outage in self._outages.values():
            _stop(outage)

    def look(self, pair_id: int) -> None:
        members = self._world.members(pair_id)
        if len(members) < 2:
            self._forget(pair_id)
            return
        serving = next((live for live in members if serves(live)), None)
        if serving is not None:
            self._served_last[pair_id] = serving.facts.id
            self._over(members, serving)
        elif pair_id in self._served_last:
            self._goes_on(pair_id)

    def _forget(self, pair_id: int) -> None:
        self._served_last.pop(pair_id, None)
        if (outage := self._outages.pop(pair_id, None)) is not None:
            _stop(outage)

    def _over(self, members: list[LiveApplication], serving: LiveApplication) -> None:
        outage = self._outages.pop(serving.pair_id, None)
        if outage is None:
            return
        _stop(outage)
        if outage.told:
            after = "" if outage.since is None else f" after {time.monotonic() - outage.since:.1f} s without anybody"
            self._tell(members, Own.SERVES_AGAIN, f"{serving.facts.name} serves{after}.")

    def _goes_on(self, pair_id: int) -> None:
        outage = self._outages.get(pair_id)
        if outage is None:
            timer = asyncio.get_running_loop().call_later(self._patience_s, self._lasted, pair_id)
            outage = self._outages[pair_id] = Outage(time.monotonic(), timer=timer)
        last = self._world.applications.get(self._served_last[pair_id])
        outage.asked = outage.asked or (last is not None and ends_as_asked(last))

    def _lasted(self, pair_id: int) -> None:
        outage, members = self._outages.get(pair_id), self._world.members(pair_id)
        if outage is None or outage.told or outage.asked or len(members) < 2:
            return
        outage.told = True
        self._tell(members, Own.NOBODY_SERVES, nobody_serves(members))


def _stop(outage: Outage) -> None:
    if outage.timer is not None:
        outage.timer.cancel()


def serves(live: LiveApplication) -> bool:
    return (live.verdict.status, live.verdict.mode) == (ApplicationStatus.STARTED, Mode.PRIMARY)


def ends_as_asked(live: LiveApplication) -> bool:
    """It ends in good order, or its agent attests that somebody had asked for its end."""
    process = live.process
    return live.verdict.mode == Mode.EXITING or (process is not None and process.state in ENDED and process.planned)


def nobody_serves(members: list[LiveApplication]) -> str:
    names = " and ".join(live.facts.name for live in members)
    return f"Nobody of {names} serves any more: " + ", ".join(
        f"{live.facts.name} is {live.verdict.status}" for live in members) + "."

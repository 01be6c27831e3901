"""Places for what takes long: so many at a time, and so many of one address."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from protocol.strangers import Strangers

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
REQUESTS, SIGN_INS, WAIT_S = 64, 4, 10.0
"""Requests at work at once, and those of them that have a password to be looked at, which takes memory; who finds no
place within WAIT_S is asked to come again."""
WAITING = 128
"""So many wait for each of these kinds of places; then the oldest of the address that has most is asked to come
again."""


class Refused(Exception):
    """``status`` and a sentence."""

    def __init__(self, status: HTTPStatus, sentence: str):
        super().__init__(sentence)
        self.status = status


class Places:
    """``many`` places for requests that are there as a whole, and WAITING for those that wait for one."""

    def __init__(self, many: int):
        self._free = asyncio.Semaphore(many)
        self._waiting: Strangers[asyncio.Timeout] = Strangers(lambda: WAITING)

    async def take(self, address: str) -> None:
        """Raises Refused when none was free within WAIT_S, or when it gave way to others that wait."""
        try:
            async with asyncio.timeout(WAIT_S) as limit:
                if self._free.locked():
                    self._wait(limit, address)
                await self._free.acquire()
        except TimeoutError:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "The console is busy with the requests of others. Try again "
                          "in a moment.") from None
        finally:
            self._waiting.gone(limit)

    def _wait(self, limit: asyncio.Timeout, address: str) -> None:
        gives_way = self._waiting.came(limit, address)
        if gives_way is not None and not gives_way.expired():
            gives_way.reschedule(0)

    def give_back(self) -> None:
        self._free.release()


class Place:
    """One of ``places``, from when the request is there until its answer begins: whoever sends or reads slowly holds
    none, nor does a stream."""

    def __init__(self, places: Places, address: str):
        self._places, self._address, self._taken = places, address, False

    async def take(self) -> None:
        """Raises Refused."""
        await self._places.take(self._address)
        self._taken = True

    def give_back(self) -> None:
        if self._taken:
            self._taken = False
            self._places.give_back()

    def until_answered(self, send: Send) -> Send:
        """``send``, which gives the place back when the answer begins."""
        async def sent(message: MutableMapping[str, Any]) -> None:
            self.give_back()
            await send(message)

        return sent

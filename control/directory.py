"""Who may connect, with which secret, and what they are told: read in bulk, kept, and followed when it changes.

A server or agent that comes back is answered from here, whatever the Configuration Database is doing (ADR 15).
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from . import objects
from .database import Database
from .facts import ApplicationPeer, HostPeer

READ_TOGETHER = 200
"""Most objects that one query reads; what is asked for meanwhile gathers for the next one."""
PATIENCE_S = 3.0
"""Somebody who waits to be let in is told that the database is away after so long."""
Key = TypeVar("Key")
Value = TypeVar("Value")


class Shelf(Generic[Key, Value]):
    """Objects of one kind. ``read`` gets some of them, by key, in the database thread; what it does not find is asked
    for again the next time."""

    def __init__(self, database: Database, read: Callable[[list[Key]], dict[Key, Value]]):
        self._database, self._read = database, read
        self._kept: dict[Key, Value] = {}
        self._asked: dict[Key, asyncio.Future[Value | None]] = {}
        self._being_read: frozenset[Key] = frozenset()
        self._reader: asyncio.Task[None] | None = None

    def __contains__(self, key: Key) -> bool:
        return key in self._kept

    async def get(self, key: Key, *, fresh: bool = False) -> Value | None:
        """The object, None when there is none; with ``fresh`` as it is now. Raises DatabaseAway."""
        if not fresh and key in self._kept:
            return self._kept[key]
        waiting = self._asked.get(key)
        if waiting is None:
            waiting = self._asked[key] = asyncio.get_running_loop().create_future()
            # Whoever asked may have gone meanwhile.
            waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
            if self._reader is None:
                self._reader = asyncio.create_task(self._read_all(), name="directory")
        return await asyncio.shield(waiting)

    async def close(self) -> None:
        """Read nothing any more."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def follow(self, keys: Iterable[Key]) -> dict[Key, Value]:
        """Read those of ``keys`` again that are kept, or about to be; as they are now, without those that are gone.

        Raises DatabaseAway."""
        keys = [key for key in keys if key in self._kept or key in self._asked or key in self._being_read]
        found = await asyncio.gather(*(self.get(key, fresh=True) for key in keys))
        return {key: value for key, value in zip(keys, found, strict=True) if value is not None}

    async def warm(self, keys: Iterable[Key]) -> None:
        """Read those of ``keys`` that are not kept yet. Raises DatabaseAway."""
        missing = [key for key in keys if key not in self._kept]
        for start in range(0, len(missing), READ_TOGETHER):
            await asyncio.gather(*(self.get(key) for key in missing[start : start + READ_TOGETHER]))

    async def _read_all(self) -> None:
        try:
            while self._asked:
                # One turn of the loop, so that all who came together are read together.
                await asyncio.sleep(0)
                part = dict(list(self._asked.items())[:READ_TOGETHER])
                for key in part:
                    # Whoever asks from now on may ask because of a change that this reading does not see.
                    del self._asked[key]
                self._being_read = frozenset(part)
                await self._read_part(part)
        finally:
            self._reader, self._being_read = None, frozenset()

    async def _read_part(self, part: dict[Key, asyncio.Future[Value | None]]) -> None:
        try:
            found = await self._database.run(self._read, list(part), patience_s=PATIENCE_S)
        except Exception as error:
            # Whatever it was: nobody may wait for ever.
            for waiting in part.values():
                waiting.set_exception(error)
            return
        for key, waiting in part.items():
            self._keep(key, found.get(key))
            waiting.set_result(found.get(key))

    def _keep(self, key: Key, value: Value | None) -> None:
        if value is None:
            self._kept.pop(key, None)
        else:
            self._kept[key] = value


class Directory:
    """Of applications and hosts by name, and what agents are told of their servers by id of the host."""

    def __init__(self, database: Database):
        self.applications: Shelf[str, ApplicationPeer] = Shelf(database, objects.application_peers)
        self.hosts: Shelf[str, HostPeer] = Shelf(database, objects.host_peers)
        self.supervised: Shelf[int, list[dict[str, Any]]] = Shelf(database, objects.supervised)

    async def warm(self, applications: Iterable[str], hosts: Iterable[str], host_ids: Iterable[int]) -> None:
        """Read what is not kept yet. Raises DatabaseAway."""
        await self.applications.warm(applications)
        await self.hosts.warm(hosts)
        await self.supervised.warm(host_ids)

    async def close(self) -> None:
        for shelf in (self.applications, self.hosts, self.supervised):
            await shelf.close()

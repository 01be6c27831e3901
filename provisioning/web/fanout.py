"""One reader of the stream of changes a process, for all tabs that follow it there."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable

from redis.exceptions import RedisError

from .stream_position import StreamTrouble, connect, entry_key, locate, missed, next_changes, tip

log = logging.getLogger(__name__)
BLOCK_S = 15.0
TOPICS_MAX = 2_000
"""Different topics that may wait for one tab."""


class TooSlow(Exception):
    """More waits for this tab than is kept for one. It comes back by its last event id."""


class Listener:
    """What waits for one tab: each topic once, however often it changed meanwhile."""

    def __init__(self):
        self.start, self.gap = "0-0", False
        """The id up to which the tab has everything; whether it may have missed something before."""
        self._last = "0-0"
        self._topics: dict[str, None] = {}
        self._news = asyncio.Event()
        self._end: Exception | None = None

    def begin(self, start: str, *, gap: bool, last: str = "0-0", topics: Iterable[str] = ()) -> None:
        """It has everything up to ``start``, and ``topics`` up to ``last`` come before what waits already."""
        self.start, self.gap = start, gap
        waiting, self._topics = self._topics, dict.fromkeys(topics)
        self.put(max(start, last, self._last, key=entry_key), waiting)

    def put(self, last: str, topics: Iterable[str]) -> None:
        """Topics of entries up to ``last``; what the tab has already may come again."""
        if self._end is not None:
            return
        self._last = last
        self._topics.update(dict.fromkeys(topics))
        if len(self._topics) > TOPICS_MAX:
            self.end(TooSlow())
        elif self._topics:
            self._news.set()

    def end(self, why: Exception) -> None:
        self._topics.clear()
        self._end = why
        self._news.set()

    async def next(self, within_s: float) -> tuple[str, list[str]]:
        """The last id and the topics up to it, none when nothing came in time. Raises StreamTrouble, TooSlow."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._news.wait()
        if self._end is not None:
            raise self._end
        self._news.clear()
        topics, self._topics = list(self._topics), {}
        return self._last, topics


class Reader:
    """Follows the stream until ``close``, or until Redis is away; then all its listeners are told."""

    def __init__(self, url: str):
        self.client = connect(url)
        self.listeners: set[Listener] = set()
        self.trouble: StreamTrouble | None = None
        self._following = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    async def follows(self) -> None:
        """From now on whatever comes reaches every listener. Raises StreamTrouble."""
        await self._following.wait()
        if self.trouble is not None:
            raise self.trouble

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        try:
            after = await tip(self.client)
            self._following.set()
            while True:
                after, topics = await next_changes(self.client, after, block_s=BLOCK_S)
                for listener in tuple(self.listeners) if topics else ():
                    listener.put(after, topics)
        except Exception as error:
            if not isinstance(error, StreamTrouble):
                log.exception("The reader of changes has ended; the next page starts another one.")
            self.trouble = error if isinstance(error, StreamTrouble) else StreamTrouble("Changes cannot be followed.")
            self._following.set()
            for listener in self.listeners:
                listener.end(self.trouble)
        finally:
            with contextlib.suppress(RedisError, OSError):
                await self.client.aclose()


class Fanout:
    """The reader, while there is a tab that it reads for."""

    def __init__(self):
        self._reader: Reader | None = None

    @contextlib.asynccontextmanager
    async def listen(self, url: str, *, last_event_id: str = "", since_ms: str = "") -> AsyncIterator[Listener]:
        """A tab's listener, with what it missed. Raises StreamTrouble."""
        if self._reader is None or self._reader.trouble is not None:
            self._reader = Reader(url)
        reader, listener = self._reader, Listener()
        reader.listeners.add(listener)
        try:
            await reader.follows()
            await self._catch_up(reader, listener, last_event_id, since_ms)
            yield listener
        finally:
            reader.listeners.discard(listener)
            if not reader.listeners:
                if self._reader is reader:
                    self._reader = None
                await reader.close()

    @staticmethod
    async def _catch_up(reader: Reader, listener: Listener, last_event_id: str, since_ms: str) -> None:
        """Put before what came since the listener is there what it missed before; too much of that is a gap."""
        start = await locate(reader.client, last_event_id=last_event_id, since_ms=since_ms)
        last = start.after
        topics: dict[str, None] = {}
        async for last, some in missed(reader.client, start.after):  # noqa: B007
            topics |= dict.fromkeys(some)
        if len(topics) > TOPICS_MAX:
            listener.begin(last, gap=True)
        else:
            listener.begin(start.after, gap=start.gap, last=last, topics=topics)

"""What changed, as it happens: the Redis stream that ``signals.announce`` writes (``web.fanout`` follows it).

Says only *what* changed (``application:12``, ``jobs``); pages then fetch the fragment from the database. No ORM here:
the reader lives in the event loop of the web server.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from provisioning.core.signals import STREAM

BATCH = 500
CONNECT_S = 2.0
ANSWER_S = 5.0
"""How much longer than it was told to block Redis may take before it counts as away."""
OVERLAP_MS = 2_000
"""A page is rendered a moment before its stream opens; clocks of two machines differ a little as well."""
_ID = re.compile(r"\d{1,19}-\d{1,19}")
_MILLISECONDS = re.compile(r"\d{1,16}")


class StreamTrouble(Exception):
    """Redis cannot be read; ``str()`` is the sentence for the user."""


@dataclass(frozen=True)
class Position:
    """Where to read on. ``gap`` is True when changes after the asked position may be gone from the stream."""

    after: str
    gap: bool = False


def entry_key(entry_id: str) -> tuple[int, int]:
    """Order of stream ids: ``"12-3"`` → ``(12, 3)``."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def start_position(*, last_event_id: str, since_ms: str, first: str | None, tip: str) -> Position:
    """Where a tab starts to read.

    ``last_event_id`` is what EventSource saw last (or ""), ``since_ms`` when its page was made (Unix ms, or ""),
    ``first`` the oldest entry still in the stream (None when it is empty), ``tip`` the newest id ever given out.
    Anything malformed counts as not given. An id ahead of the tip is of a stream that was lost.
    """
    if _ID.fullmatch(last_event_id):
        if entry_key(last_event_id) > entry_key(tip):
            return Position(tip, gap=True)
        trimmed = first is None or entry_key(last_event_id) < entry_key(first)
        return Position(last_event_id, gap=trimmed and entry_key(last_event_id) != entry_key(tip))
    if _MILLISECONDS.fullmatch(since_ms):
        after = f"{max(0, int(since_ms) - OVERLAP_MS)}-0"
        return Position(min(after, tip, key=entry_key))
    return Position(tip)


async def _answer(call: Awaitable, within_s: float = ANSWER_S):
    """The answer of Redis. Raises StreamTrouble when it is away, silent or refuses."""
    try:
        async with asyncio.timeout(within_s):
            return await call
    except (RedisError, OSError, TimeoutError) as error:
        raise StreamTrouble("Redis does not answer, so changes cannot be followed as they happen.") from error


def connect(url: str) -> redis.Redis:
    """One connection for the reader, whose blocking reads must not meet a socket timeout, and one for all questions
    besides, which wait for each other."""
    return redis.Redis.from_pool(redis.BlockingConnectionPool.from_url(
        url, socket_timeout=None, socket_connect_timeout=CONNECT_S, decode_responses=True, retry=Retry(NoBackoff(), 0),
        max_connections=2, timeout=ANSWER_S))


async def tip(client: redis.Redis) -> str:
    """The newest id of the stream. Raises StreamTrouble."""
    newest = await _answer(client.xrevrange(STREAM, count=1))
    return newest[0][0] if newest else "0-0"


async def locate(client: redis.Redis, *, last_event_id: str = "", since_ms: str = "") -> Position:
    """Start position of a tab in the stream as it is now. Raises StreamTrouble."""
    newest = await tip(client)
    oldest = await _answer(client.xrange(STREAM, count=1))
    return start_position(last_event_id=last_event_id, since_ms=since_ms, first=oldest[0][0] if oldest else None,
                          tip=newest)


async def missed(client: redis.Redis, after: str) -> AsyncIterator[tuple[str, list[str]]]:
    """What is in the stream after ``after``: (id, topics) some at a time. Raises StreamTrouble."""
    while entries := await _answer(client.xrange(STREAM, min=f"({after}", count=BATCH)):
        after = entries[-1][0]
        yield after, _topics(entries)


async def next_changes(client: redis.Redis, after: str, *, block_s: float) -> tuple[str, list[str]]:
    """The last id read and the topics after ``after``, each once, in the order they came; ``(after, [])`` when
    nothing changed within ``block_s``. Raises StreamTrouble."""
    found = await _answer(
        client.xread({STREAM: after}, count=BATCH, block=max(1, int(block_s * 1000))), block_s + ANSWER_S)
    if not found:
        return after, []
    entries = next(iter(found.values()))[0] if isinstance(found, dict) else found[0][1]
    return entries[-1][0], _topics(entries)


def _topics(entries: list[tuple[str, dict]]) -> list[str]:
    return list(dict.fromkeys(fields["topic"] for _, fields in entries if fields.get("topic")))

"""Waiting for something for a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Answer = TypeVar("Answer")


async def within(seconds: float | None, work: Awaitable[Answer]) -> Answer:
    """What ``work`` gives or raises; it is cancelled after ``seconds``. Raises asyncio.TimeoutError.

    Before Python 3.12 asyncio.wait_for loses a cancellation that comes as ``work`` ends: a connection would stay open
    for which nobody waits any more."""
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait([task], timeout=seconds)
        if not done:
            raise asyncio.TimeoutError
        return task.result()
    finally:
        if not task.cancel() and not task.cancelled():
            task.exception()

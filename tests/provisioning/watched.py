"""What watches in the console, run in the test's own process."""

import asyncio
from contextlib import asynccontextmanager

from django.db import connections


def in_database(work):
    """What ``work`` returns, in a thread whose connections end with it."""
    try:
        return work()
    finally:
        connections.close_all()


async def done(work):
    return await asyncio.to_thread(in_database, work)


async def until(condition, within_s=20.0):
    async with asyncio.timeout(within_s):
        while not await done(condition):
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(*works):
    """They run in the block, and none of them ends by itself."""
    tasks = [asyncio.create_task(work.run()) for work in works]
    try:
        yield
        for task in tasks:
            assert not task.done(), task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

"""No part of a program ends unseen."""

import asyncio

import pytest

from protocol.tasks import Tasks, until_one_ends


async def test_the_error_of_a_task_is_told_and_the_end_of_one_that_is_done_or_cancelled_is_not():
    failures, told = [], asyncio.Event()
    tasks = Tasks(lambda error: (failures.append(error), told.set()))

    async def fails():
        raise OSError("the disk is gone")

    async def ends():
        return "done"

    cancelled = tasks.start(asyncio.Event().wait())
    assert await tasks.start(ends()) == "done"
    cancelled.cancel()
    tasks.start(fails())
    await told.wait()
    assert [str(error) for error in failures] == ["the disk is gone"]


async def test_at_the_end_none_goes_on():
    tasks = Tasks(lambda error: None)
    running = [tasks.start(asyncio.Event().wait()) for _ in range(3)]
    await asyncio.sleep(0)
    await tasks.end()
    assert all(task.cancelled() for task in running)


async def waits(ended):
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("cancelled")


async def test_of_works_beside_each_other_the_first_that_ends_ends_all_and_its_error_is_raised():
    async def fails():
        raise OSError("the peer is gone")

    ended = []
    with pytest.raises(OSError, match="the peer is gone"):
        await until_one_ends(waits(ended), fails(), waits(ended))
    assert ended == ["cancelled"] * 2


async def test_who_cancels_works_beside_each_other_cancels_all_of_them():
    ended = []
    together = asyncio.create_task(until_one_ends(waits(ended), waits(ended)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    together.cancel()
    with pytest.raises(asyncio.CancelledError):
        await together
    assert ended == ["cancelled"] * 2

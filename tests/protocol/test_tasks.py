"""No part of a program ends unseen."""

import asyncio

from protocol.tasks import Tasks


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

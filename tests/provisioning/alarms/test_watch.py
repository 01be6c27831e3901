"""The judge looks again and again, whatever a database does meanwhile."""


import pytest
from django.db import DatabaseError

from provisioning.alarms.worker import watch
from provisioning.alarms.worker.judging import Moved
from provisioning.alarms.worker.watch import Watch


async def steps(monkeypatch, *looks):
    """What the watch waits after each of ``looks``: what one returns or raises."""
    ended, left = [], iter(looks)

    def look():
        found = next(left)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(watch, "look", look)
    monkeypatch.setattr(watch, "end_old", lambda: ended.append(1))
    judge = Watch()
    waits = [await judge._step() for _ in looks]
    await judge._judge.end()
    return waits, len(ended)


async def test_it_goes_on_at_once_while_there_is_more_and_ends_old_ones_now_and_then(monkeypatch):
    assert await steps(monkeypatch, True, False, False) == ([0.0, watch.LOOK_S, watch.LOOK_S], 1)


async def test_it_outlives_a_database_that_is_away_and_another_judge(monkeypatch):
    assert await steps(monkeypatch, DatabaseError("away"), Moved(), False) == (
        [watch.AWAY_S, watch.LOOK_S, watch.LOOK_S], 1)


async def test_what_is_no_trouble_of_a_database_ends_it(monkeypatch):
    monkeypatch.setattr(watch, "look", lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        await Watch().run()

"""The judge looks again and again, whatever a database does meanwhile."""

import time

import pytest
from django.db import DatabaseError
from django.utils import timezone

from provisioning.alarms.selectors.happened import last_of_each
from provisioning.alarms.worker import watch
from provisioning.alarms.worker.judging import Moved
from provisioning.alarms.worker.watch import Watch
from provisioning.models import Event


async def steps(monkeypatch, *looks):
    """What the watch waits after each of ``looks``: what one returns or raises."""
    ended, left = [], iter(looks)

    def look():
        found = next(left)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(watch, "look", look)
    monkeypatch.setattr(watch, "last_of_each", lambda _: ([1], [1]))
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
    monkeypatch.setattr(watch, "last_of_each", lambda _: ([1], [1]))
    with pytest.raises(ZeroDivisionError):
        await Watch().run()


def test_it_asks_what_happened_once_something_did_and_now_and_then(monkeypatch):
    looked, there = [], [([1], [1])]
    monkeypatch.setattr(watch, "look", lambda: looked.append(there[0]))
    monkeypatch.setattr(watch, "last_of_each", lambda _: there[0])
    judge = Watch()
    judge._end_at = time.monotonic() + 60
    for there[0] in [([1], [1]), ([1], [1]), ([2, 1], [1]), ([2, 1], [1]), ([2, 1], []), ([2, 1], [])]:
        judge._look()
    assert looked == [([1], [1]), ([2, 1], [1]), ([2, 1], [])]
    judge._end_at = time.monotonic()
    judge._look()
    assert len(looked) == 4


def test_an_event_is_something_that_happened_also_one_that_is_seen_late(db):
    first, last = (Event.objects.create(at=timezone.now(), number=1, level="standard", text="x") for _ in range(2))
    key, before = first.pk, last_of_each(last.pk)
    assert last_of_each(last.pk) == before
    assert before[0][:2] == [last.pk, key]
    first.delete()
    assert last_of_each(last.pk) != before
    Event.objects.create(pk=key, at=timezone.now(), number=1, level="standard", text="late")
    assert last_of_each(last.pk) == before

"""What is recorded, folded, read again and removed."""

import asyncio
import math

import pytest
from django.db import DatabaseError, connection, connections
from django.test.utils import CaptureQueriesContext

from provisioning.charts.facts import (
    DAY_S,
    EVERY_S,
    FINE_KEPT_S,
    HOST,
    HOUR_S,
    LONG_KEPT_S,
    LONG_S,
    SERVER,
    STOPPED,
)
from provisioning.charts.rules.blocks import SIZE
from provisioning.charts.selectors.kept import figures_of
from provisioning.charts.selectors.last_hour import last_hours
from provisioning.charts.worker import recorder, stored
from provisioning.charts.worker.recorder import Recorder
from provisioning.logbook.models import ALIAS, LastHour, Recording, Sample, Stretch
from provisioning.models import HostRuntime, PairState, RuntimeStatus
from tests import factories

from .made import BEGAN, NONE, point

pytestmark = pytest.mark.django_db


class Clock:
    """Of a recorder: what is shown, and what has really passed."""

    def __init__(self):
        self.at, self.passed = float(BEGAN), 1000.0

    def go(self, seconds):
        self.at, self.passed = self.at + seconds, self.passed + seconds

    def recorder(self):
        return Recorder(lambda: self.at, lambda: self.passed)


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(recorder.signals, "announce", lambda *topics: None)
    return Clock()


def says(row, **fields):
    RuntimeStatus.objects.filter(application=row).update(connected=True, latencies=NONE, **fields)


def known(kind, row, step=EVERY_S, since=BEGAN - DAY_S, until=BEGAN + 40 * DAY_S):
    return figures_of(kind, row.pk, step=step, since=since, until=until)


def keep(key, after, *, kind=SERVER, holder="one", **numbers):
    return stored.record({kind: {key: point(kind, **numbers)}}, at=BEGAN + after, holder=holder)


def test_a_pair_is_recorded_with_its_rate_and_lag(pair, clock):
    primary, backup = pair
    PairState.objects.update(active=primary)
    says(primary, acknowledged=100, delivered=3, last_seq=50, clients=2, disk_free=70, disk_total=100)
    says(backup, last_seq=44, common_seq=44)
    one = clock.recorder()
    assert one.look()
    says(primary, acknowledged=150, delivered=3, last_seq=90, clients=4, disk_free=70, disk_total=100)
    clock.go(10)
    assert one.look()
    found = known(SERVER, primary)
    assert list(found.times) == [BEGAN, BEGAN + 10]
    assert list(found.columns["acknowledged"]) == [0, 50]
    assert list(found.columns["span"]) == [0, 10]
    assert list(found.columns["clients"]) == [2, 4]
    assert list(found.columns["disk_free"]) == [70, 70]
    assert list(known(SERVER, backup).columns["lag"]) == [6, 46]


def test_hosts_are_recorded_too(clock):
    host = factories.make_host("east")
    HostRuntime.objects.update(facts={"cpu_percent": 12.5, "memory_percent": 40, "disk_free_bytes": -1})
    clock.recorder().look()
    found = known(HOST, host)
    assert (list(found.columns["cpu_percent"]), list(found.columns["memory_percent"])) == ([12.5], [40])
    assert math.isnan(found.columns["disk_free"][0])


def test_why_nothing_is_known_is_recorded(pair, clock):
    says(pair[0], status="Stopped")
    clock.recorder().look()
    assert list(known(SERVER, pair[0]).columns["state"]) == [STOPPED]


def test_it_takes_as_many_queries_of_the_configuration_database_however_many_servers_there_are(pair, clock):
    one = clock.recorder()
    with CaptureQueriesContext(connection) as few:
        one.look()
    for number in range(3):
        factories.make_application(f"More_{number}", status="Started")
    clock.go(10)
    with CaptureQueriesContext(connection) as more:
        one.look()
    assert len(few) == len(more) == 2


def test_a_block_of_servers_is_one_row():
    stored.record({SERVER: {key: point(clients=key) for key in range(SIZE, SIZE + 9)}}, at=BEGAN, holder="one")
    assert Sample.objects.count() == 1
    found = figures_of(SERVER, SIZE + 4, step=EVERY_S, since=BEGAN, until=BEGAN + 10)
    assert list(found.columns["clients"]) == [SIZE + 4]


def test_of_several_processes_one_records():
    assert keep(1, 0, holder="one")
    assert not keep(1, 10, holder="other")
    assert keep(1, 10, holder="one")
    assert not keep(1, 10, holder="one")
    assert Sample.objects.count() == 2


def test_another_one_goes_on_where_one_is_gone():
    keep(1, 0, holder="one")
    assert not keep(1, stored.HOLDS_S, holder="other")
    assert keep(1, stored.HOLDS_S + 10, holder="other")
    assert not keep(1, stored.HOLDS_S + 20, holder="one")


def test_a_clock_that_was_ahead_does_not_stop_it_for_long():
    keep(1, 10 * DAY_S, holder="one")
    assert keep(1, 0, holder="one")


def hour(key=1, *, begins=0, **numbers):
    for after in range(begins, begins + HOUR_S, 600):
        keep(key, after, **numbers)


def test_an_hour_that_has_ended_is_folded_and_reads_the_same():
    hour(clients=3, span=10, acknowledged=20)
    hour(begins=HOUR_S, clients=4, span=10)
    before = figures_of(SERVER, 1, step=EVERY_S, since=BEGAN, until=BEGAN + DAY_S)
    assert not stored.fold(BEGAN + HOUR_S - 1)
    assert stored.fold(BEGAN + HOUR_S)
    assert not stored.fold(BEGAN + HOUR_S)
    assert list(Sample.objects.values_list("at", flat=True).order_by("at")) == list(
        range(BEGAN + HOUR_S, BEGAN + 2 * HOUR_S, 600))
    assert set(Stretch.objects.values_list("step", "begins")) == {(EVERY_S, BEGAN), (LONG_S, BEGAN)}
    after = figures_of(SERVER, 1, step=EVERY_S, since=BEGAN, until=BEGAN + DAY_S)
    assert list(after.times) == list(before.times)
    assert list(after.columns["clients"]) == list(before.columns["clients"]) == [3] * 6 + [4] * 6


def test_an_hour_that_a_clock_put_back_has_again_keeps_what_it_had():
    hour(clients=3, span=10)
    hour(begins=HOUR_S, clients=4, span=10)
    assert stored.fold(BEGAN + HOUR_S)
    for after in (1800, 2410):
        assert keep(1, after, clients=9, span=10)
    assert stored.fold(BEGAN + HOUR_S)
    found = figures_of(SERVER, 1, step=EVERY_S, since=BEGAN, until=BEGAN + HOUR_S)
    assert [(at - BEGAN, clients) for at, clients in zip(found.times, found.columns["clients"], strict=True)] == [
        (0, 3), (600, 3), (1200, 3), (1800, 9), (2400, 3), (2410, 9), (3000, 3)]


def test_long_steps_are_there_before_and_after_they_are_folded():
    hour(span=10, acknowledged=20)
    keep(1, 10, span=10, acknowledged=40)

    def long():
        found = figures_of(SERVER, 1, step=LONG_S, since=BEGAN, until=BEGAN + DAY_S)
        return list(found.times), list(found.columns["acknowledged"])

    before = long()
    stored.fold(BEGAN + HOUR_S)
    assert long() == before
    assert before[1] == [60, 20, 20, 20, 20, 20]


def test_a_day_of_long_steps_is_one_row():
    for begins in range(0, 3 * HOUR_S, HOUR_S):
        hour(begins=begins, clients=begins)
        while stored.fold(BEGAN + begins + HOUR_S):
            pass
    assert Stretch.objects.filter(step=LONG_S).count() == 1
    found = figures_of(SERVER, 1, step=LONG_S, since=BEGAN, until=BEGAN + DAY_S)
    assert list(found.columns["clients"]) == [0.0] * 6 + [3600.0] * 6 + [7200.0] * 6


def test_one_fold_is_of_one_block():
    for key in (1, SIZE + 1):
        Sample.objects.create(kind=SERVER, block=key // SIZE, at=BEGAN, figures=stored.in_blocks(
            {key: point()})[key // SIZE])
    assert stored.fold(BEGAN + HOUR_S)
    assert Sample.objects.count() == 1


def test_what_cannot_be_read_is_passed_over_and_folded_away():
    hour(clients=3)
    Sample.objects.filter(at=BEGAN).update(figures=b"nonsense")
    assert len(figures_of(SERVER, 1, step=EVERY_S, since=BEGAN, until=BEGAN + HOUR_S)) == 5
    stored.fold(BEGAN + HOUR_S)
    Stretch.objects.filter(step=LONG_S).update(figures=b"nonsense")
    assert len(figures_of(SERVER, 1, step=LONG_S, since=BEGAN, until=BEGAN + HOUR_S)) == 0
    assert not Sample.objects.exists()


def test_what_is_kept_for_long_enough_is_removed_some_at_a_time(monkeypatch):
    monkeypatch.setattr(stored, "TRIMMED_AT_ONCE", 2)
    now = BEGAN + 60 * DAY_S
    kept = [(EVERY_S, now - FINE_KEPT_S), (LONG_S, now - LONG_KEPT_S)]
    old = [(EVERY_S, now - FINE_KEPT_S - HOUR_S - 1), (LONG_S, now - LONG_KEPT_S - DAY_S - 1)]
    for step, begins in kept + old:
        for key in range(3):
            Stretch.objects.create(kind=SERVER, object_id=key, step=step, begins=begins, figures=b"")
    removed = []
    while found := stored.trim(now):
        removed.append(found)
    assert removed == [2, 1, 2, 1]
    assert set(Stretch.objects.values_list("step", "begins")) == set(kept)


def test_a_clock_that_jumps_ahead_removes_nothing(pair, clock):
    Stretch.objects.create(kind=SERVER, object_id=1, step=EVERY_S, begins=BEGAN, figures=b"")
    one = clock.recorder()
    one.tidy()
    clock.go(10)
    clock.at += 400 * DAY_S
    assert not one.tidy()
    assert Stretch.objects.exists()


def minutes(one, clock, row, counts):
    """Each minute so many messages more."""
    total = 0
    for count in counts:
        for _ in range(6):
            total += count / 6
            says(row, acknowledged=round(total))
            one.look()
            clock.go(10)
    one.look()


def test_lists_are_given_the_last_hour_minute_by_minute(pair, clock, monkeypatch):
    monkeypatch.setattr("provisioning.charts.selectors.last_hour.time.time", lambda: clock.at)
    minutes(clock.recorder(), clock, pair[0], [60, 120, 0])
    found = last_hours([pair[0].pk, pair[1].pk, 10**9])
    assert [round(value, 2) for value in found[pair[0].pk] if value == value] == [1.0, 2.0, 0.0]
    assert set(found) == {pair[0].pk}


def test_an_hour_ago_is_forgotten_and_who_stands_still_is_gone(pair, clock, monkeypatch):
    monkeypatch.setattr("provisioning.charts.selectors.last_hour.time.time", lambda: clock.at)
    one = clock.recorder()
    minutes(one, clock, pair[0], [60])
    clock.go(2 * HOUR_S)
    assert all(map(math.isnan, last_hours([pair[0].pk])[pair[0].pk]))
    for row in pair:
        says(row, status="Stopped")
    one.look()
    clock.go(60)
    one.look()
    assert not LastHour.objects.exists()


def test_a_list_is_one_query_however_long(pair):
    with CaptureQueriesContext(connections[ALIAS]) as asked:
        last_hours(range(10_000))
    assert len(asked) == 1


def test_a_list_is_there_without_the_log_database(monkeypatch):
    def away(*_, **__):
        raise DatabaseError("away")

    monkeypatch.setattr(LastHour.objects, "filter", away)
    assert last_hours([1]) == {}


def test_trouble_of_a_database_ends_nothing(clock, monkeypatch):
    def away(_):
        raise DatabaseError("away")

    monkeypatch.setattr(recorder, "EVERY_S", 0.01)
    monkeypatch.setattr(recorder, "LATE_S", 0)
    one, looked = Recorder(), []
    monkeypatch.setattr(one, "look", lambda: looked.append(1) or away(1))

    async def run():
        task = asyncio.create_task(one.run())
        while len(looked) < 3:
            assert not task.done()
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(run(), 20))


def test_only_who_records_folds(monkeypatch, clock):
    one, folded = clock.recorder(), []
    Recording.objects.create(pk=1, holder="another", at=BEGAN)
    assert not one.look()
    # The thread of a recorder would wait for what this test has not committed.
    monkeypatch.setattr(one, "tidy", lambda: folded.append(1) is not None)
    for records in (False, True):
        monkeypatch.setattr(one, "look", lambda records=records: records)
        asyncio.run(one._step())
        assert bool(folded) == records

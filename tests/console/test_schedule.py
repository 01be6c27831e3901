"""What the console worker does by itself: each duty again and again, whatever becomes of another one."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection

from console.schedule import DUTIES, Duty, Schedule, done
from provisioning import tasks
from provisioning.core import ages
from tests.waiting import wait_for


@pytest.fixture
def begun():
    """Starts a Schedule; ended at the end of the test."""
    schedules, ended = [], threading.Event()

    def begin(*duties: Duty) -> threading.Event:
        schedules.append(Schedule(duties))
        schedules[-1].start(ended.set)
        return ended

    yield begin
    for each in schedules:
        each.stop()
    assert not ended.is_set()


def test_a_duty_is_done_again_and_again_though_another_one_fails(begun):
    times = []

    def fails():
        times.append("fails")
        raise RuntimeError("no")

    begun(Duty(fails, 0.01), Duty(lambda: times.append("works"), 0.01))
    wait_for(lambda: min(times.count("fails"), times.count("works")) > 2, 10, "each three times")


def test_a_duty_that_takes_long_is_not_begun_again_meanwhile_and_keeps_no_other_one_waiting(begun):
    gate, slow, quick = threading.Event(), [], []

    def long():
        slow.append(1)
        gate.wait(20)

    begun(Duty(long, 0.01), Duty(lambda: quick.append(1), 0.01))
    wait_for(lambda: len(quick) > 5 and slow, 10, "the quick one went on")
    assert len(slow) == 1
    gate.set()
    wait_for(lambda: len(slow) > 1, 10, "the slow one was begun again")


def test_the_first_time_is_so_long_after_the_start(begun):
    began, times = time.monotonic(), []
    begun(Duty(lambda: times.append(time.monotonic() - began), 0.2))
    wait_for(lambda: times, 10, "it was done")
    assert times[0] >= 0.2


def test_after_a_failure_the_next_time_has_a_connection_of_its_own(transactional_db):
    def fails():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        raise RuntimeError("no")

    done(Duty(fails, 1.0))
    assert connection.connection is None


def test_an_end_that_nobody_asked_for_is_told():
    ended = threading.Event()
    Schedule([Duty(print, "never")]).start(ended.set)  # type: ignore[arg-type]  # as a fault in it
    assert ended.wait(10)


def test_one_that_is_stopped_while_it_begins_a_duty_has_not_ended_by_itself(caplog):
    """The worker would be killed in the middle of its clean end."""
    ended, looked = threading.Event(), []

    class Due:
        work, at_once = staticmethod(print), False

        @property
        def every_s(self) -> float:
            looked.append(1)
            if len(looked) > 1:
                schedule.stop()
            return 0.01

    schedule = Schedule([Due()])  # type: ignore[list-item]  # as good as one
    schedule.start(ended.set)
    wait_for(lambda: not any(thread.name == "schedule" for thread in threading.enumerate()), 10, "its end")
    assert len(looked) > 1
    assert not ended.is_set()
    assert not caplog.records


def test_a_start_waits_for_no_first_turn_of_what_it_waits_for(monkeypatch):
    asked = threading.Event()
    schedule = Schedule([Duty(asked.set, 3600.0, at_once=True)])
    schedule.start(lambda: None)
    try:
        assert asked.wait(10)
    finally:
        schedule.stop()
    assert [duty.work.__name__ for duty in DUTIES if duty.at_once] == ["ask_for_heartbeat"]


def test_each_duty_has_a_time_and_signs_of_life_come_often():
    assert all(duty.every_s > 0 for duty in DUTIES)
    [every_s] = [duty.every_s for duty in DUTIES if duty.work is tasks.ask_for_heartbeat]
    # Two of them may be late.
    assert timedelta(seconds=2 * every_s) < ages.CONSOLE_PART

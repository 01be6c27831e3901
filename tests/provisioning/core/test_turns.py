"""Work in turns: how much one transaction takes, and that others are let in."""

import sqlite3
import threading
import time

import pytest
from django.db import connection, transaction
from django.utils import timezone

from provisioning import turns
from provisioning.models import Application, Event, ListeningPort
from provisioning.turns import delete_in_turns, write_in_turns
from tests.factories import make_application, make_host


class Clock:
    """Time that passes while something is written, and the pauses that were made."""

    def __init__(self, item_s):
        self.now, self.item_s, self.pauses = 0.0, item_s, []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)


@pytest.fixture
def clock(monkeypatch):
    def clock(item_s=0.0):
        found = Clock(item_s)
        monkeypatch.setattr(turns, "time", found)
        return found
    return clock


def sizes(clock, items, **options):
    """How many were written in each turn."""
    def write(some):
        clock.now += clock.item_s * len(some)
        return len(some)
    return write_in_turns(range(items), write, **options)


@pytest.mark.django_db
class TestTurns:
    @pytest.mark.parametrize(("item_s", "expected"), [
        (0.0, [10, 40, 160, 640, 2000, 150]), (0.001, [10, 40, 100, 100, 100]), (0.01, [10, 10, 10]),
        (0.05, [10, 2, 2, 2]), (0.5, [10, 1, 1, 1])])
    def test_a_turn_takes_as_much_as_fits_into_a_tenth_of_a_second(self, clock, item_s, expected):
        assert sizes(clock(item_s), sum(expected)) == expected

    def test_no_turn_takes_more_than_was_said(self, clock):
        assert sizes(clock(), 70, most=20) == [10, 20, 20, 20]
        assert sizes(clock(), 7, most=3) == [3, 3, 1]

    def test_nothing_is_no_turn(self, clock):
        assert sizes(clock(), 0) == []

    def test_what_was_written_before_a_turn_that_fails_stays(self):
        def write(some):
            Event.objects.bulk_create(Event(at=timezone.now(), text=str(number)) for number in some)
            if 12 in some:
                raise ValueError("broken")

        with pytest.raises(ValueError, match="broken"):
            write_in_turns(range(30), write)
        assert Event.objects.count() == 10

    def test_rows_are_deleted_with_what_hangs_on_them(self, clock):
        clock(0.01)
        host = make_host()
        for number in range(25):
            make_application(f"MS{number}", host=host, ports={"default": number + 1})
        make_application("Other", host=host, ports={"default": 99})
        assert delete_in_turns(Application.objects.filter(name__startswith="MS")) == 25
        assert (Application.objects.get().name, ListeningPort.objects.count()) == ("Other", 1)


@pytest.mark.django_db(transaction=True)
class TestLettingOthersIn:
    def test_after_a_tenth_of_a_second_others_are_let_in(self, clock):
        found = clock(0.01)
        sizes(found, 40)
        assert found.pauses == ([turns.LET_IN_S] * 3 if connection.vendor == "sqlite" else [])

    def test_short_turns_need_no_pause(self, clock):
        found = clock(0.0001)
        assert (len(sizes(found, 300)), found.pauses) == (4, [])

    def test_what_is_told_after_a_commit_keeps_nobody_out_and_does_not_count(self, clock):
        found = clock(0.001)

        def write(some):
            found.now += found.item_s * len(some)
            transaction.on_commit(lambda: setattr(found, "now", found.now + 5.0))
            return len(some)

        assert write_in_turns(range(350), write) == [10, 40, 100, 100, 100]

    def test_the_pause_is_longer_than_anybody_who_waits_does_not_ask(self):
        # SQLite's busy handler asks again after 1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100, 100, ... ms.
        assert turns.LET_IN_S > 0.1

    def test_work_in_turns_within_a_transaction_would_be_one_turn_and_is_refused(self):
        with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
            write_in_turns([1], lambda some: None)

    def test_somebody_who_waits_gets_in_between_two_turns(self, locked):
        """A real second connection, which asks as SQLite does."""
        asked, got = threading.Event(), []

        def other():
            waiting = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=30)
            asked.set()
            waiting.execute("BEGIN IMMEDIATE")
            got.append(len(written))
            waiting.execute("ROLLBACK")
            waiting.close()

        written, thread = [], threading.Thread(target=other)

        def write(some):
            Event.objects.bulk_create(Event(at=timezone.now(), text="x") for _ in some)
            if not written:
                thread.start()
                asked.wait(10)
            until = time.monotonic() + 0.01 * len(some)
            while time.monotonic() < until:
                pass
            written.append(some)

        write_in_turns(range(200), write, most=10)
        thread.join(30)
        assert len(written) >= 20
        assert got[0] <= 5

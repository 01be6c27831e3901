"""Records are written once, together with how far they were read, and the oldest are removed."""

import pytest
from django.db import DatabaseError, connections

from provisioning.logbook.models import ALIAS, Followed, Record
from provisioning.logs.rules.messages import Position, row_of
from provisioning.logs.worker import kept
from tests import factories

from .double import Stored

pytestmark = pytest.mark.django_db


def rows(*seqs: int, epoch: int = 1):
    return [row_of(each.destination, {**each.headers, "epoch": str(each.epoch), "seq": str(each.seq),
                                      "timestamp": "1800000000000"}, each.body)[0]
            for each in (Stored(seq, epoch=epoch) for seq in seqs)]


@pytest.fixture
def pair():
    return kept.followed(application_id=7, identity="20260101", name="MS_Primary")


def seqs():
    return sorted(Record.objects.values_list("epoch", "seq"))


def test_records_and_the_position_are_written_together(pair):
    assert kept.keep(pair, rows(3, 5, 9), Position(1, 9), unreadable=2) == 3
    again = kept.followed(application_id=7, identity="20260101", name="Renamed")
    assert (again.epoch, again.seq, again.unreadable, again.name) == (1, 9, 2, "Renamed")
    assert seqs() == [(1, 3), (1, 5), (1, 9)]
    row = Record.objects.get(seq=5)
    assert (row.text, row.pair, row.attributes, row.event) == ("Said 5", pair, {}, 4504)


def test_what_is_read_again_is_not_written_twice(pair):
    kept.keep(pair, rows(1, 2, 3), Position(1, 3))
    kept.begin_again(pair)
    assert kept.keep(pair, rows(1, 2, 3, 4), Position(1, 4)) == 1
    assert seqs() == [(1, 1), (1, 2), (1, 3), (1, 4)]


def test_a_number_that_was_given_again_is_another_record(pair):
    kept.keep(pair, rows(1, 2), Position(1, 2))
    kept.keep(pair, rows(2, epoch=2), Position(2, 2))
    assert seqs() == [(1, 1), (1, 2), (2, 2)]


def test_of_two_readers_one_goes_on_and_the_other_writes_nothing(pair):
    other = kept.followed(application_id=7, identity="20260101", name="MS_Primary")
    kept.keep(pair, rows(1), Position(1, 1))
    with pytest.raises(kept.Moved):
        kept.keep(other, rows(1, 2), Position(1, 2))
    assert seqs() == [(1, 1)]


def test_what_cannot_be_written_moves_nothing(pair, monkeypatch):
    monkeypatch.setattr(kept, "_INSERT", "INSERT INTO nowhere VALUES (%s)")
    with pytest.raises(DatabaseError):
        kept.keep(pair, rows(1), Position(1, 1))
    assert (Followed.objects.get(pk=pair.pk).seq, seqs()) == (0, [])


def test_a_record_that_counts_is_there_once_and_takes_no_other_ones_place(pair):
    [first, other] = rows(2, 3)
    counting = first._replace(event=20123, number="42-20123", text="7 were left out")
    assert kept.keep(pair, rows(1), Position(1, 4), counts=[counting]) == 2
    kept.keep(pair, (), Position(1, 9), counts=[counting._replace(text="9 were left out")])
    kept.keep(pair, [other], Position(1, 9))
    kept.keep(pair, (), Position(1, 9), counts=[counting._replace(seq=3)])
    assert list(Record.objects.order_by("seq").values_list("seq", "text")) == [
        (1, "Said 1"), (2, "9 were left out"), (3, "Said 3")]


def test_an_application_that_got_the_id_of_another_is_another_pair(pair):
    assert kept.followed(application_id=7, identity="20260202", name="MS_Primary").pk != pair.pk


def test_the_oldest_are_removed_some_at_a_time_by_age_and_by_number(monkeypatch):
    made = [factories.make_record(received=number) for number in range(10)]
    monkeypatch.setattr(kept, "TRIM_TURN", 6)
    assert [kept.trim(received_before=8, most=100, at_once=3) for _ in range(3)] == [6, 2, 0]
    assert kept.trim(received_before=0, most=1) == 1
    assert list(Record.objects.order_by("id").values_list("id", flat=True)) == [row.pk for row in made[9:]]
    Record.objects.all().delete()
    assert kept.trim(received_before=5, most=2) == 0


def test_the_first_transaction_of_a_turn_is_small_as_its_pages_come_from_the_disk(monkeypatch):
    for number in range(60):
        factories.make_record(received=number)
    for name, value in {"TRIM_GROWS": 2, "TRIM_AT_ONCE": 10, "TRIM_TURN": 40}.items():
        monkeypatch.setattr(kept, name, value)
    assert list(kept.trim_parts(100, 100, 4)) == [4, 8, 10, 10, 8]
    assert list(kept.trim_parts(100, 100, 10)) == [10, 10, 0]


def test_nothing_of_it_is_in_the_configuration_database():
    assert not [name for name in connections["default"].introspection.table_names() if name.startswith("logbook")]
    names = [name for name in connections[ALIAS].introspection.table_names() if name != "django_migrations"]
    assert sorted(names) == [f"logbook_{name}" for name in (
        "followed", "lasthour", "published", "record", "recording", "sample", "stretch")]

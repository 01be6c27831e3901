"""The newest log records that fit, from any place on, however many there are."""

import random
import re

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from provisioning.logbook.models import ALIAS, Record
from provisioning.logs.facts import Cursor, Query
from provisioning.logs.selectors import records
from provisioning.logs.selectors.records import all_of, find
from tests import factories

pytestmark = pytest.mark.django_db


def found(query=None, **options):
    return [row.pk for row in find(query or Query(), **options).rows]


def walked(query, most=7):
    """All that is found, a batch after the other."""
    keys, before = [], None
    while True:
        part = find(query, before=before, most=most)
        keys += [row.pk for row in part.rows]
        if part.next is None:
            return keys
        before = Cursor.read(str(part.next))


@pytest.fixture
def some():
    """Records of few moments, so that many are of the same one."""
    chance = random.Random(7)
    for number in range(120):
        factories.make_record(
            at=1000 + chance.randrange(12), level=chance.choice(["alarm", "standard"]),
            application=chance.choice(["MS_1", "MS_10", "Über"]), host=chance.choice(["alpha", "beta"]),
            event=chance.choice([4504, 5064]), category=chance.choice(["application", "audit"]),
            text=chance.choice(["It is lost.", "It was FOUND."]) + f" {number}")


QUERIES = {
    "all": (Query(), lambda row: True),
    "level": (Query(level="alarm"), lambda row: row.level == "alarm"),
    "event": (Query(event=5064), lambda row: row.event == 5064),
    "whole name": (Query(application="MS_1"), lambda row: row.application == "MS_1"),
    "part of a name": (Query(application="ms_"), lambda row: row.application.startswith("MS_")),
    "accents": (Query(application="uber"), lambda row: row.application == "Über"),
    "host": (Query(host="alpha"), lambda row: row.host == "alpha"),
    "category": (Query(category="audit"), lambda row: row.category == "audit"),
    "text": (Query(text="found"), lambda row: "FOUND" in row.text),
    "time": (Query(since=1003, until=1006), lambda row: 1003 <= row.at < 1006),
    "several": (Query(level="alarm", event=4504, host="beta", text="lost", since=1002),
                lambda row: (row.level, row.event, row.host) == ("alarm", 4504, "beta") and "lost" in row.text
                and row.at >= 1002),
    "nothing": (Query(text="never said"), lambda row: False)}


@pytest.mark.parametrize("slice_", [5, 2000])
@pytest.mark.parametrize("name", QUERIES)
def test_batches_are_all_that_fits_newest_first_each_once(some, monkeypatch, name, slice_):
    monkeypatch.setattr(records, "SLICE", slice_)
    query, fits = QUERIES[name]
    expected = [row.pk for row in Record.objects.order_by("-at", "-id") if fits(row)]
    assert walked(query) == expected
    assert [row.pk for row in all_of(query, 1000).rows] == expected


def test_what_comes_in_between_moves_no_batch():
    old = [factories.make_record(at=number).pk for number in range(10)]
    first = find(Query(), most=4)
    factories.make_record(at=100)
    assert found(before=first.next, most=4) == old[5:1:-1]


def test_a_search_that_takes_long_says_how_far_it_looked_and_goes_on(monkeypatch):
    monkeypatch.setattr(records, "SLICE", 10)
    for number in range(50):
        factories.make_record(at=number, text="needle" if number == 3 else "hay")
    clock = iter(range(1000))
    first = find(Query(text="needle"), within_s=2, clock=lambda: next(clock))
    assert (first.rows, first.looked_to.at) == ([], 30)
    second = find(Query(text="needle"), before=first.next, within_s=9, clock=lambda: next(clock))
    assert ([row.at for row in second.rows], second.next, second.looked_to) == ([3], None, None)


def test_of_several_conditions_the_one_that_fewest_records_have_is_followed(monkeypatch):
    monkeypatch.setattr(records, "SLICE", 5)
    for number in range(60):
        factories.make_record(at=number, application="Rare" if number in (2, 9) else "Often", host="alpha",
                              level="alarm", event=5064 if number == 2 else 4504)
    with CaptureQueriesContext(connections[ALIAS]) as asked:
        rows = find(Query(application="Rare", host="alpha", level="alarm", event=4504), within_s=0).rows
    assert [row.at for row in rows] == [9]
    assert len(asked) < 10


@pytest.mark.parametrize(("text", "cursor"), [
    ("5-7", Cursor(5, 7)), ("", None), ("5", None), ("-5-7", None), ("a-b", None), ("5-7-9", None), ("²-1", None),
    ("9" * 30 + "-1", None)])
def test_only_a_place_that_a_page_wrote_is_one(text, cursor):
    assert Cursor.read(text) == cursor


@pytest.mark.parametrize(("query", "index"), [
    (Query(), "record_all"), (Query(level="alarm"), "record_level"), (Query(event=4504), "record_event"),
    (Query(application="MS_1"), "record_application"), (Query(host="alpha"), "record_host"),
    (Query(level="alarm", since=5, until=10**14), "record_level")])
def test_an_index_answers_without_sorting_from_any_place_on(query, index):
    if connections[ALIAS].vendor != "sqlite":
        pytest.skip("SQLite says its plan in other words")
    factories.make_record(application="MS_1", host="alpha")
    with CaptureQueriesContext(connections[ALIAS]) as asked:
        find(query, before=Cursor(10**14, 10**9))
    [plan] = plans(asked[-1])
    assert f"USING INDEX {index} " in plan, plan


@pytest.mark.parametrize("query", [
    Query(level="alarm", event=4504, application="MS_1", host="alpha"), Query(host="alpha", category="audit"),
    Query(level="alarm", event=4504, text="lost", since=5)])
def test_a_slice_is_read_by_the_index_that_it_was_measured_by(query, monkeypatch):
    if connections[ALIAS].vendor != "sqlite":
        pytest.skip("SQLite says its plan in other words")
    monkeypatch.setattr(records, "SLICE", 2)
    for number in range(9):
        factories.make_record(at=number + 10, application="MS_1", host="alpha", level="alarm")
    with CaptureQueriesContext(connections[ALIAS]) as asked:
        find(query, within_s=0)
    slices = [each for each in asked if "coalesce" in each["sql"].lower() or "LIKE" in each["sql"] or
              '"category" =' in each["sql"]]
    assert slices
    for each in slices:
        [plan] = plans(each)
        assert re.search(r"INDEX record_(level|event|application|host) \(\w+=\? AND at>\?( AND at<\?)?\)", plan), plan


def plans(asked):
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {asked['sql']}")
        return [row[-1] for row in cursor.fetchall()]

"""Queries whose SQL is made once: they find what Django's own would find, whichever value they are asked with."""

from datetime import UTC, datetime

from django.db import connection
from django.test.utils import CaptureQueriesContext

from provisioning.core.prepared import Given, Keys, Prepared, keys, whole_numbers
from provisioning.models import ComponentHeartbeat, Host

AT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def _beats() -> Prepared:
    return Prepared(lambda: ComponentHeartbeat.objects.filter(name=Given()).values_list("name", "at", "facts"))


def test_values_come_as_python_has_them(db):
    ComponentHeartbeat.objects.create(name="beat", at=AT, facts={"a": [1]})

    assert _beats().rows("beat") == [["beat", AT, {"a": [1]}]]


def test_each_call_has_its_own_value(db):
    for name in ("one", "two"):
        ComponentHeartbeat.objects.create(name=name, at=AT)
    beats = _beats()

    assert [[row[0] for row in beats.rows(name)] for name in ("two", "one", "none")] == [["two"], ["one"], []]


def test_a_value_is_never_sql(db):
    ComponentHeartbeat.objects.create(name="beat", at=AT)

    assert _beats().rows("' OR '1'='1") == []


def test_any_number_of_keys_is_one_query_of_the_same_sql(db):
    made = Host.objects.bulk_create([Host(name=f"h{number}", ip_address=f"10.0.0.{number}") for number in range(5)])
    hosts = Prepared(lambda: Host.objects.filter(pk__in=Keys()).order_by("pk").values_list("name"))

    with CaptureQueriesContext(connection) as caught:
        found = [hosts.rows(keys(row.pk for row in made[:many])) for many in (0, 1, 3)]

    assert found == [[], [["h0"]], [["h0"], ["h1"], ["h2"]]]
    assert len(caught) == 3


def test_the_query_is_made_once(db):
    made = []

    def make():
        made.append(1)
        return ComponentHeartbeat.objects.filter(name=Given()).values_list("name")

    beats = Prepared(make)
    beats.rows("a")
    first = len(made)
    beats.rows("b")

    assert len(made) == first


def test_all_rows_at_once_are_the_same_as_one_after_the_other(db):
    for name, facts in (("one", {"a": [1, "é'\""]}), ("two", {})):
        ComponentHeartbeat.objects.create(name=name, at=AT, facts=facts)

    def make():
        return ComponentHeartbeat.objects.order_by("name").values_list("pk", "name", "at", "facts")

    together, each = Prepared(make, at_once=True).rows(), Prepared(make).rows()
    assert sorted(together) == each
    assert [type(value) for value in together[0]] == [type(value) for value in each[0]]
    assert Prepared(lambda: make().filter(name="none"), at_once=True).rows() == []


def test_whole_numbers_come_in_the_order_of_their_query(db):
    made = Host.objects.bulk_create([Host(name=f"h{number}", ip_address=f"10.0.0.{number}") for number in range(5)])
    numbers = [row.pk for row in made]

    assert whole_numbers(Host.objects.order_by("-pk").values_list("pk", flat=True)[:3]) == numbers[::-1][:3]
    assert whole_numbers(Host.objects.filter(pk__in=[]).values_list("pk", flat=True)) == []

"""What servers say becomes figures: what was counted since, and why nothing is known."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.charts.facts import CONTROL_SILENT, FIELDS, HOST, REPORTED, SERVER, STOPPED, UNHEARD
from provisioning.charts.rules.counting import (
    COUNTED,
    LONGEST_S,
    Counters,
    Host,
    counted,
    of_hosts,
    of_servers,
)

from .made import NONE, server

COUNTS = st.lists(st.integers(0, 2**63 - 1), min_size=COUNTED, max_size=COUNTED).map(tuple)


def counters(at, *values):
    return Counters(at, (*values, *(0,) * (COUNTED - len(values))))


def named(point, kind=SERVER):
    return dict(zip((field.name for field in FIELDS[kind]), point, strict=True))


def seen(*moments, answers=True):
    """What is known at the last of ``moments``: (monotonic seconds, servers)."""
    before, points = {}, {}
    for at, servers in moments:
        points, before = of_servers(servers, before, at, control_answers=answers)
    return {key: named(point) for key, point in points.items()}


def test_what_is_counted_is_what_came_since():
    assert counted(counters(100, 5, 7), counters(110, 25, 7))[:3] == (10, 20, 0)


def test_counters_that_begin_anew_give_neither_negative_nor_giant_numbers():
    assert counted(counters(100, 1_000_000, 900), counters(110, 30, 4))[:3] == (10, 30, 4)


def test_a_counter_that_alone_went_back_means_that_all_began_anew():
    assert counted(counters(100, 50, 900), counters(110, 70, 4))[:3] == (10, 70, 4)


@pytest.mark.parametrize(("before", "now"), [
    (None, counters(110, 5)), (counters(100, 5), None), (counters(100), counters(100 + LONGEST_S + 1, 5)),
    (counters(100), counters(100, 5)), (counters(100), counters(99, 5))])
def test_where_nobody_knows_since_when_nothing_is_counted(before, now):
    assert counted(before, now) == (0,) * (1 + COUNTED)


@given(COUNTS, COUNTS, st.floats(0.1, LONGEST_S))
def test_no_rate_is_negative_or_more_than_the_counter_says(before, now, span):
    found = counted(Counters(0.0, before), Counters(span, now))
    assert found[0] == span
    assert all(0 <= count <= float(value) for count, value in zip(found[1:], now, strict=True))


def test_a_server_that_was_not_heard_of_meanwhile_has_no_rate_at_first():
    """Its counters go on while control is away, and are told all at once."""
    told = {"acknowledged": 10, "latencies": (10, *NONE[1:])}
    found = seen((0, [server(**told)]), (10, [server(connected=False)]),
                 (20, [server(**told | {"acknowledged": 5_000_000})]))
    assert (found[1]["span"], found[1]["acknowledged"], found[1]["state"]) == (0, 0, REPORTED)


def test_a_server_that_has_not_said_any_counters_has_no_rate():
    found = seen((0, [server(latencies=())]), (10, [server(acknowledged=900)]))
    assert found[1]["span"] == 0


def test_a_server_that_goes_on_has_rates_and_its_histogram():
    found = seen((0, [server(acknowledged=10, latencies=tuple(NONE))]),
                 (10, [server(acknowledged=40, delivered=7, latencies=(20, 0, 0, 10, *NONE[4:]), waiting_bytes=99,
                              clients=3, disk_free=50, disk_total=80)]))[1]
    assert (found["span"], found["acknowledged"], found["delivered"]) == (10, 30, 7)
    assert (found["within_1"], found["within_10"], found["within_more"]) == (20, 10, 0)
    assert (found["waiting_bytes"], found["clients"], found["disk_free"], found["disk_total"]) == (99, 3, 50, 80)


@pytest.mark.parametrize(("said", "answers", "state"), [
    ({}, True, REPORTED), ({"runs": False, "ended": True, "connected": False}, True, STOPPED),
    ({"connected": False}, True, UNHEARD), ({"runs": False}, True, UNHEARD), ({}, False, CONTROL_SILENT)])
def test_it_is_known_why_nothing_is(said, answers, state):
    found = seen((0, [server(clients=4, **said)]), answers=answers)[1]
    assert found["state"] == state
    assert (found["clients"] == 4) == (state == REPORTED)


def test_lag_is_what_a_standby_has_yet_to_copy():
    active = server(1, last_seq=50, common_seq=40, active_id=1, other_id=2)
    standby = server(2, last_seq=41, common_seq=41, active_id=1, other_id=1)
    found = seen((0, [active, standby]))
    assert math.isnan(found[1]["lag"])
    assert found[2]["lag"] == 9


@pytest.mark.parametrize("changes", [{"connected": False}, {"runs": False}])
def test_nobody_knows_the_lag_behind_a_server_that_is_not_heard_of(changes):
    found = seen((0, [server(1, last_seq=50, active_id=1, other_id=2, **changes), server(2, active_id=1, other_id=1)]))
    assert math.isnan(found[2]["lag"])


def test_a_disk_that_is_not_told_is_not_known_rather_than_full():
    assert math.isnan(seen((0, [server()]))[1]["disk_free"])


def test_hosts_say_what_their_agents_know():
    hosts = [Host(1, True, 12.5, 40.0, 2**40), Host(2, True, None, 1.0, None), Host(3, False, 9.0, 9.0, 9)]
    found = {key: named(point, HOST) for key, point in of_hosts(hosts, control_answers=True).items()}
    assert found[1] == {"state": REPORTED, "cpu_percent": 12.5, "memory_percent": 40.0, "disk_free": 2**40}
    assert math.isnan(found[2]["cpu_percent"])
    assert found[3]["state"] == UNHEARD
    assert math.isnan(found[3]["memory_percent"])
    assert of_hosts(hosts, control_answers=False)[1][0] == CONTROL_SILENT

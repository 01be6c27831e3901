"""Charts as paths and tables."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.charts.facts import CONTROL_SILENT, NAN, NOT_RECORDED, REPORTED, SERVER, STOPPED, WHY_NOT, none_of
from provisioning.charts.rules.drawing import HEIGHT, WIDTH, chart, member, missing, newest, path
from provisioning.charts.rules.gaps import Gap
from provisioning.charts.rules.plots import PLOTS
from provisioning.charts.rules.ranges import window

from .made import BEGAN, figures

WINDOW = window("1h", BEGAN + 3600, BEGAN + 7200)
NOW = window("1h", None, BEGAN + 3599)
PLOT = {plot.name: plot for plot in PLOTS[SERVER]}
EVERY = range(0, 3600, 10)


def steady(known, *, but=(), state=STOPPED):
    """An hour in which ``known`` was reported, but not in the steps of 30 s ``but``."""
    return figures(*((after, {"state": state} if after // 30 in but else known) for after in EVERY))


def drawn(name, *rows, within=WINDOW):
    """The chart ``name`` of servers; ``rows``: their figures."""
    return chart(PLOT[name], [member(SERVER, f"MS_{n}", each, within) for n, each in enumerate(rows, 1)], within)


def test_a_line_goes_from_edge_to_edge():
    found = drawn("clients", steady({"clients": 4}))
    assert found.lines[0].path.startswith("M4.2 0L12.5 0")
    assert found.lines[0].path.endswith("L995.8 0")
    assert found.lines[0].path.count("M") == 1
    assert (found.numbers, found.rules) == (("4", "3", "2", "1", "0"), (100, 75, 50, 25, 0))


def test_where_nothing_is_known_the_line_is_broken_and_never_zero():
    found = drawn("clients", steady({"clients": 4}, but=(50, 51)))
    assert found.lines[0].path.count("M") == 2
    assert "100" not in {pair.split()[1] for pair in re.findall(r"[\d.]+ [\d.]+", found.lines[0].path)}


def test_a_single_number_between_two_gaps_is_seen():
    found = path([BEGAN + 30, BEGAN + 90, BEGAN + 120], [5.0, NAN, 10.0], WINDOW, 10.0)
    assert found == "M8.3 50H16.7M33.3 0H41.7"


VALUES = st.lists(st.one_of(st.just(NAN), st.floats(0, 1e12)), min_size=120, max_size=120)


@given(VALUES)
def test_a_path_stays_in_its_drawing_and_has_every_number_that_is_known(values):
    times = [BEGAN + 30 * n for n in range(120)]
    drawn_path = path(times, values, WINDOW, 1e12)
    assert re.fullmatch(r"(?:[ML][\d.]+ [\d.]+(?:H[\d.]+)?)*", drawn_path)
    numbers = [float(each) for each in re.findall(r"[\d.]+", drawn_path)]
    assert all(0 <= each <= WIDTH for each in numbers)
    assert all(0 <= float(y) <= HEIGHT for y in re.findall(r" ([\d.]+)", drawn_path))
    assert len(re.findall(r"[ML]", drawn_path)) == sum(value == value for value in values)


def test_both_members_are_in_one_chart_each_with_its_name_and_look():
    found = drawn("rate", steady({"span": 10, "acknowledged": 50}), steady({"span": 10, "delivered": 0}))
    assert [(line.label, line.look, line.last) for line in found.lines] == [
        ("MS_1 acknowledged", "of-1", "5/s"), ("MS_1 delivered", "of-1 dashed", "0/s"),
        ("MS_2 acknowledged", "of-2", "0/s"), ("MS_2 delivered", "of-2 dashed", "0/s")]
    assert found.heads == ("MS_1 acknowledged", "MS_1 delivered", "MS_2 acknowledged", "MS_2 delivered")
    assert "MS_1 acknowledged: 5/s to 5/s, at last 5/s" in found.description


def test_the_disk_is_drawn_against_its_size():
    found = drawn("disk", steady({"disk_free": 2**30, "disk_total": 8 * 2**30}))
    assert found.numbers[0] == "8 GB"
    assert {line.label: line.last for line in found.lines} == {"free": "1 GB", "size": "8 GB"}


def test_the_table_has_the_same_numbers_newest_first_and_says_why_there_are_none():
    found = drawn("clients", steady({"clients": 4}, but=range(118, 120)))
    assert (found.rows[0].at, found.rows[0].cells, found.rows[0].why) == (BEGAN + 3540, ("–",), WHY_NOT[STOPPED])
    assert (found.rows[-1].at, found.rows[-1].cells, found.rows[-1].why) == (BEGAN, ("4",), "")
    assert len(found.rows) == 60


def test_of_a_pair_the_table_names_whose_number_is_missing():
    found = drawn("clients", steady({"clients": 4}), steady({"clients": 1}, but=range(118, 120), state=CONTROL_SILENT))
    assert found.rows[0].why == f"MS_2: {WHY_NOT[CONTROL_SILENT]}"


def test_gaps_are_told_with_their_reasons():
    one = member(SERVER, "MS_1", steady({"clients": 4}, but=(2, 3, 7)), WINDOW)
    assert missing(one, WINDOW) == [Gap(BEGAN + 60, BEGAN + 120, WHY_NOT[STOPPED]),
                                    Gap(BEGAN + 210, BEGAN + 240, WHY_NOT[STOPPED])]


def test_what_was_not_recorded_is_told_so():
    rows = figures(*((after, {"clients": 1}) for after in EVERY if after >= 1800))
    assert missing(member(SERVER, "MS_1", rows, WINDOW), WINDOW) == [Gap(BEGAN, BEGAN + 1800, NOT_RECORDED)]


def test_what_has_only_begun_is_not_missing_yet():
    rows = figures(*((after, {"clients": 1}) for after in EVERY if after < 3570))
    assert missing(member(SERVER, "MS_1", rows, NOW), NOW) == []
    assert len(missing(member(SERVER, "MS_1", rows, WINDOW), WINDOW)) == 1


def test_only_where_no_member_reports_the_drawing_is_shaded():
    found = drawn("clients", steady({"clients": 4}, but=range(0, 12)), steady({"clients": 4}, but=range(6, 24)))
    assert [(shade.x, shade.width) for shade in found.shades] == [(50, 50)]
    assert found.shades[0].text == f"No figures, because {WHY_NOT[STOPPED]}"


@pytest.mark.parametrize(("name", "rows", "says"), [
    ("rate", [none_of(SERVER, 10)], "Nothing was recorded in this time."),
    ("clients", [steady({"clients": 4}, but=range(120))], f"Nothing was reported of MS_1: {WHY_NOT[STOPPED]}."),
    ("latency", [steady({"clients": 4})], PLOT["latency"].none), ("lag", [steady({"clients": 4})], PLOT["lag"].none),
    ("rate", [steady({"clients": 4})], PLOT["rate"].none), ("disk", [steady({"clients": 4})], PLOT["disk"].none),
    ("lag", [steady({"clients": 4}), steady({}, but=range(120))], PLOT["lag"].none)])
def test_no_chart_is_empty_without_a_reason(name, rows, says):
    found = drawn(name, *rows)
    assert (found.empty, found.lines) == (says, ())


def test_every_chart_draws_what_is_known():
    known = {"span": 10, "acknowledged": 5, "delivered": 5, "within_1": 5, "waiting_bytes": 1, "clients": 1, "lag": 1,
             "disk_free": 1, "disk_total": 2, "state": REPORTED}
    assert [plot for plot in PLOT if drawn(plot, steady(known)).empty] == []


@pytest.mark.parametrize(("ago", "last"), [([60, 30], 2.0), ([90, 60], 2.0), ([120, 90], NAN), ([], NAN)])
def test_the_newest_number_is_of_the_end_or_not_known(ago, last):
    found = newest([NOW.until - each for each in ago], [1.0, 2.0][:len(ago)], NOW)
    assert repr(found) == repr(last)


def test_of_the_step_that_goes_on_there_may_be_no_number_yet():
    assert newest([NOW.until - 60, NOW.until - 30], [1.0, NAN], NOW) == 1.0

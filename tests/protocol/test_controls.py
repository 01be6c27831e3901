"""The addresses of control that a server or an agent tries in turn, and keeps."""

import json

import pytest

from protocol.controls import MOST, Controls

A, B, C = ("a", 2020), ("b", 2020), ("c", 2021)
TOLD = [{"host": "a", "port": 2020}, {"host": "b", "port": 2020}]


def test_they_are_tried_in_turn():
    controls = Controls([A, B])
    seen = []
    for _ in range(3):
        seen.append(controls.current)
        controls.failed()
    assert seen == [A, B, A]


def test_what_control_told_is_tried_too_and_known_after_a_restart(tmp_path):
    file = tmp_path / "controls.json"
    controls = Controls([A], file)
    controls.learn(TOLD)
    assert len(controls) == 2
    assert len(Controls([A], file)) == 2


def test_after_a_restart_the_one_that_worked_last_comes_first(tmp_path):
    file = tmp_path / "controls.json"
    controls = Controls([A], file)
    controls.learn(TOLD)
    controls.failed()
    controls.worked()
    assert Controls([A], file).current == B


def test_the_present_connection_stands_though_its_address_was_not_told():
    controls = Controls([C])
    controls.learn(TOLD)
    assert controls.current == C
    controls.failed()
    assert controls.current == A


def test_other_given_addresses_begin_anew(tmp_path):
    file = tmp_path / "controls.json"
    Controls([A], file).learn(TOLD)
    assert (len(Controls([C], file)), Controls([C], file).current) == (1, C)


def test_an_address_that_is_not_told_any_more_is_forgotten(tmp_path):
    file = tmp_path / "controls.json"
    controls = Controls([A], file)
    controls.learn(TOLD)
    controls.learn([])
    assert len(Controls([A], file)) == 1


@pytest.mark.parametrize("told", [None, 5, "a:1", [1, None, {}], [{"host": "", "port": 1}], [{"host": "x", "port": 0}],
                                  [{"host": "x", "port": True}], [{"host": 7, "port": 7}]])
def test_what_is_no_address_is_left_out(told):
    controls = Controls([A])
    controls.learn(told)
    assert len(controls) == 1


def test_what_somebody_said_who_proved_nothing_is_tried_and_not_kept(tmp_path):
    file = tmp_path / "controls.json"
    controls = Controls([A], file)
    controls.hear(TOLD)
    controls.failed()
    assert controls.current == B
    assert len(Controls([A], file)) == 1


def test_no_more_are_taken_than_anybody_needs():
    controls = Controls([A])
    controls.learn([{"host": f"h{number}", "port": 1} for number in range(1000)])
    assert len(controls) == 1 + MOST


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"given": 1, "all": 2, "current": 3}', "\x00"])
def test_a_damaged_file_counts_as_none(tmp_path, content):
    file = tmp_path / "controls.json"
    file.write_text(content)
    controls = Controls([A], file)
    assert (len(controls), controls.current) == (1, A)
    controls.learn(TOLD)
    assert json.loads(file.read_text())["current"] == {"host": "a", "port": 2020}


def test_a_file_that_cannot_be_written_stops_nobody(tmp_path):
    controls = Controls([A], tmp_path / "missing" / "controls.json")
    controls.learn(TOLD)
    controls.worked()
    assert len(controls) == 2

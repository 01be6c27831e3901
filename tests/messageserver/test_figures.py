"""What a server counts of its work, and tells control."""

import pytest

from messageserver import system
from messageserver.figures import Figures
from protocol.server_messages import LATENCIES_MS


@pytest.mark.parametrize(("waited_s", "place"), [
    (0.0, 0), (0.001, 0), (0.0011, 1), (0.05, 5), (5.0, len(LATENCIES_MS) - 1), (6.0, len(LATENCIES_MS))])
def test_latencies_are_counted_between_bounds(waited_s, place):
    figures = Figures()
    figures.answered(3, waited_s)
    assert (figures.acknowledged, figures.latencies[place], sum(figures.latencies)) == (3, 3, 3)


@pytest.mark.parametrize(("moves", "told"), [
    ([(500, 1000)], 500), ([(500_000, 1_000_000), (500_999, 1_000_000)], 500_000),
    ([(500_000, 1_000_000), (501_000, 1_000_000)], 501_000), ([(500_000, 1_000_000), (499_000, 1_000_000)], 499_000),
    ([(500_000, 1_000_000), (500_001, 2_000_000)], 500_001), ([(500, 1000), (0, 0)], 0)])
def test_of_a_disk_only_what_moves_by_a_thousandth_is_told(moves, told):
    figures = Figures()
    for free, total in moves:
        figures.disk_has(free, total)
    assert figures.disk_free == told


def test_a_disk_says_what_is_free_on_it_and_one_that_is_gone_says_nothing(tmp_path):
    free, total = system.disk_space(tmp_path)
    assert 0 < free <= total
    assert system.disk_space(tmp_path / "gone") == (0, 0)


@pytest.mark.scenario
def test_control_is_told_what_was_acknowledged_and_delivered(server):
    with server.client() as subscriber, server.client() as sender:
        subscriber.subscribe("/topic/a")
        for number in range(5):
            sender.publish("/topic/a", b"x", receipt=str(number))
        for _ in range(5):
            sender.expect("RECEIPT")
            subscriber.expect("MESSAGE")
    told = server.control.wait(lambda: next((each for each in server.control.reports
                                             if each.acknowledged == 5 and each.disk_total), None))
    assert (told.delivered, sum(told.latencies), told.waiting_bytes) == (5, 5, 0)
    assert 0 < told.disk_free <= told.disk_total

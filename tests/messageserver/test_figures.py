"""What a server counts of its work, and tells control."""

import pytest

from messageserver.figures import Figures
from protocol.server_messages import LATENCIES_MS


@pytest.mark.parametrize(("waited_s", "place"), [
    (0.0, 0), (0.001, 0), (0.0011, 1), (0.05, 5), (5.0, len(LATENCIES_MS) - 1), (6.0, len(LATENCIES_MS))])
def test_latencies_are_counted_between_bounds(waited_s, place):
    figures = Figures()
    figures.answered(3, waited_s)
    assert (figures.acknowledged, figures.latencies[place], sum(figures.latencies)) == (3, 3, 3)


@pytest.mark.scenario
def test_control_is_told_what_was_acknowledged_and_delivered(server):
    with server.client() as subscriber, server.client() as sender:
        subscriber.subscribe("/topic/a")
        for number in range(5):
            sender.publish("/topic/a", b"x", receipt=str(number))
        for _ in range(5):
            sender.expect("RECEIPT")
            subscriber.expect("MESSAGE")
    told = server.control.wait(lambda: next((each for each in server.control.reports if each.acknowledged == 5), None))
    assert (told.delivered, sum(told.latencies), told.waiting_bytes) == (5, 5, 0)

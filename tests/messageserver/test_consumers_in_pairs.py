"""Positions and queues of a pair: nothing that was answered is undone by a failover, and nothing else is lost."""

import pytest

from tests.doubles.stomp import Client

from .pair_of_servers import PairOfServers
from .test_pair import make_pair, pair  # noqa: F401  fixtures
from .test_positions import ack, bodies, fill, named
from .test_queues import QUEUE, take

pytestmark = pytest.mark.scenario


def fail_over(pair: PairOfServers) -> None:  # noqa: F811
    pair.a.kill()
    pair.b.granted("primary", 2)


def test_positions_and_queues_go_on_at_the_other_member(pair):  # noqa: F811
    with Client(pair.a.port) as client, Client(pair.a.port) as worker:
        named(client)
        take(worker)
        fill(client, 3)
        fill(client, 4, QUEUE)
        ack(client, client.messages(3)[1])
        messages = worker.messages(4)
        ack(worker, messages[2])
        fail_over(pair)
    with Client(pair.b.port) as client, Client(pair.b.port) as worker:
        named(client)
        assert bodies(client, 1) == [2]
        take(worker)
        again = worker.messages(3)
        assert [(int(each.body), each.headers["redelivered"]) for each in again] == [
            (0, "true"), (1, "true"), (3, "true")]


def test_an_acknowledgement_is_answered_only_once_the_standby_has_it(pair):  # noqa: F811
    with Client(pair.a.port) as client:
        named(client)
        fill(client, 1)
        [message] = client.messages(1)
        pair.b.freeze()
        client.send("ACK", {"id": message.headers["ack"], "receipt": "ack"})
        with pytest.raises(TimeoutError):
            client.next(0.4)
        pair.b.thaw()
        assert client.expect("RECEIPT").headers["receipt-id"] == "ack"
    pair.wait_equal()

"""Positions and queues of a pair: nothing that was answered is undone by a failover, and nothing else is lost."""

import pytest

from tests.doubles.stomp import Client

from .pair_of_servers import PairOfServers
from .test_positions import ack, bodies, fill, full_disk, named
from .test_queues import QUEUE, take

pytestmark = pytest.mark.scenario


def fail_over(pair: PairOfServers) -> None:
    pair.a.kill()
    pair.b.granted("primary", 2)


def test_positions_and_queues_go_on_at_the_other_member(pair):
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


def test_an_acknowledgement_is_answered_only_once_the_standby_has_it(pair):
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


def test_a_position_is_free_again_after_its_connection_ended_with_an_error_before_all_was_answered(pair):
    with Client(pair.a.port) as client:
        named(client)
        fill(client, 1)
        [message] = client.messages(1)
        pair.b.freeze()
        client.send("ACK", {"id": message.headers["ack"], "receipt": "ack"})
        client.send("NONSENSE")
        client.expect("ERROR")
    pair.a.says("is closed")
    pair.b.thaw()
    with Client(pair.a.port) as client:
        client.acked("/topic/other", b"")
        named(client)


LARGE = b"x" * 200_000


def give_and_fail(pair: PairOfServers, worker: Client, other: Client) -> None:
    """A transaction that settles the message 0 of the queue is on its way to the standby, which is frozen, and the disk
    of the active server does not take it, but for later."""
    fill(worker, 1, QUEUE)
    taken = worker.expect("MESSAGE")
    take(other)
    pair.b.freeze()
    worker.publish("/topic/a", b"first")
    pair.a.control.wait_report(last_seq=int(taken.headers["seq"]) + 2)
    with full_disk(pair.a):
        worker.send("BEGIN", {"transaction": "t"})
        worker.publish("/topic/a", LARGE, transaction="t")
        worker.publish(QUEUE, b"1", transaction="t")
        worker.send("ACK", {"id": taken.headers["ack"], "transaction": "t"})
        worker.send("COMMIT", {"transaction": "t", "receipt": "done"})
        assert "the other member may have it" in worker.expect("ERROR").headers["message"]
        pair.a.control.wait_report(state="service_unavailable")
    pair.a.control.wait_report(state="started", reason="")


def test_what_is_stored_late_reaches_everyone_and_its_acknowledgements_with_it(make_pair):
    pair = make_pair(redundancy={"standby-timeout": "20"}).in_sync()
    with Client(pair.a.port) as watcher, Client(pair.a.port) as one, Client(pair.a.port) as two:
        watcher.subscribe("/topic/a")
        take(one)
        give_and_fail(pair, one, two)
        two.publish("/topic/a", b"last")
        two.publish(QUEUE, b"2", receipt="r")
        pair.b.thaw()
        # The standby may confirm what was stored late before what was sent last, or both together.
        frames = [two.next() for _ in range(3)]
        assert [frame.body for frame in frames if frame.command == "MESSAGE"] == [b"1", b"2"]
        assert [frame.command for frame in frames].count("RECEIPT") == 1
        assert [message.body for message in watcher.messages(3)] == [b"first", LARGE, b"last"]
    fail_over(pair)
    with Client(pair.b.port) as client:
        take(client)
        assert bodies(client, 2) == [1, 2]

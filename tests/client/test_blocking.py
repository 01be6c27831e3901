"""The client for programs without asyncio, against a real server."""

import contextlib
import threading
import time

import pytest

from pairwise_client import Gap, NotConnected, Outgoing, Refused, Timeout, connect
from tests.messageserver.pair_of_servers import lose_beginning

from .conftest import LOGIN, addresses, connected

pytestmark = pytest.mark.scenario
WAIT_S = 10


def test_what_is_published_is_received(client, here):
    with client.subscribe(here) as subscription:
        receipt = client.publish(here, "hello", {"colour": "red:\n"})
        message = subscription.get(WAIT_S)
    assert (message.seq, message.text, message.headers["colour"]) == (receipt.seq, "hello", "red:\n")
    assert message.message_id == f"{message.headers['epoch']}-{message.seq}"
    assert abs(message.timestamp / 1000 - time.time()) < 60


def test_any_bytes_come_back_as_they_were(client, here):
    body = bytes(range(256)) * 2000
    seq = client.publish(here, body).seq
    assert client.subscribe(here, from_seq=seq).get(WAIT_S).body == body


def test_the_same_dedup_id_is_stored_once(client, here):
    first, again = (client.publish(here, "m", dedup_id="one") for _ in range(2))
    assert first == again


def test_many_are_stored_in_their_order(client, here):
    receipts = client.publish_many(Outgoing(here, str(number)) for number in range(3000))
    seqs = [receipt.seq for receipt in receipts]
    assert seqs == sorted(set(seqs))
    assert len(seqs) == 3000
    subscription = client.subscribe(here, from_seq=seqs[0], prefetch=10)
    assert [next(subscription).text for _ in range(3000)] == [str(number) for number in range(3000)]


def test_many_large_ones_wait_for_room_and_keep_their_order(client, here):
    receipts = client.publish_many(Outgoing(here, b"x" * 1_000_000) for _ in range(80))
    assert [receipt.seq for receipt in receipts] == sorted(receipt.seq for receipt in receipts)


def test_a_refused_message_is_told_in_the_words_of_the_server_and_the_client_goes_on(client, here):
    with pytest.raises(Refused, match=r"begins with /topic/"):
        client.publish("/nowhere", "m")
    assert client.publish(here, "m").seq


def test_a_refusal_that_quotes_the_word_again_is_one_all_the_same(client):
    with pytest.raises(Refused, match=r"begins with /topic/"):
        client.publish("/try/again", "m")
    with pytest.raises(Refused, match="cannot be subscribed to"):
        client.subscribe("/the/other member")


def test_one_refused_among_many_does_not_take_others_with_it(client, here):
    stored = []
    others = threading.Thread(target=lambda: stored.extend(client.publish_many(
        Outgoing(here, str(number)) for number in range(500))))
    others.start()
    with pytest.raises(Refused):
        client.publish("/nowhere", "m")
    others.join(WAIT_S)
    assert len({receipt.seq for receipt in stored}) == 500


def test_a_subscription_that_is_refused_is_told(client):
    with pytest.raises(Refused, match="cannot be subscribed to"):
        client.subscribe("/topics/a")


def test_headers_that_the_client_sets_are_refused(client, here):
    with pytest.raises(ValueError, match="dedup-id"):
        client.publish(here, "m", {"dedup-id": "1"})


def test_a_wrong_passcode_is_refused(served):
    with pytest.raises(Refused, match="passcode is wrong"):
        connected(served, passcode="wrong")


def test_without_a_member_that_serves_it_says_what_happened_at_each(port):
    with pytest.raises(Timeout) as said:
        connect([f"127.0.0.1:{port}", "[::1]:1"], **LOGIN, timeout=0.3)
    assert said.value.tried.keys() == {f"127.0.0.1:{port}", "[::1]:1"}
    assert "Connection refused" in str(said.value)


def test_an_address_without_a_port_is_refused():
    with pytest.raises(ValueError, match="host:port"):
        connect(["ms-a.example"], **LOGIN)


def test_the_beginning_can_be_a_time_or_a_number_of_messages(client, here):
    for number in range(5):
        client.publish(here, str(number))
    assert client.subscribe(here, last=2).get(WAIT_S).text == "3"
    assert client.subscribe(here, from_time="2020-01-01T00:00:00Z").get(WAIT_S).text == "0"


def test_a_selector_chooses_by_header(client, here):
    with client.subscribe(here, selector="colour = 'red'") as subscription:
        client.publish(here, "no", {"colour": "blue"})
        client.publish(here, "yes", {"colour": "red"})
        assert subscription.get(WAIT_S).text == "yes"


def test_a_transaction_is_stored_whole_or_not_at_all(client, here):
    subscription = client.subscribe(here)
    with contextlib.suppress(KeyError), client.transaction() as transaction:
        transaction.publish(here, "lost")
        raise KeyError
    with client.transaction() as transaction:
        transaction.publish(here, "one")
        transaction.publish(here, "two")
    assert [subscription.get(WAIT_S).text for _ in range(2)] == ["one", "two"]


def store(client, *destinations) -> None:
    with client.transaction() as transaction:
        for destination in destinations:
            transaction.publish(destination, "m")


def test_a_refused_part_refuses_the_transaction(client, here):
    subscription = client.subscribe(here)
    with pytest.raises(Refused):
        store(client, here, "/nowhere")
    client.publish(here, "after")
    assert subscription.get(WAIT_S).text == "after"


def test_a_named_position_goes_on_behind_what_was_acknowledged(served, here):
    with connected(served) as client:
        subscription = client.subscribe(here, durable_name=here, from_seq=1)
        client.publish_many(Outgoing(here, str(number)) for number in range(4))
        first, second = subscription.get(WAIT_S), subscription.get(WAIT_S)
        second.ack(wait=True)
        first.ack()
    with connected(served) as client:
        assert client.subscribe(here, durable_name=here).get(WAIT_S).text == "2"


def test_with_auto_a_message_is_acknowledged_when_the_next_one_is_asked_for(served, here):
    with connected(served) as client:
        client.publish_many(Outgoing(here, str(number)) for number in range(4))
        subscription = client.subscribe(here, durable_name=here, from_seq=1, ack="auto")
        assert [subscription.get(WAIT_S).text for _ in range(3)] == ["0", "1", "2"]
    with connected(served) as client:
        assert client.subscribe(here, durable_name=here).get(WAIT_S).text == "2"


def test_consumers_share_a_queue_and_what_one_gives_back_comes_to_another(served):
    with connected(served) as client, connected(served) as other:
        client.publish_many(Outgoing("/queue/shared", str(number)) for number in range(2))
        first = client.subscribe("/queue/shared", prefetch=1).get(WAIT_S)
        with other.subscribe("/queue/shared", prefetch=1) as second:
            kept = second.get(WAIT_S)
            assert (first.text, kept.text) == ("0", "1")
            kept.ack(wait=True)
            first.nack()
            again = second.get(WAIT_S)
            assert (again.text, again.redelivered) == ("0", True)
            again.ack()


def test_a_transaction_settles_a_message_together_with_what_it_publishes(client, here):
    client.publish("/queue/work", "job")
    queue, results = client.subscribe("/queue/work"), client.subscribe(here)
    message = queue.get(WAIT_S)
    with client.transaction() as transaction:
        transaction.ack(message)
        transaction.publish(here, "done", dedup_id=message.message_id)
    assert results.get(WAIT_S).text == "done"
    queue.close()
    with client.subscribe("/queue/work") as again, pytest.raises(Timeout):
        again.get(0.3)


def test_a_gap_is_told_once_and_reading_goes_on(start_server):
    server = start_server()
    with connected(server) as client:
        client.publish_many(Outgoing("/topic/a", str(number)) for number in range(30))
    server.kill()
    lose_beginning(server.directory, 20)
    server.restart()
    with connected(server) as client:
        subscription = client.subscribe("/topic/a", from_seq=2)
        with pytest.raises(Gap) as said:
            subscription.get(WAIT_S)
        assert (said.value.asked, said.value.first) == (2, 21)
        assert subscription.get(WAIT_S).seq == 21


def test_what_is_closed_says_so(served, here):
    client = connected(served)
    subscription = client.subscribe(here)
    client.close()
    client.close()
    for call in (lambda: client.publish(here, "m"), lambda: subscription.get(1), lambda: client.subscribe(here)):
        with pytest.raises(NotConnected, match="closed"):
            call()


def test_a_thread_that_waits_is_told_when_another_one_closes_the_client(start_server):
    server, raised = start_server(), []
    client = connected(server)

    def wait() -> None:
        with pytest.raises(NotConnected, match="closed") as said:
            next(subscription)
        raised.append(said)

    subscription = client.subscribe("/topic/a")
    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    client.close()
    waiting.join(WAIT_S)
    assert raised


def test_a_silent_server_is_left(start_server):
    server = start_server()
    with connected(server, heart_beat=1, timeout=20) as client:
        server.signal(19)
        answers = []
        sender = threading.Thread(target=lambda: answers.append(client.publish("/topic/a", "m")))
        sender.start()
        sender.join(0.2)
        server.signal(18)
        sender.join(WAIT_S)
        assert answers[0].seq == 1
        assert addresses(server)

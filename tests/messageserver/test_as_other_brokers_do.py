"""What clients know from other brokers: queues, transactions and acknowledgements together."""

import pytest

from .clauses import ALL, acknowledge, error, quiet, sent, speaking, subscribed

pytestmark = pytest.mark.scenario


@pytest.fixture
def queue(here):
    """A queue that no other test uses."""
    return here.replace("/topic/", "/queue/")


def bodies(client, count: int) -> list[bytes]:
    return [each.body for each in client.messages(count)]


@pytest.mark.parametrize("version", ALL)
def test_the_name_of_a_transaction_that_has_ended_can_be_used_again(served, here, version):
    with speaking(served, version) as client:
        subscribed(client, here)
        for end, body in (("COMMIT", "1"), ("ABORT", "2"), ("COMMIT", "3")):
            client.send("BEGIN", {"transaction": "t"})
            sent(client, here, "transaction:t", body=body)
            client.send(end, {"transaction": "t"})
        assert bodies(client, 2) == [b"1", b"3"]
        assert quiet(client)


def test_an_ack_beside_a_transaction_is_not_undone_with_it(served, queue):
    with speaking(served) as client:
        subscribed(client, queue, "ack:client-individual")
        sent(client, queue)
        client.send("BEGIN", {"transaction": "t"})
        acknowledge(client, client.expect("MESSAGE"), receipt="a")
        assert client.expect("RECEIPT").headers["receipt-id"] == "a"
        client.send("ABORT", {"transaction": "t"})
        client.send("UNSUBSCRIBE", {"id": "s"})
        subscribed(client, queue, "ack:client-individual")
        assert quiet(client), "it was settled"


@pytest.mark.parametrize("version", ALL)
def test_an_ack_of_an_aborted_transaction_leaves_the_message_to_be_acknowledged(served, queue, version):
    with speaking(served, version) as client:
        subscribed(client, queue, "ack:client-individual")
        sent(client, queue)
        message = client.expect("MESSAGE")
        client.send("BEGIN", {"transaction": "t"})
        acknowledge(client, message, transaction="t")
        client.send("ABORT", {"transaction": "t"})
        acknowledge(client, message, receipt="a")
        assert client.expect("RECEIPT").headers["receipt-id"] == "a"
    with speaking(served) as client:
        subscribed(client, queue)
        assert quiet(client)


def test_what_an_aborted_transaction_would_have_settled_comes_again(served, queue):
    with speaking(served) as client:
        subscribed(client, queue, "ack:client")
        sent(client, queue, body="again")
        client.send("BEGIN", {"transaction": "t"})
        acknowledge(client, client.expect("MESSAGE"), transaction="t")
        client.send("ABORT", {"transaction": "t", "receipt": "r"})
        client.expect("RECEIPT")
    with speaking(served) as client:
        client.subscribe(queue)
        message = client.expect("MESSAGE")
        assert (message.body, message.headers["redelivered"]) == (b"again", "true")


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_nack_of_a_transaction_gives_back_with_its_commit(served, queue, version):
    with speaking(served, version) as client:
        subscribed(client, queue, "ack:client-individual")
        sent(client, queue)
        client.send("BEGIN", {"transaction": "t"})
        acknowledge(client, client.expect("MESSAGE"), "NACK", transaction="t")
        assert quiet(client)
        client.send("COMMIT", {"transaction": "t"})
        assert client.expect("MESSAGE").headers["redelivered"] == "true"


def test_two_subscriptions_of_one_connection_share_a_queue(served, queue):
    with speaking(served) as client:
        for ident in ("one", "two"):
            client.subscribe(queue, ident, ack="client-individual", max_unacknowledged="2")
        for number in range(4):
            sent(client, queue, body=str(number))
        messages = client.messages(4)
        assert sorted(each.body for each in messages) == [b"0", b"1", b"2", b"3"]
        assert sorted(each.headers["subscription"] for each in messages) == ["one", "one", "two", "two"]
        for each in messages:
            acknowledge(client, each)
        assert quiet(client)


@pytest.mark.parametrize("version", ALL)
def test_an_id_can_be_used_again_after_unsubscribe_and_gets_what_was_given_back(served, queue, version):
    with speaking(served, version) as client:
        subscribed(client, queue, "ack:client")
        sent(client, queue)
        former = client.expect("MESSAGE")
        client.send("UNSUBSCRIBE", {"id": "s", "receipt": "u"})
        assert client.expect("RECEIPT").headers["receipt-id"] == "u"
        subscribed(client, queue, "ack:client")
        message = client.expect("MESSAGE")
        assert message.headers["redelivered"] == "true"
        assert message.headers["message-id"] == former.headers["message-id"]
        acknowledge(client, message, receipt="a")
        assert client.expect("RECEIPT").headers["receipt-id"] == "a"


def test_an_ack_of_the_last_message_settles_all_before_it(served, queue):
    with speaking(served) as client:
        subscribed(client, queue, "ack:client")
        for number in range(5):
            sent(client, queue, body=str(number))
        acknowledge(client, client.messages(4)[-1], receipt="a")
        client.expect("MESSAGE")
        client.expect("RECEIPT")
    with speaking(served) as client:
        subscribed(client, queue)
        assert client.expect("MESSAGE").body == b"4"
        assert quiet(client)


def test_with_a_window_of_one_the_next_message_comes_with_the_ack(served, queue):
    for number in range(3):
        with speaking(served) as client:
            assert client.acked(queue, str(number).encode())
    with speaking(served) as client:
        subscribed(client, queue, "ack:client-individual", "prefetch-count:1")
        for number in range(3):
            message = client.expect("MESSAGE")
            assert (message.body, quiet(client)) == (str(number).encode(), True)
            acknowledge(client, message)
        assert quiet(client)


@pytest.mark.parametrize("version", ALL)
def test_headers_that_other_brokers_heed_are_carried_and_an_empty_body_is_one(served, here, version):
    carried = {"persistent": "true", "priority": "9", "reply-to": "/queue/answers", "correlation-id": "7",
               "content-type": "text/plain", "type": "order", "JMSXGroupID": "g", "a-b_c.d": ""}
    with speaking(served, version) as client:
        subscribed(client, here)
        sent(client, here, *[f"{name}:{value}" for name, value in carried.items()], body="")
        message = client.expect("MESSAGE")
        assert (message.body, message.headers["content-length"]) == (b"", "0")
        assert carried.items() <= message.headers.items()


@pytest.mark.parametrize("destination", [
    "//something", "/badtype/something", "something", "/queue/", "/temp-queue/a", "/exchange/amq.direct/a", "queue/a",
    "/queue/a*b", "jms.queue.a", "/QUEUE/a"])
def test_a_destination_of_another_broker_is_refused_for_sender_and_consumer_alike(served, destination):
    for command, more in (("SEND", {}), ("SUBSCRIBE", {"id": "s"})):
        with speaking(served) as client:
            client.send(command, {"destination": destination, "receipt": "r", **more})
            assert error(client, "begins with /topic/, /queue/ or /log/").headers["receipt-id"] == "r"


def test_a_message_that_a_consumer_dies_with_comes_marked_to_the_next_and_those_behind_it_unmarked(served, queue):
    with speaking(served) as client:
        client.subscribe(queue, "s", ack="client", max_unacknowledged="1")
        for number in range(3):
            sent(client, queue, body=str(number))
        client.expect("MESSAGE")
    with speaking(served) as client:
        subscribed(client, queue, "ack:client")
        assert [(each.body, each.headers.get("redelivered")) for each in client.messages(3)] == [
            (b"0", "true"), (b"1", None), (b"2", None)]

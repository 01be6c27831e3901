"""Queues over real sockets: consumers share the messages, and what one does not deal with another one gets."""

import contextlib
import sqlite3

import pytest

from messageserver.ownership import FILE
from tests.doubles.stomp import Client

from .test_positions import INDIVIDUAL, ack, bodies, fill
from .test_sessions import error_text

pytestmark = pytest.mark.scenario
QUEUE = "/queue/work"


def take(client: Client, ident: str = "q", **headers) -> None:
    client.subscribe(QUEUE, ident, **{"ack": INDIVIDUAL, **headers})


def test_what_was_sent_before_there_was_a_consumer_waits_for_one(server):
    with server.client() as client:
        fill(client, 3, QUEUE)
        take(client)
        assert bodies(client, 3) == [0, 1, 2]


def test_consumers_share_the_messages(server):
    with server.client() as sender, server.client() as one, server.client() as two:
        take(one)
        take(two)
        fill(sender, 20, QUEUE)
        got = bodies(one, 10), bodies(two, 10)
        assert sorted([*got[0], *got[1]]) == list(range(20))
        assert [sorted(each) for each in got] == list(map(list, got))


def test_a_consumer_with_a_small_window_leaves_the_rest_to_others(server):
    with server.client() as sender, server.client() as one, server.client() as two:
        take(one, max_unacknowledged="1")
        take(two)
        fill(sender, 10, QUEUE)
        [first] = one.messages(1)
        rest = bodies(two, 9)
        assert sorted([int(first.body), *rest]) == list(range(10))
        ack(one, first)
        fill(sender, 3, QUEUE, first=10)
        assert one.expect("MESSAGE").headers["destination"] == QUEUE


def test_what_is_acknowledged_never_comes_again_and_what_is_not_comes_marked(server):
    with server.client() as client:
        take(client)
        fill(client, 4, QUEUE)
        messages = client.messages(4)
        assert not any("redelivered" in message.headers for message in messages)
        for place in (0, 2):
            ack(client, messages[place])
    with server.client() as client:
        take(client)
        again = client.messages(2)
        assert [(message.body, message.headers["redelivered"]) for message in again] == [(b"1", "true"), (b"3", "true")]
        fill(client, 1, QUEUE, first=4)
        assert "redelivered" not in client.expect("MESSAGE").headers


def test_a_refused_message_goes_to_another_consumer_first(server):
    with server.client() as sender, server.client() as one, server.client() as two:
        take(one)
        take(two)
        fill(sender, 2, QUEUE)
        mine, other = one.expect("MESSAGE"), two.expect("MESSAGE")
        ack(one, mine, "NACK")
        again = two.expect("MESSAGE")
        assert (again.body, again.headers["redelivered"]) == (mine.body, "true")
        assert again.body != other.body


def test_the_only_consumer_gets_back_what_it_refuses(server):
    with server.client() as client:
        take(client)
        fill(client, 1, QUEUE)
        for _ in range(3):
            ack_id = client.expect("MESSAGE").headers["ack"]
            client.send("NACK", {"id": ack_id})
        assert client.expect("MESSAGE").headers["redelivered"] == "true"


@pytest.mark.parametrize("how", ["UNSUBSCRIBE", "DISCONNECT", "lost"])
def test_a_consumer_that_leaves_gives_back_in_order_what_it_has_not_settled(server, how):
    with server.client() as sender, server.client() as one:
        take(one)
        fill(sender, 3, QUEUE)
        one.messages(3)
        if how == "lost":
            one.close()
        else:
            one.send(how, {"id": "q", "receipt": "r"})
            one.expect("RECEIPT")
        take(sender)
        assert bodies(sender, 3) == [0, 1, 2]


def test_what_was_handed_out_and_settled_survives_a_kill(server):
    with server.client() as client:
        take(client)
        fill(client, 4, QUEUE)
        messages = client.messages(4)
        ack(client, messages[1])
        server.kill()
    server.restart()
    with server.client() as client:
        fill(client, 1, QUEUE, first=4)
        take(client)
        found = client.messages(4)
        assert [(int(m.body), m.headers.get("redelivered", "")) for m in found] == [
            (0, "true"), (2, "true"), (3, "true"), (4, "")]


def test_an_acknowledgement_among_many_open_messages_is_small_on_disk_and_survives_a_kill(server):
    count, settled = 900, range(0, 600, 20)
    with server.client() as client:
        take(client)
        fill(client, count, QUEUE)
        messages = client.messages(count)
        for place in settled:
            ack(client, messages[place])
        last = int(messages[-1].headers["seq"])
    server.kill()
    with contextlib.closing(sqlite3.connect(server.directory / "data" / FILE)) as db:
        sizes = [size for size, in db.execute("SELECT length(body) FROM records WHERE seq > ? AND destination LIKE "
                                              "'mark:%' ORDER BY seq LIMIT ?", (last + 1, len(settled)))]
    assert sum(sizes) / len(sizes) < 400  # each of them told all 900: 1,800 bytes
    server.restart()
    with server.client() as client:
        take(client)
        assert bodies(client, count - len(settled)) == sorted(set(range(count)) - set(settled))


def test_with_auto_a_message_is_settled_when_it_is_handed_out(server):
    with server.client() as client:
        take(client, ack="auto")
        fill(client, 3, QUEUE)
        assert bodies(client, 3) == [0, 1, 2]
        client.send("DISCONNECT", {"receipt": "bye"})
        client.expect("RECEIPT")
    with server.client() as client:
        fill(client, 1, QUEUE, first=3)
        take(client)
        assert bodies(client, 1) == [3]


def test_a_backlog_is_handed_out_in_order_as_the_window_allows(server):
    with server.client() as client:
        fill(client, 700, QUEUE)
        take(client, max_unacknowledged="100", ack="client")
        seen = []
        while len(seen) < 700:
            messages = client.messages(100)
            seen += [int(message.body) for message in messages]
            client.send("ACK", {"id": messages[-1].headers["ack"]})
        assert seen == list(range(700))


def test_acknowledging_and_sending_in_one_transaction_happen_together(server):
    with server.client() as client:
        take(client)
        fill(client, 2, QUEUE)
        first = client.messages(2)[0]
        client.send("BEGIN", {"transaction": "t"})
        client.publish("/topic/result", b"", transaction="t")
        client.send("ACK", {"id": first.headers["ack"], "transaction": "t"})
        client.send("COMMIT", {"transaction": "t", "receipt": "done"})
        client.expect("RECEIPT")
    with server.client() as client:
        take(client)
        assert bodies(client, 1) == [1]


@pytest.mark.parametrize(("headers", "destination"), [
    ({"browser": "true"}, QUEUE), ({"from-seq": "1"}, QUEUE), ({"last": "2"}, QUEUE), ({"from-seq": "1"}, "/*")])
def test_looking_at_a_queue_takes_nothing(server, headers, destination):
    with server.client() as client:
        for body in (b"0", b"1"):
            client.acked(QUEUE, body)
        client.subscribe(destination, "look", **headers)
        assert bodies(client, 2) == [0, 1]
        take(client)
        assert bodies(client, 2) == [0, 1]


@pytest.mark.parametrize(("destination", "headers", "words"), [
    ("/queue/*", {}, "one queue at a time"), (QUEUE, {"durable-name": "n"}, "keeps by itself"),
    (QUEUE, {"selector": "a = 'b'"}, "leave out the header selector")])
def test_what_a_queue_cannot_do_is_refused(server, destination, headers, words):
    with server.client() as client:
        client.send("SUBSCRIBE", {"id": "q", "destination": destination, "receipt": "r", **headers})
        assert words in error_text(client)


def test_with_the_option_log_a_queue_is_what_a_topic_is(start_server):
    server = start_server(options={"messages": {"queues": "log"}})
    with server.client() as client:
        for ident in ("one", "two"):
            client.subscribe("/queue/*", ident)
        client.publish(QUEUE, b"1")
        assert {frame.headers["subscription"] for frame in client.messages(2)} == {"one", "two"}


def test_what_a_later_acknowledgement_covered_may_be_acknowledged_again_after_a_redelivery(server):
    with server.client() as client:
        fill(client, 3, QUEUE)
        take(client, ack="client", max_unacknowledged="3")
        messages = client.messages(3)
        client.send("NACK", {"id": messages[0].headers["ack"]})
        again = client.expect("MESSAGE")
        assert again.body == b"0"
        ack(client, again)
        ack(client, messages[2])

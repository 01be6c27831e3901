"""Named positions: a subscription with a durable-name goes on where its acknowledgements have brought it."""

import contextlib
import json
import resource

import pytest

from tests.doubles.stomp import Client

from .test_sessions import error_text

pytestmark = pytest.mark.scenario
INDIVIDUAL = "client-individual"


@contextlib.contextmanager
def full_disk(server, room=50_000):
    """Inside, no file of ``server`` becomes larger by more than ``room`` bytes."""
    pid = server.process.pid
    size = max(file.stat().st_size for file in (server.directory / "data").iterdir())
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + room, resource.RLIM_INFINITY))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def named(client: Client, name: str = "orders", destination: str = "/topic/a", **headers) -> None:
    client.subscribe(destination, durable_name=name, **{"ack": "client", **headers})


def ack(client: Client, message, command: str = "ACK") -> None:
    """Acknowledge ``message`` and wait until that is kept."""
    client.send(command, {"id": message.headers["ack"], "receipt": "ack"})
    assert client.expect("RECEIPT").headers["receipt-id"] == "ack"


def fill(client: Client, count: int, destination: str = "/topic/a", first: int = 0) -> None:
    for number in range(first, first + count):
        client.publish(destination, b"%d" % number)


def bodies(client: Client, count: int) -> list[int]:
    return [int(frame.body) for frame in client.messages(count)]


def test_a_position_begins_with_what_comes_and_goes_on_behind_what_was_acknowledged(server):
    with server.client() as client:
        fill(client, 3)
        named(client)
        fill(client, 4, first=3)
        messages = client.messages(4)
        assert [int(message.body) for message in messages] == [3, 4, 5, 6]
        ack(client, messages[1])
    with server.client() as client:
        fill(client, 1, first=7)
        named(client)
        assert bodies(client, 3) == [5, 6, 7]


def test_a_position_begins_where_its_first_subscription_wants(server):
    with server.client() as client:
        fill(client, 5)
        client.acked("/topic/other", b"")
        named(client, from_seq="1", max_unacknowledged="2")
        assert bodies(client, 2) == [0, 1]
        named(client, "newest", ident="n", last="2")
        assert bodies(client, 2) == [3, 4]


def test_what_was_acknowledged_one_by_one_does_not_come_again_and_the_rest_does(server):
    with server.client() as client:
        named(client, ack=INDIVIDUAL)
        fill(client, 6)
        messages = client.messages(6)
        for place in (1, 4):
            ack(client, messages[place])
    for _ in range(2):
        with server.client() as client:
            named(client, ack=INDIVIDUAL)
            assert bodies(client, 4) == [0, 2, 3, 5]


def test_a_position_survives_a_kill_of_the_server(server):
    with server.client() as client:
        named(client)
        fill(client, 3)
        ack(client, client.messages(3)[1])
        server.kill()
    server.restart()
    with server.client() as client:
        named(client)
        assert bodies(client, 1) == [2]


def test_acknowledgements_without_a_receipt_are_kept_when_the_connection_ends_well(server):
    with server.client() as client:
        named(client)
        fill(client, 3)
        client.send("ACK", {"id": client.messages(3)[1].headers["ack"]})
        client.send("DISCONNECT", {"receipt": "bye"})
        client.expect("RECEIPT")
        server.kill()
    server.restart()
    with server.client() as client:
        named(client)
        assert bodies(client, 1) == [2]


def test_with_auto_what_was_sent_to_the_connection_counts_as_dealt_with(server):
    with server.client() as client:
        named(client, ack="auto")
        fill(client, 3)
        assert bodies(client, 3) == [0, 1, 2]
        client.send("DISCONNECT", {"receipt": "bye"})
        client.expect("RECEIPT")
    with server.client() as client:
        fill(client, 1, first=3)
        named(client, ack="auto")
        assert bodies(client, 1) == [3]


def test_nack_moves_a_position_on_as_in_any_log(server):
    with server.client() as client:
        named(client, ack=INDIVIDUAL)
        fill(client, 2)
        ack(client, client.messages(2)[0], "NACK")
    with server.client() as client:
        named(client, ack=INDIVIDUAL)
        assert bodies(client, 1) == [1]


@pytest.mark.parametrize("abort", [False, True])
def test_acknowledgements_of_a_transaction_count_with_its_commit(server, abort):
    with server.client() as client:
        named(client, ack=INDIVIDUAL)
        fill(client, 2)
        first = client.messages(2)[0]
        client.send("BEGIN", {"transaction": "t"})
        client.publish("/topic/result", b"", transaction="t")
        client.send("ACK", {"id": first.headers["ack"], "transaction": "t"})
        client.send("ABORT" if abort else "COMMIT", {"transaction": "t", "receipt": "done"})
        client.expect("RECEIPT")
    with server.client() as client:
        named(client, ack=INDIVIDUAL)
        assert bodies(client, 1) == [0 if abort else 1]


def test_a_name_is_for_one_destination_and_one_connection(server):
    with server.client() as client, server.client() as other:
        named(client)
        other.send("SUBSCRIBE", {"id": "s", "destination": "/topic/a", "durable-name": "orders", "receipt": "r"})
        assert "Another connection uses" in error_text(other)
    with server.client() as client:
        client.send("SUBSCRIBE", {"id": "s", "destination": "/topic/b", "durable-name": "orders", "receipt": "r"})
        assert "is for /topic/a" in error_text(client)
    with server.client() as client:
        client.send("SUBSCRIBE", {"id": "s", "destination": "/topic/a", "durable-name": "orders", "receipt": "r",
                                  "selector": "kind = 'x'"})
        assert "is for /topic/a" in error_text(client)


@pytest.mark.parametrize("headers", [
    {"activemq.subscriptionName": "n"}, {"durable-subscription-name": "n"},
    {"durable": "true", "auto-delete": "false", "x-queue-name": "n"}])
def test_the_words_of_other_brokers_name_the_same_position(server, headers):
    with server.client() as client:
        client.subscribe("/topic/a", ack="client")
        client.send("SUBSCRIBE", {"id": "n", "destination": "/topic/a", "ack": "client", "receipt": "r", **headers})
        client.expect("RECEIPT")
        client.send("UNSUBSCRIBE", {"id": "n", "receipt": "r"})
        client.expect("RECEIPT")
        fill(client, 1)
        assert bodies(client, 1) == [0]
        named(client, "n", ident="again")
        assert bodies(client, 1) == [0]


def test_unsubscribe_keeps_the_position_and_with_its_name_deletes_it(server):
    with server.client() as client:
        named(client, from_seq="1")
        client.send("UNSUBSCRIBE", {"id": "s", "receipt": "r"})
        client.expect("RECEIPT")
        fill(client, 2)
        named(client)
        assert bodies(client, 2) == [0, 1]
        client.send("UNSUBSCRIBE", {"id": "s", "durable-name": "orders", "receipt": "r"})
        client.expect("RECEIPT")
        named(client, destination="/topic/b")
        client.publish("/topic/b", b"7")
        assert bodies(client, 1) == [7]


def test_deleting_what_is_not_there_is_an_error(server):
    with server.client() as client:
        client.send("UNSUBSCRIBE", {"id": "s", "durable-name": "orders", "receipt": "r"})
        assert "no position 'orders'" in error_text(client)


def test_more_positions_than_the_option_allows_are_refused(start_server):
    server = start_server(options={"limits": {"max-positions": "1"}})
    with server.client() as client:
        named(client)
        client.send("SUBSCRIBE", {"id": "t", "destination": "/topic/a", "durable-name": "more", "receipt": "r"})
        assert "limits/max-positions" in error_text(client)


def test_marks_are_not_delivered_and_cannot_be_sent(server):
    with server.client() as client:
        client.subscribe("/*", "all", from_seq="1")
        named(client)
        client.publish("/topic/a", b"1")
        assert {frame.headers["destination"] for frame in client.messages(2)} == {"/topic/a"}
        client.publish("mark:position:orders", b"{}")
        assert "not usable" in error_text(client)


def positions(client: Client, ident: str = "ask") -> list[dict]:
    """What the server tells of all positions."""
    client.send("SUBSCRIBE", {"id": ident, "destination": "/server/positions"})
    return json.loads(client.expect("MESSAGE").body)["positions"]


def test_positions_are_listed_moved_and_deleted_by_a_destination(server):
    with server.client() as client, server.client() as other:
        named(client, ack=INDIVIDUAL)
        fill(client, 3)
        messages = client.messages(3)
        ack(client, messages[1])
        seq = int(messages[1].headers["seq"])
        assert positions(other) == [{"name": "orders", "destination": "/topic/a", "selector": "", "seq": seq, "open": 1,
                                     "used_by": "bench"}]
        client.send("UNSUBSCRIBE", {"id": "s", "receipt": "r"})
        client.expect("RECEIPT")
        other.send("SEND", {"destination": "/server/positions/orders", "seq": messages[0].headers["seq"],
                            "receipt": "r"})
        other.expect("RECEIPT")
        named(client, ack=INDIVIDUAL)
        assert bodies(client, 2) == [1, 2]
        client.send("UNSUBSCRIBE", {"id": "s", "receipt": "r"})
        client.expect("RECEIPT")
        other.send("SEND", {"destination": "/server/positions/orders", "delete": "true", "receipt": "r"})
        other.expect("RECEIPT")
        assert positions(other, "again") == []


@pytest.mark.parametrize(("headers", "words"), [({}, "header seq"), ({"seq": "x"}, "header seq"),
                                                ({"seq": "1"}, "uses the position")])
def test_a_position_is_not_changed_while_it_is_used_nor_by_anything_else(server, headers, words):
    with server.client() as client, server.client() as other:
        named(client)
        other.send("SEND", {"destination": "/server/positions/orders", "receipt": "r", **headers})
        assert words in error_text(other)


def test_a_message_whose_acknowledgement_failed_with_its_transaction_comes_again(server):
    with server.client() as client:
        named(client)
        fill(client, 2)
        last = client.messages(2)[1]
        with full_disk(server):
            client.send("BEGIN", {"transaction": "t"})
            client.publish("/topic/other", b"x" * 200_000, transaction="t")
            client.send("ACK", {"id": last.headers["ack"], "transaction": "t"})
            client.send("COMMIT", {"transaction": "t"})
            assert "does not count" in client.expect("ERROR").headers["message"]
            server.control.wait_report(state="service_unavailable")
        server.control.wait_report(state="started", reason="")
    with server.client() as client:
        named(client)
        assert bodies(client, 2) == [0, 1]


def test_a_transaction_counts_for_nothing_once_the_subscription_that_it_acknowledges_has_ended(server):
    with server.client() as client, server.client() as other:
        named(client)
        fill(client, 3)
        first = client.messages(3)[0]
        client.send("BEGIN", {"transaction": "t"})
        client.publish("/topic/result", b"", transaction="t")
        client.send("ACK", {"id": first.headers["ack"], "transaction": "t"})
        client.send("UNSUBSCRIBE", {"id": "s", "receipt": "r"})
        client.expect("RECEIPT")
        named(other)
        ack(other, other.messages(3)[2])
        client.send("COMMIT", {"transaction": "t", "receipt": "done"})
        assert "has ended since" in error_text(client)
        assert positions(other)[0]["open"] == 0
        other.subscribe("/topic/result", "results", from_seq="1")
        other.publish("/topic/result", b"last")
        assert other.expect("MESSAGE").body == b"last"


@pytest.mark.parametrize("headers", [{}, {"from_seq": "1"}])
def test_a_position_can_be_taken_up_again_at_once(server, headers):
    with server.client() as client:
        named(client, from_seq="1")
        for number in range(50):
            client.publish("/topic/other", b"%d" % number)
        client.send("UNSUBSCRIBE", {"id": "s"})
        named(client, **headers)

"""No client can take the server down: limits, slow consumers, floods."""

import pytest

from tests.doubles.stomp import Client

pytestmark = pytest.mark.scenario


def limited(start_server, **limits):
    return start_server(options={"limits": {key.replace("_", "-"): str(value) for key, value in limits.items()}})


def test_an_oversized_body_gets_an_error(start_server):
    server = limited(start_server, max_frame_bytes=2000)
    with server.client() as client, server.client() as other:
        client.publish("/topic/a", b"x" * 2001)
        assert "2000 bytes" in client.expect("ERROR").headers["message"]
        assert client.next() is None
        assert other.acked("/topic/a", b"x" * 2000) == 1


def test_a_large_body_within_the_limit_arrives_whole(server):
    body = bytes(range(256)) * 4096
    with server.client() as client:
        client.subscribe("/topic/a")
        client.publish("/topic/a", body)
        assert client.expect("MESSAGE").body == body


def test_connections_above_the_limit_are_told_so(start_server):
    server = limited(start_server, max_connections=3)
    clients = [server.client() for _ in range(3)]
    with server.client(connect=False) as extra:
        extra.connect()
        assert "3 connections" in extra.expect("ERROR").headers["message"]
    clients[0].send("DISCONNECT", {"receipt": "1"})
    clients[0].expect("RECEIPT")
    assert clients[0].next() is None
    server.control.wait_report(clients=2)
    with server.client() as again:
        assert again.acked("/topic/a", b"") == 1
    for client in clients:
        client.close()


def test_a_connection_whose_client_has_closed_is_free_at_once(start_server):
    server = limited(start_server, max_connections=5)
    for _ in range(500):
        server.client().close()
    with server.client() as client:
        assert client.acked("/topic/a", b"") == 1


@pytest.mark.long
def test_connections_that_say_nothing_keep_no_client_out(start_server):
    server = limited(start_server, max_connections=20, connect_timeout=600)
    silent = [server.client(connect=False) for _ in range(200)]
    with server.client() as client:
        assert client.acked("/topic/a", b"") == 1
        silent += [server.client(connect=False) for _ in range(100)]
        assert client.acked("/topic/a", b"") == 2, "who has logged in is not cut for strangers"
    assert [one.next() for one in silent[:200]] == [None] * 200, "the oldest were cut for newer ones"
    server.control.wait(lambda: any("has not sent CONNECT" in event.text for event in server.control.events))
    for one in silent:
        one.close()


@pytest.mark.long
def test_connections_that_do_not_read_their_last_frame_keep_no_client_out(start_server):
    server = limited(start_server, max_connections=20)
    lingering = []
    for _ in range(100):
        lingering.append(server.client(connect=False))
        lingering[-1].raw(b"RUBBISH\n\n\0")
    with server.client() as client:
        assert client.acked("/topic/a", b"") == 1
    for one in lingering:
        one.close()


def test_subscriptions_above_the_limit_are_refused(start_server):
    server = limited(start_server, max_subscriptions=2)
    with server.client() as client:
        client.subscribe("/topic/a", "1")
        client.subscribe("/topic/a", "2")
        client.send("SUBSCRIBE", {"id": "3", "destination": "/topic/a"})
        assert "2 subscriptions" in client.expect("ERROR").headers["message"]


@pytest.mark.long
def test_a_consumer_that_reads_nothing_is_cut_and_the_others_go_on(start_server):
    server = limited(start_server, max_backlog_bytes=200_000)
    slow, good = server.client(), server.client()
    slow.subscribe("/topic/a")
    good.subscribe("/topic/a")
    with server.client() as sender:
        body, sent = b"x" * 50_000, 0
        while "is cut: it left more than 200000 bytes unread" not in server.output:
            assert sent < 2000, "100 MB were sent and nobody was cut"
            sender.acked("/topic/a", body)
            assert good.expect("MESSAGE").body == body
            sent += 1
        assert sender.acked("/topic/b", b"") == sent + 1
    slow.close()
    good.close()


@pytest.mark.long
def test_a_consumer_that_takes_nothing_of_a_replay_is_cut_after_the_stall_timeout(start_server):
    server = limited(start_server, stall_timeout=1)
    with server.client() as sender, server.client() as slow:
        for _ in range(40):
            sender.publish("/topic/a", b"x" * 1_000_000)
        sender.acked("/topic/b", b"")
        slow.send("SUBSCRIBE", {"id": "1", "destination": "/topic/a", "from-seq": "1"})
        server.control.wait(lambda: any("took nothing for 1 s" in e.text for e in server.control.events))
        assert sender.acked("/topic/b", b"") == 42


@pytest.mark.long
def test_a_slow_consumer_with_acks_reads_at_its_own_pace(start_server):
    server = limited(start_server, max_backlog_bytes=200_000, max_unacknowledged=5)
    with server.client() as sender, server.client() as slow:
        slow.subscribe("/topic/a", ack="client-individual")
        for _ in range(100):
            sender.publish("/topic/a", b"x" * 50_000)
        sender.acked("/topic/b", b"")
        for seq in range(1, 101):
            message = slow.expect("MESSAGE")
            assert int(message.headers["seq"]) == seq
            slow.send("ACK", {"id": message.headers["ack"]})


@pytest.mark.long
def test_a_connection_without_connect_is_closed(start_server):
    server = limited(start_server, connect_timeout=1)
    with server.client(connect=False) as client:
        assert "No CONNECT" in client.expect("ERROR").headers["message"]
        assert client.next() is None


@pytest.mark.parametrize("frame", [
    b"SEND\ndestination:/topic/a\ncontent-length:20\nreceipt:r\n\nabc\0",
    b"SEND\ndestination:/topic/a\nreceipt:r\n\nabc",
    b"SEND\ndestination:/topic/a\n"])
def test_a_frame_whose_rest_does_not_come_is_told_of(start_server, frame):
    server = limited(start_server, stall_timeout=1)
    with server.client() as client:
        client.raw(frame)
        assert "The rest of a frame has not come for 1 s" in client.expect("ERROR").headers["message"]
        assert client.next() is None


def test_open_transactions_are_bounded(start_server):
    server = limited(start_server, max_backlog_bytes=100_000)
    with server.client() as client:
        client.send("BEGIN", {"transaction": "t"})
        for _ in range(5):
            client.publish("/topic/a", b"x" * 30_000, transaction="t")
        assert "too large" in client.expect("ERROR").headers["message"]
    with server.client() as client:
        for number in range(17):
            client.send("BEGIN", {"transaction": str(number)})
        assert "16 transactions" in client.expect("ERROR").headers["message"]
        assert client.next() is None
    with server.client() as client:
        assert client.acked("/topic/a", b"") == 1, "nothing of the dropped transactions counts"


@pytest.mark.long
def test_a_sender_faster_than_the_disk_is_slowed_down_not_lost(server):
    count = 60
    with server.client() as sender, server.client() as other:
        for number in range(count):
            sender.publish("/topic/a", b"x" * 1_000_000, receipt=str(number))
        assert [sender.expect("RECEIPT").headers["receipt-id"] for _ in range(count)] == [*map(str, range(count))]
        assert other.acked("/topic/b", b"") == count + 1


@pytest.mark.parametrize("client_version", ["1.1"])
def test_stomp_1_1_clients_acknowledge_by_message_id(start_server, client_version):
    server = limited(start_server, max_unacknowledged=1)
    with Client(server.port, **{"accept-version": client_version}) as client:
        assert client.connected.headers["version"] == client_version
        client.subscribe("/topic/a", ack="client-individual")
        for number in range(3):
            client.publish("/topic/a", b"%d" % number)
        for number in range(3):
            message = client.expect("MESSAGE")
            assert message.body == b"%d" % number
            client.send("ACK", {"message-id": message.headers["message-id"], "subscription": "s"})

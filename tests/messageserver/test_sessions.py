"""What STOMP clients get from a real server over real sockets."""

import time

import pytest

from messageserver.frames import WrongPasscode
from messageserver.guesses import A_SECOND, BURST
from tests.doubles.stomp import Client

pytestmark = pytest.mark.scenario


def error_text(client: Client) -> str:
    """The sentence of the ERROR that is next; the connection is closed after it."""
    frame = client.expect("ERROR")
    assert frame.body.decode() == frame.headers["message"]
    assert client.next() is None
    return frame.headers["message"]


def test_connected_tells_version_and_position(server):
    with server.client() as client:
        headers = client.connected.headers
        assert (headers["version"], headers["last-seq"], headers["first-seq"]) == ("1.2", "0", "1")
        assert client.acked("/topic/a", b"x") == 1
    with server.client() as client:
        assert client.connected.headers["last-seq"] == "1"


@pytest.mark.parametrize(("headers", "words"), [
    ({"passcode": "wrong"}, "wrong"), ({"login": "nobody"}, "wrong"), ({"accept-version": "2.0"}, "1.2, 1.1 and 1.0"),
    ({"heart-beat": "often"}, "heart-beat")])
def test_a_connection_that_is_not_allowed_gets_a_sentence(served, headers, words):
    with served.client(connect=False) as client:
        client.send("CONNECT", {"accept-version": "1.2", "login": "bench", "passcode": "benchpass", **headers})
        assert words in error_text(client)
    assert "benchpass" not in served.output
    assert "passcode=" not in served.output


def guess(server, passcode: str = "wrong") -> Client:
    client = server.client(connect=False)
    client.send("CONNECT", {"accept-version": "1.2", "login": "bench", "passcode": passcode})
    return client


def test_guessing_passcodes_takes_time_and_ends(server):
    began = time.monotonic()
    clients = [guess(server) for _ in range(BURST + 20)]
    texts = [error_text(client) for client in clients]
    took_s = time.monotonic() - began
    assert took_s >= WrongPasscode.after_s
    assert sum("was not looked at. Try again." in text for text in texts) >= 20 - A_SECOND * took_s
    for client in clients:
        client.close()
    with guess(server, "benchpass") as late:
        assert late.next().command == "CONNECTED"


def test_what_comes_before_the_login_is_small(server):
    for frame in (b"CONNECT\nlogin:bench\ncontent-length:70000\n\n" + b"x" * 70_000,
                  b"CONNECT\nheader:" + b"x" * 9000 + b"\n\n\0"):
        with server.client(connect=False) as client:
            client.raw(frame)
            assert "larger than" in error_text(client)


def test_what_is_sent_together_with_the_login_is_taken_after_it_however_large(server):
    body = b"x" * 70_000
    with server.client(connect=False) as client:
        client.raw(b"CONNECT\naccept-version:1.2\nlogin:bench\npasscode:benchpass\n\n\0"
                   b"SEND\ndestination:/topic/a\nreceipt:1\ncontent-length:%d\n\n%b\0" % (len(body), body))
        assert [client.next().command for _ in range(2)] == ["CONNECTED", "RECEIPT"]


def test_without_any_configured_login_the_refusal_says_where_to_add_one(start_server):
    server = start_server(options={"clients": {}})
    with server.client(connect=False) as client:
        client.send("CONNECT", {"accept-version": "1.2", "login": "a", "passcode": "b"})
        assert "section clients" in error_text(client)


def test_a_message_carries_its_place_and_the_senders_own_headers(server):
    with server.client() as client:
        client.subscribe("/topic/a")
        client.publish("/topic/a", b"one\0two", receipt="r:1", colour="a:b\nc", seq="77", content_type="text/plain")
        receipt, message = sorted((client.next(), client.next()), key=lambda f: f.command, reverse=True)
        assert receipt.headers == {"receipt-id": "r:1", "seq": "1"}
        assert message.body == b"one\0two"
        wanted = {"subscription": "s", "destination": "/topic/a", "message-id": "1-1", "seq": "1", "epoch": "1",
                  "colour": "a:b\nc", "content-type": "text/plain", "content-length": "7"}
        assert {key: message.headers.get(key) for key in wanted} == wanted
        assert int(message.headers["timestamp"]) > 1_700_000_000_000


def test_only_matching_destinations_are_delivered(server):
    with server.client() as client:
        client.subscribe("/topic/a.*", "prefix")
        client.subscribe("/log/*", "log")
        client.subscribe("/topic/b", "exact")
        for destination in ("/topic/a.1", "/topic/b", "/topic/bb", "/queue/a.1", "/log/standard", "/topic/a.2.3"):
            client.publish(destination, b"", event="00-04504", application="MS")
        got = [(m.headers["subscription"], m.headers["destination"]) for m in client.messages(4)]
        assert sorted(got) == [("exact", "/topic/b"), ("log", "/log/standard"), ("prefix", "/topic/a.1"),
                               ("prefix", "/topic/a.2.3")]


def test_from_seq_resumes_without_gap_or_duplicate_while_others_send(server):
    total, reader = 6000, server.client()
    with server.client() as sender:
        sender.raw(b"".join(b"SEND\ndestination:/topic/a\n\n%d\0" % n for n in range(total // 2)))
        sender.acked("/topic/b", b"")
        reader.subscribe("/topic/a", from_seq="101")
        sender.raw(b"".join(b"SEND\ndestination:/topic/a\n\n%d\0" % n for n in range(total // 2, total)))
        bodies = [int(m.body) for m in reader.messages(total - 100)]
    assert bodies == list(range(100, total))
    reader.close()


def test_from_seq_ahead_of_the_log_waits_for_that_message(server):
    with server.client() as client:
        client.subscribe("/topic/a", from_seq="3")
        for number in (1, 2, 3):
            client.publish("/topic/a", b"%d" % number)
        assert client.expect("MESSAGE").body == b"3"


def test_dedup_id_counts_once_and_is_acknowledged_with_the_first_place(server):
    with server.client() as client:
        client.subscribe("/topic/*")
        assert client.acked("/topic/a", b"first", dedup_id="d1") == 1
        assert client.expect("MESSAGE").headers["dedup-id"] == "d1"
        assert client.acked("/topic/a", b"again", dedup_id="d1") == 1
    with server.client() as client:
        assert client.acked("/topic/a", b"again", dedup_id="d1") == 1
        assert client.acked("/topic/a", b"new", dedup_id="d2") == 2


@pytest.mark.parametrize("mode", ["client-individual", "client"])
def test_unacknowledged_messages_are_bounded_and_acks_let_more_through(start_server, mode):
    server = start_server(options={"limits": {"max-unacknowledged": "10"}})
    with server.client() as client, server.client() as sender:
        client.subscribe("/topic/a", ack=mode)
        for number in range(35):
            sender.publish("/topic/a", b"%d" % number)
        sender.acked("/topic/b", b"")
        seen = []
        while len(seen) < 35:
            messages = client.messages(min(10, 35 - len(seen)))
            client.send("BEGIN", {"transaction": "t", "receipt": "barrier"})
            assert client.expect("RECEIPT").headers["receipt-id"] == "barrier", "no eleventh message without an ACK"
            client.send("ABORT", {"transaction": "t"})
            seen += messages
            for message in messages if mode == "client-individual" else messages[-1:]:
                client.send("NACK" if message.body == b"3" else "ACK", {"id": message.headers["ack"]})
        assert [int(m.body) for m in seen] == list(range(35))


def test_unsubscribe_ends_delivery(server):
    with server.client() as client:
        client.subscribe("/topic/a")
        client.send("UNSUBSCRIBE", {"id": "s", "receipt": "u"})
        client.expect("RECEIPT")
        assert client.acked("/topic/a", b"") == 1, "the receipt comes, no MESSAGE before it"


def test_a_transaction_counts_as_a_whole_or_not_at_all(server):
    with server.client() as client:
        client.subscribe("/topic/*")
        client.send("BEGIN", {"transaction": "kept"})
        client.send("BEGIN", {"transaction": "dropped"})
        for name in ("kept", "dropped", "kept"):
            client.publish("/topic/a", name.encode(), transaction=name)
        client.send("ABORT", {"transaction": "dropped", "receipt": "a"})
        client.expect("RECEIPT")
        client.send("COMMIT", {"transaction": "kept", "receipt": "c"})
        frames = [client.next() for _ in range(3)]
        assert [f.body for f in frames if f.command == "MESSAGE"] == [b"kept", b"kept"]
        assert [f.headers["receipt-id"] for f in frames if f.command == "RECEIPT"] == ["c"]
        assert client.acked("/topic/a", b"") == 3


def test_disconnect_is_answered_after_everything_before_it(server):
    with server.client() as client:
        for number in range(200):
            client.publish("/topic/a", b"x", receipt=str(number))
        client.send("DISCONNECT", {"receipt": "bye"})
        assert [client.expect("RECEIPT").headers["receipt-id"] for _ in range(201)] == [*map(str, range(200)), "bye"]
        assert client.next() is None


def test_a_client_that_shuts_its_side_still_gets_its_receipts(server):
    with server.client() as client:
        client.publish("/topic/a", b"x", receipt="1")
        client.socket.shutdown(1)
        assert client.expect("RECEIPT").headers["receipt-id"] == "1"
        assert client.next() is None


@pytest.mark.parametrize(("command", "headers", "words"), [
    ("SEND", {}, "destination"),
    ("SEND", {"destination": "/elsewhere/a"}, "/topic/"),
    ("SEND", {"destination": "/topic/"}, "/topic/"),
    ("SEND", {"destination": "/topic/a*"}, "no *"),
    ("SEND", {"destination": "/topic/" + "x" * 300}, "255"),
    ("SEND", {"destination": "/topic/a", "dedup-id": ""}, "dedup-id"),
    ("SEND", {"destination": "/topic/a", "transaction": "none"}, "not begun"),
    ("SUBSCRIBE", {"destination": "/topic/a"}, "id and destination"),
    ("SUBSCRIBE", {"id": "1", "destination": "/to*c/a"}, "end only"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topic/a", "ack": "maybe"}, "ack mode"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topic/a", "from-seq": "-1"}, "from-seq"),
    ("UNSUBSCRIBE", {"id": "none"}, "no subscription"),
    ("COMMIT", {"transaction": "none"}, "not begun"),
    ("SEND", {"destination": "/topic/a", "message-id": "7"}, "message-id"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topics/orders"}, "begins with /topic/"),
    ("SUBSCRIBE", {"id": "1", "destination": "/temp-queue/reply"}, "begins with /topic/"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topics*"}, "begins with /topic/"),
    ("SUBSCRIBE", {"id": "1", "destination": "/queue/"}, "begins with /topic/"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topic/" + "x" * 300}, "255"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topic/a.#"}, "no wildcards here"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topic/a.>"}, "no wildcards here"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topic/a", "no-local": "true"}, "no-local:true"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topic/a", "durable": "true"}, "durable:true"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topic/a", "selector": "a LIKE 'b'"}, "not understood at \"a LIKE"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topic/a", "from-time": "noon"}, "ISO 8601"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topic/a", "from-time": "2026-11-30T12:00:00"}, "with its zone"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topic/a", "last": "0"}, "from 1 to 10000"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topic/a", "last": "5", "from-seq": "1"}, "either from-seq or last"),
    ("SUBSCRIBE", {"id": "1", "destination": "/topic/a", "prefetch-count": "many"}, "prefetch-count"),
    ("CONNECT", {}, "has logged in already"),
    ("EXPLODE", {}, "not a command of a STOMP client"),
])
def test_a_refused_frame_gets_an_error_with_its_receipt_id_and_the_rest_goes_on(served, command, headers, words):
    with served.client() as other, served.client() as client:
        client.send(command, {**headers, "receipt": "r"})
        frame = client.expect("ERROR")
        assert words in frame.headers["message"]
        assert frame.headers["receipt-id"] == "r"
        assert client.next() is None
        assert other.acked("/topic/a", b"") >= 1


def test_the_server_beats_and_cuts_a_client_that_does_not(server):
    with server.client(**{"heart-beat": "1000,1000"}) as client:
        client.socket.settimeout(5)
        assert client.socket.recv(10) == b"\n"
        frame = client.expect("ERROR")
        assert "heart-beat" in frame.headers["message"]


def test_a_changed_passcode_closes_the_connections_that_used_it(server):
    with server.client() as client:
        changed = {**server.control.application}
        changed["options"] = {**changed["options"], "clients": {"bench": "another"}}
        server.control.configure(changed)
        assert "changed or removed" in error_text(client)
    with server.client(passcode="another") as client:
        assert client.acked("/topic/a", b"") == 1


def burst(*messages: tuple[str, str, str]) -> bytes:
    """SENDs of (destination, receipt, dedup-id) in one piece, as a busy client writes them."""
    return b"".join(f"SEND\ndestination:{destination}\ncontent-length:1\nreceipt:{receipt}\ndedup-id:{dedup}\n\nx\0"
                    .encode() for destination, receipt, dedup in messages)


def test_a_burst_is_acknowledged_in_order_and_its_retries_count_once(server):
    with server.client() as client, server.client() as reader:
        reader.subscribe("/topic/*")
        client.raw(burst(("/topic/a", "1", "d1"), ("/topic/a", "2", "d2"), ("/topic/a", "3", "d1"),
                         ("/topic/b", "4", "d1")))
        answers = [client.expect("RECEIPT").headers for _ in range(4)]
        assert [(each["receipt-id"], each["seq"]) for each in answers] == [
            ("1", "1"), ("2", "2"), ("3", "1"), ("4", "3")]
        got = [(m.headers["destination"], m.headers["dedup-id"], m.body) for m in reader.messages(3)]
        assert got == [("/topic/a", "d1", b"x"), ("/topic/a", "d2", b"x"), ("/topic/b", "d1", b"x")]


@pytest.mark.parametrize(("bad", "words"), [
    (("/nowhere", "2", "d2"), "not usable"), (("/topic/a", "2", "d" * 256), "1 to 255")])
def test_a_refused_message_in_a_burst_leaves_those_before_it_and_ends_those_after_it(server, bad, words):
    with server.client() as client:
        client.raw(burst(("/topic/a", "1", "d1"), bad, ("/topic/a", "3", "d3")))
        frames = [client.next(), client.next()]
        refused = next(frame for frame in frames if frame is not None and frame.command == "ERROR")
        assert (refused.headers["receipt-id"], words in refused.headers["message"]) == ("2", True)
    with server.client() as client:
        client.subscribe("/topic/a", from_seq="1")
        assert client.expect("MESSAGE").headers["dedup-id"] == "d1"
        assert client.acked("/topic/b", b"") == 2

"""The clauses of STOMP 1.0, 1.1 and 1.2 about frames, connecting and answers, each against a real server."""

import re
import socket

import pytest

from messageserver.frames import heart_beats

from .clauses import ALL, NEWER, error, sent, speaking, subscribed

pytestmark = pytest.mark.scenario


# --- frames -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ALL)
def test_lines_end_with_lf_or_crlf_and_line_ends_may_follow_a_frame(served, here, version):
    with speaking(served, version) as client:
        subscribed(client, here)
        client.raw(f"SEND\r\ndestination:{here}\r\na:1\r\n\r\nx\0\n\r\n\nSEND\ndestination:{here}\n\ny\0\n".encode())
        first, second = client.messages(2)
        assert (first.headers["a"], first.body, second.body) == ("1", b"x", b"y")


@pytest.mark.parametrize("lines", ["send\ndestination:/topic/a", "SEND\nDestination:/topic/a"])
def test_commands_and_header_names_are_case_sensitive(served, lines):
    with speaking(served) as client:
        client.raw(f"{lines}\n\nx\0".encode())
        error(client)


@pytest.mark.parametrize(("version", "line", "name", "value"), [
    ("1.2", r"a\cb:1\n2\\3\c4\r5", "a:b", "1\n2\\3:4\r5"), ("1.1", r"a\cb:1\n2\\3\c4", "a:b", "1\n2\\3:4"),
    ("1.1", "a:1\r2", "a", "1\r2"), ("1.0", r"a:1\n2\\3\c4", "a", r"1\n2\\3\c4"),
    ("1.2", "gr\u00fc\u00dfe:\u4f60", "gr\u00fc\u00dfe", "\u4f60")])
def test_what_headers_hold_is_escaped_both_ways_as_the_version_has_it(served, here, version, line, name, value):
    with speaking(served, version) as client, speaking(served, "1.2") as newest:
        for each in (client, newest):
            subscribed(each, here)
        sent(client, here, line)
        assert [each.expect("MESSAGE").headers[name] for each in (client, newest)] == [value, value]


def test_what_an_older_subscriber_gets_is_written_as_its_version_has_it(served, here):
    with speaking(served, "1.1") as older, speaking(served, "1.0") as oldest, speaking(served, "1.2") as client:
        for each in (older, oldest):
            subscribed(each, here)
        sent(client, here, r"a:1\r2\c3\\4", r"b:\n")
        assert b"a:1\r2\\c3\\\\4\nb:\\n\n" in older.socket.recv(10_000)
        assert b"a:1\r2:3\\4\nb:\\n\n" in oldest.socket.recv(10_000)


@pytest.mark.parametrize(("version", "escape"), [("1.2", r"\t"), ("1.2", "\\"), ("1.1", r"\t"), ("1.1", r"\r")])
def test_an_undefined_escape_is_fatal(served, version, escape):
    with speaking(served, version) as client:
        sent(client, "/topic/a", "receipt:r", f"a:{escape}")
        assert error(client, "has no meaning").headers["receipt-id"] == "r"


def test_stomp_is_taken_as_connect_and_neither_is_escaped(start_server):
    server = start_server(options={"clients": {"a:b": r"c\nd\t"}})
    for command in ("CONNECT", "STOMP"):
        for passcode in (r"c\nd\t", r"c\\nd\\t"):
            with server.client(connect=False) as client:
                client.raw(f"{command}\naccept-version:1.2\nhost:/\nlogin:a:b\npasscode:{passcode}\n\n\0".encode())
                assert client.expect("CONNECTED").headers["version"] == "1.2"


@pytest.mark.parametrize("command", ["SUBSCRIBE", "UNSUBSCRIBE", "BEGIN", "COMMIT", "ABORT", "ACK", "NACK",
                                     "DISCONNECT"])
@pytest.mark.parametrize("version", NEWER)
def test_only_send_may_have_a_body(served, version, command):
    with speaking(served, version) as client:
        client.raw(f"{command}\nid:1\ndestination:/topic/a\ntransaction:t\nreceipt:r\n\nbody\0".encode())
        assert error(client, f"{command} has a body").headers["receipt-id"] == "r"


def test_in_1_0_the_body_of_another_frame_is_ignored(served, here):
    with speaking(served, "1.0") as client:
        client.raw(f"SUBSCRIBE\ndestination:{here}\nreceipt:r\n\nbody\0".encode())
        assert client.expect("RECEIPT").headers["receipt-id"] == "r"


@pytest.mark.parametrize("version", ALL)
def test_a_length_copied_from_a_message_into_its_ack_swallows_nothing(served, here, version):
    with speaking(served, version) as client:
        subscribed(client, here, "ack:client")
        sent(client, here, body="hello")
        headers = client.expect("MESSAGE").headers
        headers["id"] = headers.get("ack", headers["message-id"])
        client.send("ACK", {**headers, "content-length": "5", "receipt": "1"})
        assert client.expect("RECEIPT").headers["receipt-id"] == "1"


@pytest.mark.parametrize(("version", "got"), [("1.2", " a "), ("1.1", " a "), ("1.0", "a")])
def test_spaces_around_a_value_count_except_in_1_0(served, here, version, got):
    with speaking(served, version) as client:
        subscribed(client, here)
        sent(client, here, "padded: a ")
        assert client.expect("MESSAGE").headers["padded"] == got
    if version == "1.0":
        with speaking(served, version) as client:
            client.raw(f"SUBSCRIBE\ndestination: {here}\nack: client\n\n\0SEND\ndestination: {here}\n\nx\0".encode())
            assert client.expect("MESSAGE").headers["destination"] == here


@pytest.mark.parametrize("version", ALL)
def test_of_repeated_headers_the_first_counts(served, here, version):
    with speaking(served, version) as client:
        subscribed(client, here)
        sent(client, here, "destination:/topic/elsewhere", "a:first", "a:second")
        headers = client.expect("MESSAGE").headers
        assert (headers["destination"], headers["a"]) == (here, "first")


@pytest.mark.parametrize("version", ALL)
def test_a_body_ends_where_its_length_says_or_at_the_first_nul(served, here, version):
    with speaking(served, version) as client:
        subscribed(client, here)
        sent(client, here, "content-length:5", body="a\0b\0c")
        sent(client, here, body="abc")
        bodies = client.messages(2)
        assert [(each.body, each.headers["content-length"]) for each in bodies] == [(b"a\0b\0c", "5"), (b"abc", "3")]


# --- connecting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("offered", "chosen"), [
    ("1.0", "1.0"), ("1.0,1.1", "1.1"), ("1.2,1.1", "1.2"), ("1.0,1.1,2.0", "1.1"), ("1.0, 1.2", "1.2"), (None, "1.0")])
def test_the_highest_common_version_is_spoken(served, offered, chosen):
    with served.client(connect=False) as client:
        named = {} if offered is None else {"accept-version": offered}
        client.send("CONNECT", {**named, "login": "bench", "passcode": "benchpass"})
        assert client.expect("CONNECTED").headers["version"] == chosen


def test_without_a_common_version_the_error_says_which_there_are(served):
    with served.client(connect=False) as client:
        client.send("CONNECT", {"accept-version": "2.0,2.1", "login": "bench", "passcode": "benchpass"})
        headers = error(client).headers
        assert (headers["version"], headers["content-type"]) == ("1.2,1.1,1.0", "text/plain")


def test_connected_names_the_server_and_a_session_that_no_other_has(served):
    with speaking(served) as one, speaking(served) as another:
        headers = [client.connected.headers for client in (one, another)]
        assert re.fullmatch(r"Pairwise-MessageServer/[\d.]+", headers[0]["server"])
        assert re.fullmatch(r"1-\d+", headers[0]["session"])
        assert headers[0]["session"] != headers[1]["session"]


def test_a_second_connect_and_a_first_frame_that_is_none_are_told_apart(served):
    with speaking(served) as client:
        client.connect()
        error(client, "logged in already")
    with served.client(connect=False) as client:
        client.send("SEND", {"destination": "/topic/a", "receipt": "r"})
        assert error(client, "CONNECT or STOMP, not 'SEND'").headers["receipt-id"] == "r"


@pytest.mark.parametrize(("header", "ours", "theirs"), [
    (None, 0, 0), ("0,0", 0, 0), ("5000,3000", 3, 5), ("10,10", 1, 1), ("0,2000", 2, 0),
    ("99999999999,0", 0, 99999999.999)])
def test_heart_beats_are_as_slow_as_the_slower_side_wants(header, ours, theirs):
    assert heart_beats({} if header is None else {"heart-beat": header}) == (ours, theirs, "1000,1000")


# --- answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "line", "value"), [
    ("1.2", r"r\c\\\n\r", "r:\\\n\r"), ("1.1", r"r\c\\\n", "r:\\\n"), ("1.0", r"r:\c", r"r:\c")])
def test_each_frame_that_asks_for_a_receipt_is_answered_with_what_it_asked(served, here, version, line, value):
    frames = [f"SUBSCRIBE\nid:s\ndestination:{here}\nack:client", f"SEND\ndestination:{here}.b", "BEGIN\ntransaction:t",
              f"SEND\ndestination:{here}.b\ntransaction:t", "ABORT\ntransaction:t", "BEGIN\ntransaction:t",
              "COMMIT\ntransaction:t", "UNSUBSCRIBE\nid:s", "DISCONNECT"]
    with speaking(served, version) as client:
        for frame in frames:
            client.raw(f"{frame}\nreceipt:{line}\n\n\0".encode())
            assert client.expect("RECEIPT").headers["receipt-id"] == value
        assert client.next() is None


def test_the_receipt_of_a_send_in_a_transaction_comes_at_once_and_names_no_place(served, here):
    with speaking(served) as client:
        client.send("BEGIN", {"transaction": "t"})
        sent(client, here, "transaction:t", "receipt:held")
        assert client.expect("RECEIPT").headers == {"receipt-id": "held"}
        client.send("COMMIT", {"transaction": "t", "receipt": "stored"})
        assert client.expect("RECEIPT").headers == {"receipt-id": "stored"}


@pytest.mark.parametrize("version", ALL)
def test_a_message_says_what_it_is_and_where_it_is_from(served, here, version):
    with speaking(served, version) as client:
        subscribed(client, here, "ack:client")
        sent(client, here, "transaction-like:kept")
        sent(client, here)
        messages = client.messages(2)
        assert {each.headers["destination"] for each in messages} == {here}
        assert {each.headers["subscription"] for each in messages} == {"s"}
        assert len({each.headers["message-id"] for each in messages}) == 2
        assert ["ack" in each.headers for each in messages] == [version == "1.2"] * 2
        assert not {"receipt", "transaction"} & set(messages[0].headers)


@pytest.mark.parametrize(("frame", "receipt"), [
    ("EXPLODE\nreceipt:r", "r"), ("SEND\nreceipt:r\nno colon", "r"), ("SEND\nreceipt:r\\c1\ncontent-length:x", "r:1"),
    ("SEND\ncontent-length:99999999\nreceipt:r", "r"), ("SEND\na:1", None),
    ("SEND\nreceipt:r\n" + "a:1\n" * 70, "r"), ("SEND\nreceipt:r\na:" + "x" * 20_000, "r")])
def test_an_error_says_what_is_wrong_with_which_frame_and_is_the_end(served, frame, receipt):
    with speaking(served) as client:
        client.raw(f"{frame}\n\nx\0".encode())
        found = error(client)
        assert found.headers.get("receipt-id") == receipt
        assert found.body.decode() == found.headers["message"]
        assert (found.headers["content-type"], found.headers["content-length"]) == ("text/plain", str(len(found.body)))


def test_a_line_end_follows_each_frame_as_other_servers_have_it(served, here):
    with socket.create_connection(("127.0.0.1", served.port), 10) as connection:
        connection.sendall(f"CONNECT\naccept-version:1.2\nhost:/\nlogin:bench\npasscode:benchpass\n\n\0"
                           f"SUBSCRIBE\nid:1\ndestination:{here}\nreceipt:1\n\n\0".encode())
        connection.sendall((f"SEND\ndestination:{here}\nreceipt:2\n\nbody\0" * 2).encode())
        received = b""
        while received.count(b"body\0") < 2 or received.count(b"RECEIPT") < 3:
            received += connection.recv(1 << 16)
        connection.sendall(b"EXPLODE\n\n\0")
        while data := connection.recv(1 << 16):
            received += data
    *frames, rest = received.split(b"\0\n")
    assert sorted(frame.split(b"\n")[0] for frame in frames) == [
        b"CONNECTED", b"ERROR", b"MESSAGE", b"MESSAGE", b"RECEIPT", b"RECEIPT", b"RECEIPT"]
    assert b"\0" not in b"".join([*frames, rest])

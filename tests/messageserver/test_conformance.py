"""The clauses of STOMP 1.0, 1.1 and 1.2, each against a real server. docs/conformance.md is the table of them."""

import ast
import re

import pytest

from messageserver.dialects import DIALECTS
from messageserver.frames import heart_beats
from messageserver.stomp import Frame
from tests.doubles.stomp import Client

from .conftest import ROOT, ControlDouble, ServerProcess, application, free_port

pytestmark = pytest.mark.scenario
NEWER = ("1.1", "1.2")
ALL = ("1.0", *NEWER)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """One server for all clauses; each has a destination of its own."""
    port = free_port()
    with ControlDouble(application(port)) as control:
        with ServerProcess(tmp_path_factory.mktemp("conformance") / "server", control, port=port) as server:
            yield server.serving()


@pytest.fixture
def here(request):
    """A destination that no other clause uses."""
    return "/topic/" + re.sub(r"\W+", ".", request.node.name)


def speaking(server: ServerProcess, version: str = "1.2") -> Client:
    client = server.client(connect=False)
    named = {} if version == "1.0" else {"accept-version": version, "host": "/"}
    client.send("CONNECT", {**named, "login": "bench", "passcode": "benchpass"})
    client.connected = client.expect("CONNECTED")
    client._parser.dialect = next(dialect for dialect in DIALECTS if dialect.version == version)
    return client


def error(client: Client, words: str = "") -> Frame:
    """The ERROR that is next; nothing comes after it."""
    frame = client.expect("ERROR")
    assert words in frame.headers["message"]
    assert client.next() is None
    return frame


def subscribed(client: Client, here: str, *lines: str) -> None:
    client.raw("\n".join(["SUBSCRIBE", "id:s", f"destination:{here}", "receipt:sub", *lines, "", "\0"]).encode())
    client.expect("RECEIPT")


def sent(client: Client, here: str, *lines: str, body: str = "x") -> None:
    client.raw("\n".join(["SEND", f"destination:{here}", *lines, "", f"{body}\0"]).encode())


def quiet(client: Client) -> bool:
    """Whether nothing but the answer to this question comes: what was sent before has no other effect."""
    client.send("BEGIN", {"transaction": "quiet", "receipt": "quiet"})
    client.send("ABORT", {"transaction": "quiet"})
    return client.expect("RECEIPT").headers["receipt-id"] == "quiet"


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
    ("1.1", "a:1\r2", "a", "1\r2"), ("1.0", r"a:1\n2\\3\c4", "a", r"1\n2\\3\c4"), ("1.2", "gr\u00fc\u00dfe:\u4f60", "gr\u00fc\u00dfe", "\u4f60")])
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


@pytest.mark.parametrize("command", ["CONNECT", "STOMP"])
def test_stomp_is_taken_as_connect_and_neither_is_escaped(start_server, command):
    server = start_server(options={"clients": {"a:b": r"c\nd\t"}})
    for version in NEWER:
        for passcode in (r"c\nd\t", r"c\\nd\\t"):
            with server.client(connect=False) as client:
                client.raw(f"{command}\naccept-version:{version}\nhost:/\nlogin:a:b\npasscode:{passcode}\n\n\0".encode())
                assert client.expect("CONNECTED").headers["version"] == version


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
    (None, 0, 0), ("0,0", 0, 0), ("5000,3000", 3, 5), ("10,10", 1, 1), ("0,2000", 2, 0), ("99999999999,0", 0, 99999999.999)])
def test_heart_beats_are_as_slow_as_the_slower_side_wants(header, ours, theirs):
    assert heart_beats({} if header is None else {"heart-beat": header}) == (ours, theirs, "1000,1000")


# --- sending ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ALL)
def test_a_send_that_cannot_be_carried_out_is_an_error_and_the_end(served, version):
    with speaking(served, version) as client:
        client.raw(b"SEND\nreceipt:r\n\nx\0")
        assert error(client, "destination").headers["receipt-id"] == "r"


@pytest.mark.parametrize("version", ALL)
def test_user_headers_are_passed_through_behind_those_of_the_server(served, here, version):
    own = {"colour": "red", "content-type": "text/plain", "timestamp": "5", "seq": "no", "epoch": "no",
           "subscription": "no", "ack": "mine", "persistent": "true", "priority": "4"}
    with speaking(served, version) as client:
        subscribed(client, here)
        sent(client, here, *[f"{name}:{value}" for name, value in own.items()])
        head = client.socket.recv(10_000).partition(b"\n\n")[0].decode().split("\n")
        lines = [line.partition(":") for line in head]
        for name, value in own.items():
            assert [each for each in lines if each[0] == name][-1][2] == value
        first = {}
        for name, _, value in lines:
            first.setdefault(name, value)
        assert (first["subscription"], first["epoch"], first["ack"]) == ("s", "1", "mine")
        assert first["seq"].isdigit()
        assert int(first["timestamp"]) > 5


@pytest.mark.parametrize("version", ALL)
def test_a_send_with_a_message_id_is_refused(served, version):
    with speaking(served, version) as client:
        sent(client, "/topic/a", "message-id:1")
        error(client, "message-id")


# --- subscribing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", NEWER)
@pytest.mark.parametrize("lines", ["id:s", "destination:/topic/a", "id:\ndestination:/topic/a"])
def test_a_subscription_needs_an_id_and_a_destination(served, version, lines):
    with speaking(served, version) as client:
        client.raw(f"SUBSCRIBE\nreceipt:r\n{lines}\n\n\0".encode())
        assert error(client, "id and destination").headers["receipt-id"] == "r"


@pytest.mark.parametrize("version", ALL)
def test_subscriptions_of_a_connection_have_different_ids(served, here, version):
    with speaking(served, version) as client, speaking(served, version) as another:
        subscribed(client, here)
        subscribed(another, here)
        client.raw(b"SUBSCRIBE\nid:s\ndestination:/topic/b\n\n\0")
        error(client, "already")


@pytest.mark.parametrize("version", ALL)
def test_without_an_ack_mode_nothing_has_to_be_acknowledged(served, here, version):
    with speaking(served, version) as client:
        subscribed(client, here, "max-unacknowledged:1")
        for _ in range(3):
            sent(client, here)
        assert all("ack" not in message.headers for message in client.messages(3))


@pytest.mark.parametrize("version", ALL)
def test_an_ack_in_mode_client_stands_for_all_before_it(served, here, version):
    with speaking(served, version) as client:
        subscribed(client, here, "ack:client", "max-unacknowledged:2")
        for number in range(4):
            sent(client, here, body=str(number))
        first = client.messages(2)
        acknowledge(client, first[1])
        assert [each.body for each in client.messages(2)] == [b"2", b"3"]
        acknowledge(client, first[0], receipt="late")
        assert client.expect("RECEIPT").headers["receipt-id"] == "late", "the second ACK has covered it"


@pytest.mark.parametrize("version", NEWER)
@pytest.mark.parametrize("command", ["ACK", "NACK"])
def test_an_ack_in_mode_client_individual_is_for_one_message(served, here, version, command):
    with speaking(served, version) as client:
        subscribed(client, here, "ack:client-individual", "max-unacknowledged:2")
        for number in range(4):
            sent(client, here, body=str(number))
        first = client.messages(2)
        acknowledge(client, first[1], command)
        assert client.expect("MESSAGE").body == b"2"
        assert quiet(client), "the first one keeps its place"
        acknowledge(client, first[0], command)
        assert client.expect("MESSAGE").body == b"3"


def acknowledge(client: Client, message: Frame, command: str = "ACK", **more: str) -> None:
    """As the version of ``client`` has it."""
    headers, version = message.headers, client.connected.headers["version"]
    named = {"1.2": {"id": headers.get("ack", "")},
             "1.1": {"message-id": headers["message-id"], "subscription": headers["subscription"]},
             "1.0": {"message-id": headers["message-id"]}}[version]
    client.send(command, {**named, **more})


@pytest.mark.parametrize("version", NEWER)
@pytest.mark.parametrize("headers", [{}, {"id": "other"}, {"destination": "/topic/a"}])
def test_an_unsubscribe_names_a_subscription_of_its_connection(served, here, version, headers):
    with speaking(served, version) as client:
        subscribed(client, here)
        client.send("UNSUBSCRIBE", headers)
        error(client, "UNSUBSCRIBE")


# --- acknowledging ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["ACK", "NACK"])
@pytest.mark.parametrize(("version", "headers"), [
    ("1.2", {}), ("1.2", {"id": "s9-1"}), ("1.2", {"id": "s1-999999"}), ("1.2", {"id": "1-999999"}), ("1.2", {"id": "x"}),
    ("1.2", {"id": ""}), ("1.1", {}), ("1.1", {"subscription": "s"}), ("1.1", {"message-id": "1-999999"}),
    ("1.1", {"message-id": "1-999999", "subscription": "s"}), ("1.1", {"message-id": "x", "subscription": "s"})])
def test_what_cannot_be_acknowledged_is_an_error(served, here, version, headers, command):
    with speaking(served, version) as client:
        subscribed(client, here, "ack:client-individual")
        client.send(command, {**headers, "receipt": "r"})
        assert error(client, command).headers["receipt-id"] == "r"


@pytest.mark.parametrize("version", NEWER)
def test_an_ack_names_the_right_subscription_once_and_not_in_mode_auto(served, here, version):
    for case in ("twice", "other subscription", "auto"):
        with speaking(served, version) as client:
            subscribed(client, here, f"ack:{'auto' if case == 'auto' else 'client-individual'}")
            sent(client, here)
            message = client.expect("MESSAGE")
            if case == "other subscription":
                message.headers.update({"subscription": "none", "ack": "s7-1"})
            elif case == "auto":
                message.headers["ack"] = f"s1-{message.headers['seq']}"
            else:
                acknowledge(client, message)
            acknowledge(client, message, receipt="r")
            assert error(client, "ACK").headers["receipt-id"] == "r"


@pytest.mark.parametrize("version", NEWER)
def test_an_ack_that_was_on_the_way_when_its_subscription_ended_is_no_error(served, here, version):
    with speaking(served, version) as client:
        subscribed(client, here, "ack:client")
        sent(client, here)
        message = client.expect("MESSAGE")
        client.send("UNSUBSCRIBE", {"id": "s"})
        acknowledge(client, message, receipt="late")
        assert client.expect("RECEIPT").headers["receipt-id"] == "late"


def test_a_message_id_is_taken_in_an_ack_where_one_subscription_only_waits_for_it(served, here):
    with speaking(served) as client:
        subscribed(client, here, "ack:client-individual", "max-unacknowledged:1")
        for number in range(3):
            sent(client, here, body=str(number))
        for name in ("id", "message-id"):
            client.send("ACK", {name: client.expect("MESSAGE").headers["message-id"]})
        last = client.expect("MESSAGE").headers
        assert last["ack"] == f"s1-{last['seq']}", "it cannot be taken for a message-id"
        client.subscribe(here, "s2", ack="client", from_seq=last["seq"])
        client.expect("MESSAGE")
        client.send("ACK", {"id": last["message-id"]})
        error(client, "which of 2 subscriptions")


# --- transactions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ALL)
@pytest.mark.parametrize("command", ["BEGIN", "COMMIT", "ABORT"])
def test_a_transaction_has_a_name_and_is_known(served, version, command):
    with speaking(served, version) as client:
        client.send(command, {"receipt": "r"})
        assert error(client, "transaction").headers["receipt-id"] == "r"
    with speaking(served, version) as client:
        client.send("BEGIN", {"transaction": "t"})
        client.send(command, {"transaction": "t" if command == "BEGIN" else "other"})
        error(client, "begun")


@pytest.mark.parametrize("version", ALL)
def test_an_ack_of_a_transaction_counts_with_its_commit(served, here, version):
    with speaking(served, version) as client:
        subscribed(client, here, "ack:client", "max-unacknowledged:1")
        sent(client, here, body="1")
        sent(client, here, body="2")
        message = client.expect("MESSAGE")
        for end in ("ABORT", "COMMIT"):
            client.send("BEGIN", {"transaction": "t"})
            acknowledge(client, message, transaction="t", receipt="held")
            assert client.expect("RECEIPT").headers["receipt-id"] == "held"
            assert quiet(client), "no second message before the ACK counts"
            client.send(end, {"transaction": "t"})
        assert client.expect("MESSAGE").body == b"2"


@pytest.mark.parametrize("end", ["DISCONNECT", "close"])
def test_an_open_transaction_ends_with_its_connection(served, here, end):
    with speaking(served) as watcher, speaking(served) as client:
        subscribed(watcher, here)
        client.send("BEGIN", {"transaction": "t", "receipt": "1"})
        sent(client, here, "transaction:t", "receipt:2", body="dropped")
        assert [client.expect("RECEIPT").headers for _ in range(2)] == [{"receipt-id": "1"}, {"receipt-id": "2"}]
        if end == "DISCONNECT":
            client.send("DISCONNECT", {"receipt": "3"})
            client.expect("RECEIPT")
        client.close()
        sent(watcher, here, body="kept")
        assert watcher.expect("MESSAGE").body == b"kept"


# --- answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "line", "value"), [("1.2", r"r\c\\\n\r", "r:\\\n\r"), ("1.1", r"r\c\\\n", "r:\\\n"),
                                                        ("1.0", r"r:\c", r"r:\c")])
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


# --- STOMP 1.0 --------------------------------------------------------------------------------------------


def test_a_1_0_client_needs_no_id_to_subscribe_acknowledge_and_unsubscribe(served, here):
    with speaking(served, "1.0") as client:
        client.raw(f"SUBSCRIBE\ndestination:{here}\nack:client\nmax-unacknowledged:1\nreceipt:1\n\n\0".encode())
        client.expect("RECEIPT")
        for number in range(3):
            sent(client, here, body=str(number))
        for number in range(3):
            message = client.expect("MESSAGE")
            assert (message.body, message.headers["subscription"]) == (str(number).encode(), here)
            client.send("ACK", {"message-id": message.headers["message-id"]})
        client.raw(f"UNSUBSCRIBE\ndestination:{here}\nreceipt:2\n\n\0".encode())
        client.expect("RECEIPT")
        sent(client, here)
        assert quiet(client)


def test_a_1_0_client_may_give_an_id_and_unsubscribe_by_it_or_by_the_destination(served, here):
    for line in ("id:s", f"destination:{here}"):
        with speaking(served, "1.0") as client:
            subscribed(client, here)
            client.raw(f"UNSUBSCRIBE\n{line}\nreceipt:2\n\n\0".encode())
            assert client.expect("RECEIPT").headers["receipt-id"] == "2"


def test_1_0_has_no_nack(served, here):
    with speaking(served, "1.0") as client:
        subscribed(client, here, "ack:client")
        sent(client, here)
        acknowledge(client, client.expect("MESSAGE"), "NACK")
        error(client, "NACK")


# --- the table --------------------------------------------------------------------------------------------


def test_the_table_names_tests_that_exist_and_every_clause_of_this_file():
    table = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "conformance.md").read_text()))
    here = ROOT / "tests" / "messageserver"
    known = {node.name for path in here.glob("test_*.py") for node in ast.parse(path.read_text()).body
             if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
    assert table - known == set()
    own = {name for name in globals() if name.startswith("test_") and not name.startswith("test_the_table")}
    assert own - table == set()

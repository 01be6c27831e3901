"""The clauses of STOMP 1.0, 1.1 and 1.2 about sending, subscribing, acknowledging and transactions, each against a real
server. docs/conformance.md is the table of all clauses."""

import ast
import re

import pytest

from .clauses import ALL, NEWER, acknowledge, error, quiet, sent, speaking, subscribed
from .conftest import ROOT

pytestmark = pytest.mark.scenario


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
    ("1.2", {}), ("1.2", {"id": "s9-1"}), ("1.2", {"id": "s1-999999"}), ("1.2", {"id": "1-999999"}),
    ("1.2", {"id": "x"}), ("1.2", {"id": ""}), ("1.1", {}), ("1.1", {"subscription": "s"}),
    ("1.1", {"message-id": "1-999999"}),
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


def clauses_in(pattern: str) -> set[str]:
    return {node.name for path in (ROOT / "tests" / "messageserver").glob(pattern)
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_the_table_names_tests_that_exist_and_all_of_the_clauses():
    table = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "conformance.md").read_text()))
    assert table - clauses_in("test_*.py") == set()
    assert clauses_in("test_conformance*.py") - table == {"test_the_table_names_tests_that_exist_and_all_of_the_clauses"}

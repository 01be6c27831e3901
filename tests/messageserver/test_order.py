"""The order of one connection: what takes time holds up what came behind it, and only that."""

import pytest

pytestmark = pytest.mark.scenario


def send(body: str) -> bytes:
    return f"SEND\ndestination:/topic/a\ncontent-length:{len(body)}\n\n{body}\0".encode()


SUBSCRIBE = b"SUBSCRIBE\nid:s\ndestination:/topic/a\nreceipt:sub\n\n\0"


def test_a_subscription_begins_behind_what_the_connection_has_sent_before_and_before_what_it_sends_after(server):
    for _ in range(20):
        with server.client() as client:
            client.raw(send("before") * 3 + SUBSCRIBE + send("after") + b"BEGIN\ntransaction:t\n\n\0" + send("later"))
            assert client.expect("RECEIPT").headers["receipt-id"] == "sub"
            assert [message.body for message in client.messages(2)] == [b"after", b"later"]


def test_what_came_behind_waiting_work_is_answered_though_the_client_has_shut_its_side(server):
    with server.client() as client:
        client.raw(send("before") + SUBSCRIBE + b"ABORT\ntransaction:none\nreceipt:end\n\n\0")
        client.socket.shutdown(1)
        assert client.expect("RECEIPT").headers["receipt-id"] == "sub"
        assert client.expect("ERROR").headers["receipt-id"] == "end"
        assert client.next() is None
    with server.client() as client:
        client.raw(send("before") + SUBSCRIBE)
        client.socket.shutdown(1)
        assert client.expect("RECEIPT").headers["receipt-id"] == "sub"
        assert client.next() is None


def test_a_malformed_frame_behind_waiting_work_ends_the_connection_after_it(server):
    with server.client() as client:
        client.raw(send("before") + SUBSCRIBE + b"nonsense\nno colon\n\n\0")
        assert client.expect("RECEIPT").headers["receipt-id"] == "sub"
        assert "name:value" in client.expect("ERROR").headers["message"]
        assert client.next() is None

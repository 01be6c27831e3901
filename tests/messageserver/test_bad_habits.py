"""Clients with bad habits, against a real server: each hears a sentence at once, or is served as it means."""

import socket

import pytest

from messageserver.dialects import V12

from .clauses import error, sent, speaking, subscribed

pytestmark = pytest.mark.scenario
LOGIN = b"CONNECT\naccept-version:1.2\nhost:/\nlogin:bench\npasscode:benchpass\n\n\0"
SOON_S = 5.0
"""Whoever waits longer waits for a time limit."""


@pytest.mark.parametrize(("first", "words"), [
    (b"SEND\ndestination:/topic/a\n\nx\0", "must be CONNECT or STOMP, not 'SEND'"),
    (b"connect\n\n\0", "must be CONNECT or STOMP, not 'connect'"),
    (LOGIN.replace(b"\n\n", b"\n"), "an empty line stands behind"),
    (LOGIN.replace(b"\n\n\0", b"\n\nbody\0"), "CONNECT has a body"),
    (LOGIN.replace(b"bench\n", b"b\xe9nch\n"), "not UTF-8"),
    (LOGIN.replace(b"1.2", b""), "speaks STOMP 1.2, 1.1 and 1.0"),
    (LOGIN.replace(b"\n\n", b"\nheart-beat:10000\n\n"), "two numbers of milliseconds"),
    (LOGIN.replace(b"\n\n", b"\nheart-beat:-1,0\n\n"), "two numbers of milliseconds"),
    (LOGIN.replace(b"\n\n", b"\na:" + b"x" * 9000 + b"\n\n"), "larger than 8192 bytes"),
    (LOGIN.decode().encode("utf-16"), "no STOMP frame"),
    (b'["CONNECT\\n\\n\\u0000"]', "no STOMP frame"),
])
def test_a_bad_beginning_is_one_sentence(served, first, words):
    with served.client(connect=False, wait_s=SOON_S) as client:
        client.raw(first)
        assert "version" in error(client, words).headers


@pytest.mark.parametrize(("frame", "words"), [
    ("SEND\ndestination:/topic/a\nreceipt:r\n", "an empty line stands behind"),
    ("SEND\ndestination:/topic/a\nreceipt:r\nhello", "an empty line stands behind"),
    ("SEND\nreceipt:r\ndestin\0ation:/topic/a\n\nx", "an empty line stands behind"),
    ("SEND\ndestination:/topic/a\nreceipt:r\ncontent-length:2\n\nabcd", "longer than its content-length"),
    ("SEND\ndestination:/topic/a\nreceipt:r\ncontent-length:-2\n\nab", "not a number of bytes"),
    ("SEND\ndestination:/topic/a\nreceipt:r\ntransaction:none\n\nx", "has not begun"),
    ("SEND\ndestination:/topic/a\nreceipt:r\nexpires:soon\n\nx", "milliseconds since 1970"),
    ("SEND\ndestination:/topic/a\nreceipt:r\nexpires:-5\n\nx", "milliseconds since 1970"),
    ("SEND \nreceipt:r\n\nx", "'SEND ' is not a command"),
    ("".join([f"BEGIN\ntransaction:{n}\n\n\0" for n in range(16)])
     + "BEGIN\ntransaction:16\nreceipt:r\n\n", "COMMIT or ABORT one of them first"),
    ("MESSAGE\nreceipt:r\n\nx", "'MESSAGE' is not a command of a STOMP client"),
    ("CONNECT\nreceipt:r\n\n", "has logged in already"),
    ("ACK\nid:1\nreceipt:r\n\n", "none that a MESSAGE"),
    ("NACK\nreceipt:r\n\n", "needs the header id"),
    ("BEGIN\nreceipt:r\n\n", "needs the header transaction"),
    ("COMMIT\ntransaction:none\nreceipt:r\n\n", "has not begun"),
    ("ABORT\ntransaction:none\nreceipt:r\n\n", "has not begun"),
    ("SUBSCRIBE\nid:\ndestination:/topic/a\nreceipt:r\n\n", "needs the headers id and destination"),
    ("SUBSCRIBE\nid:1\ndestination:/topic/a\nack:Client\nreceipt:r\n\n", "none of auto, client"),
    ("UNSUBSCRIBE\ndestination:/topic/a\nreceipt:r\n\n", "names no subscription"),
])
def test_a_bad_frame_is_one_sentence_with_its_receipt(served, frame, words):
    with served.client(wait_s=SOON_S) as client:
        client.raw(frame.encode() + b"\0")
        assert error(client, words).headers["receipt-id"] == "r"


def test_a_nul_too_many_is_told_before_anybody_waits(served):
    with served.client(wait_s=SOON_S) as client:
        client.raw(b"BEGIN\ntransaction:t\nreceipt:r\n\n\0\0")
        assert client.expect("RECEIPT").headers["receipt-id"] == "r"
        error(client, "between two frames")


def test_a_head_that_comes_in_pieces_is_told_of_where_it_ends(served):
    with served.client(wait_s=SOON_S) as client:
        for piece in (b"SEN", b"D\ndest", b"ination:/topic/a\n", b"\0"):
            client.raw(piece)
        error(client, "an empty line stands behind")


def test_a_connection_that_ends_in_the_middle_of_a_frame_is_told_after_its_answers(served, here):
    with served.client(wait_s=SOON_S) as client:
        sent(client, here, "receipt:whole")
        client.raw(f"SEND\ndestination:{here}\nreceipt:half\n\nx".encode())
        client.socket.shutdown(socket.SHUT_WR)
        assert client.expect("RECEIPT").headers["receipt-id"] == "whole"
        error(client, "in the middle of a frame")


def test_all_in_one_write_is_answered_one_by_one(served, here):
    with served.client(connect=False, wait_s=SOON_S) as client:
        client.raw(LOGIN + "".join([
            f"SUBSCRIBE\nid:1\ndestination:{here}\nack:client\nreceipt:1\n\n\0",
            "BEGIN\ntransaction:t\nreceipt:2\n\n\0",
            f"SEND\ndestination:{here}\ntransaction:t\nreceipt:3\n\nx\0", "COMMIT\ntransaction:t\nreceipt:4\n\n\0",
            f"SEND\ndestination:{here}\nreceipt:5\n\ny\0", "DISCONNECT\nreceipt:6\n\n\0",
            f"SEND\ndestination:{here}\nreceipt:7\n\nz\0"]).encode())
        client.expect("CONNECTED")
        frames = []
        while (frame := client.next()) is not None:
            frames.append(frame)
        receipts = [frame.headers["receipt-id"] for frame in frames if frame.command == "RECEIPT"]
        assert (sorted(receipts), receipts[-1]) == (["1", "2", "3", "4", "5", "6"], "6")


def test_a_connect_that_comes_byte_by_byte_behind_line_ends_is_taken(served):
    with served.client(connect=False, wait_s=SOON_S) as client:
        for at in range(len(LOGIN)):
            client.raw((b"\r\n\n" if at == 0 else b"") + LOGIN[at : at + 1])
        client._parser.dialect = V12
        assert client.expect("CONNECTED").headers["version"] == "1.2"


def test_an_empty_receipt_and_an_odd_one_come_back_as_they_are(served, here):
    with speaking(served) as client:
        subscribed(client, here)
        client.raw(b"BEGIN\ntransaction:t\nreceipt:\n\n\0BEGIN\ntransaction:u\nreceipt:a\\nb\\c\\\\ \n\n\0")
        assert [client.expect("RECEIPT").headers["receipt-id"] for _ in range(2)] == ["", "a\nb:\\ "]

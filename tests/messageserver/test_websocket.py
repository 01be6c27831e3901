"""Listening ports for browsers: STOMP over WebSocket."""

import socket

import pytest

from messageserver.websocket_frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from tests.certificates import Certificates
from tests.doubles.stomp import WAIT_S
from tests.doubles.websocket import PROOF, WebClient, frame, request
from tests.ports import free_port

pytestmark = pytest.mark.scenario
CONNECT = b"CONNECT\naccept-version:1.2\nhost:/\nlogin:bench\npasscode:benchpass\n\n\0"


@pytest.fixture
def web_port():
    return free_port()


@pytest.fixture
def started(start_server, port, web_port):
    """Factory: a server with a port of each protocol."""
    def start(*, mode: str = "", transport: str = "", **changes):
        return start_server(ports=[
            {"id": "default", "port": port, "protocol": "stomp", "ha_sync": False},
            {"id": "web", "port": web_port, "protocol": "stomp-ws", "ha_sync": False, "listening_mode": mode,
             "transport_parameters": transport}], **changes)

    return start


def test_both_kinds_of_client_meet_at_one_destination(started, web_port):
    server = started()
    with WebClient(web_port) as browser, server.client() as other:
        assert PROOF in browser.answer
        assert "Sec-WebSocket-Protocol: v12.stomp" in browser.answer
        browser.subscribe("/topic/a")
        assert other.acked("/topic/a", "Grüße".encode()) == 1
        assert browser.expect("MESSAGE").body.decode() == "Grüße"
        assert other.acked("/topic/a", b"\xff\0\xfe") == 2
        assert browser.expect("MESSAGE").body == b"\xff\0\xfe"
        assert set(browser.opcodes[:-1]) == {TEXT}
        assert browser.opcodes[-1] == BINARY, "what is no UTF-8 does not travel as text"
        assert browser.acked("/topic/a", b"x" * 300_000) == 3
        assert len(browser.expect("MESSAGE").body) == 300_000
        browser.send("DISCONNECT", {"receipt": "bye"})
        assert browser.expect("RECEIPT").headers["receipt-id"] == "bye"
        assert browser.next() is None
        assert browser.code == 1000


def test_frames_may_be_cut_anywhere_and_signs_of_life_come_in_between(started, web_port):
    started()
    with WebClient(web_port, opcode=BINARY) as browser:
        whole = b"SEND\ndestination:/topic/a\nreceipt:1\n\nbody\0"
        browser.bare(frame(BINARY, whole[:9], final=False))
        browser.bare(frame(PING, b"there?"))
        browser.bare(frame(CONTINUATION, b"", final=False) + frame(CONTINUATION, whole[9:20]))
        for byte in frame(TEXT, whole[20:]):
            browser.bare(bytes((byte,)))
        assert browser.expect("RECEIPT").headers["seq"] == "1"
        assert browser.pongs == [b"there?"]
        browser.bare(frame(PONG, b"unasked"))
        assert browser.acked("/topic/a", b"") == 2


def test_what_came_before_the_client_closes_is_stored(started, web_port):
    server = started()
    with WebClient(web_port) as browser:
        browser.bare(frame(TEXT, b"SEND\ndestination:/topic/a\n\nlast words\0") + frame(CLOSE, b"\x03\xe9away"))
        assert browser.next() is None
        assert browser.code == 1001
    with server.client() as client:
        client.subscribe("/topic/a", from_seq="1")
        assert client.expect("MESSAGE").body == b"last words"


@pytest.mark.parametrize(("bad", "code", "said"), [
    (b"\xc1\x80\0\0\0\0", 1002, "extension"), (b"\x81\x01a", 1002, "not masked"), (frame(3), 1002, "opcode 3"),
    (frame(PING, b"x" * 126), 1002, "control frame"), (frame(PING, final=False), 1002, "control frame"),
    (frame(CONTINUATION, b"a"), 1002, "has not begun"),
    (frame(TEXT, b"\n", final=False) + frame(TEXT, b"\n"), 1002, "inside"),
    (frame(TEXT, b"\xff"), 1007, "UTF-8"), (frame(TEXT, b"\xc3"), 1007, "UTF-8"), (frame(CLOSE, b"x"), 1002, "code"),
    (b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"\0\0\0\0", 1009, "larger than"),
    (b"\x82\xfe\0\x01\0\0\0\0\n", 1002, "shortest")])
def test_a_bad_frame_is_an_error_and_a_code(started, web_port, bad, code, said):
    started()
    with WebClient(web_port) as browser:
        browser.bare(bad)
        assert said in browser.expect("ERROR").headers["message"]
        assert browser.next() is None
        assert browser.code == code


def test_before_the_login_a_frame_may_have_no_more_than_connect_needs(started, web_port):
    started()
    with WebClient(web_port, connect=False) as browser:
        browser.bare(b"\x82\xff" + (1 << 19).to_bytes(8, "big") + b"\0\0\0\0")
        assert "larger than 10240 bytes" in browser.expect("ERROR").headers["message"]
    with WebClient(web_port, connect=False) as browser:
        browser.bare(frame(TEXT, CONNECT) + frame(
            TEXT, b"SEND\ndestination:/topic/a\nreceipt:1\ncontent-length:50000\n\n" + b"x" * 50_000 + b"\0"))
        browser.expect("CONNECTED")
        assert browser.expect("RECEIPT").headers["seq"] == "1", "what comes together with it counts with its limits"


IDLE = ((b"", frame(PING)), (b"", frame(TEXT, b"\n")), (frame(TEXT, final=False), frame(CONTINUATION, final=False)))
"""Frames that carry next to nothing, and what comes before the first."""


@pytest.mark.parametrize(("known", "some"), [(True, 990), (False, 250)])
def test_a_flood_of_frames_that_carry_nothing_is_ended_and_some_are_not(started, web_port, known, some):
    started()
    for begins, idle in IDLE:
        with WebClient(web_port, connect=known) as browser:
            browser.bare(begins + idle * some + (frame(CONTINUATION) if begins else b""))
            if known:
                assert browser.acked("/topic/a", b"") > 0
            else:
                browser.connect()
                browser.expect("CONNECTED")
        with WebClient(web_port, connect=known) as browser:
            browser.bare(begins + idle * 20_000)
            assert "carry nothing" in browser.expect("ERROR").headers["message"]
            assert browser.next() is None
            assert browser.code == 1008


def answered(port: int, data: bytes) -> str:
    with socket.create_connection(("127.0.0.1", port), WAIT_S) as connection:
        connection.sendall(data)
        got = b""
        while data := connection.recv(1 << 16):
            got += data
        return got.decode()


def test_who_asks_for_something_else_is_told_at_once(started, port, web_port):
    server = started()
    for data, status, said in (
            (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "426", "STOMP over WebSocket"),
            (request(version="8"), "426", "version 13"), (request(method="POST"), "405", "GET"),
            (request(key="short"), "400", "Sec-WebSocket-Key"), (request("Host: again"), "400", "Host"),
            (request("Sec-WebSocket-Protocol: mqtt"), "400", "v12.stomp"),
            (request("Origin: https://elsewhere.example"), "403", "option origins of section websocket"),
            (request("X: " + "x" * 9000), "431", "8192 bytes")):
        answer = answered(web_port, data)
        assert answer.startswith(f"HTTP/1.1 {status} "), answer
        assert said in answer
    assert f"STOMP over TCP is spoken on port {port}" in answered(web_port, CONNECT)
    assert f"WebSocket is spoken on port {web_port}" in answered(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert "elsewhere.example" in server.output


def test_pages_of_the_same_host_and_of_configured_origins_connect(started, web_port):
    started(options={"websocket": {"origins": "https://logs.example.com"}})
    for origin in ("http://127.0.0.1:8000", "https://logs.example.com"):
        WebClient(web_port, f"Origin: {origin}").close()
    with WebClient(web_port, "Origin: https://evil.example", connect=False) as browser:
        assert browser.answer[0] == "HTTP/1.1 403 Forbidden"


def test_a_client_without_a_subprotocol_is_taken(started, web_port):
    started()
    with WebClient(web_port, subprotocol="") as browser:
        assert not [line for line in browser.answer if "Protocol:" in line]
        assert browser.acked("/topic/a", b"") == 1
    with WebClient(web_port, subprotocol="v10.stomp, v11.stomp") as browser:
        assert "Sec-WebSocket-Protocol: v11.stomp" in browser.answer


def test_it_speaks_tls_where_the_port_is_secured(started, web_port, tmp_path):
    made = Certificates(tmp_path / "tls")
    certificate, key = made.issue("localhost")
    started(mode="secured", transport=f"certificate={certificate};certificate-key={key}")
    with WebClient(web_port, trusted=made.authority) as browser:
        browser.subscribe("/topic/a")
        assert browser.acked("/topic/a", b"x" * 200_000) == 1
        assert len(browser.expect("MESSAGE").body) == 200_000
        browser.publish("/elsewhere", b"")
        browser.expect("ERROR")
        assert browser.next() is None
        assert browser.code == 1000


def test_who_does_not_get_on_is_told_and_closed(started, web_port):
    started(options={"limits": {"connect-timeout": "1"}})
    with socket.create_connection(("127.0.0.1", web_port), WAIT_S) as silent, WebClient(
            web_port, connect=False) as browser:
        silent.sendall(b"GET / HTTP/1.1\r\n")
        assert "No CONNECT" in browser.expect("ERROR").headers["message"]
        answer = silent.recv(4096)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"limits/connect-timeout" in answer


def test_a_browser_that_does_not_read_is_cut(started, web_port):
    server = started(options={"limits": {"max-backlog-bytes": "200000"}})
    with WebClient(web_port) as slow, server.client() as sender:
        slow.subscribe("/topic/a")
        for _ in range(2000):
            sender.acked("/topic/a", b"x" * 50_000)
            if "is cut: it left more than 200000 bytes unread" in server.output:
                return
        raise AssertionError("100 MB were sent and nobody was cut")


def test_heart_beats_are_messages_of_their_own(started, web_port):
    started()
    with WebClient(web_port, **{"heart-beat": "0,1000"}) as browser:
        assert browser._received() == (TEXT, b"\n")

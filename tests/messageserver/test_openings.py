"""Clients that do not speak what a port speaks are told so at once."""

import re
import socket
import ssl

import pytest

from messageserver import openings
from messageserver.settings import Port
from tests.doubles.stomp import WAIT_S

TCP, WEB, TLS = (Port("default", 7001), Port("web", 7003, "stomp-ws"), Port("tls", 7005, "stomp", secured=True))
STRANGERS = [
    (b"GET / HTTP/1.1\r\n", "http"), (b"OPTIONS * HTTP/1.1\r\n", "http"), (b"CONNECT a:1 HTTP/1.1\r\n", "http"),
    (b"PRI * HTTP/2.0\r\n", "http"), (b"\x16\x03\x01\x02\x00\x01", "tls"), (b"AMQP\0\0\x09\x01", "amqp"),
    (b"\x10\x0c\0\x04MQTT", "mqtt"), (b"SSH-2.0-OpenSSH", "ssh"), (b"PROXY TCP4 10.0.0.1", "proxy"),
    (b"\r\n\r\n\0\r\nQUIT\n\x21", "proxy"), (b"\xef\xbb\xbfCONNECT\n", "mark"), (b"\0\0\0\x2a{}", "unknown")]


@pytest.mark.parametrize(("first", "kind"), STRANGERS)
def test_what_a_stranger_speaks_is_known_by_its_first_bytes(first, kind):
    assert openings.kind_of(first[: openings.LONGEST]) == kind
    # Who dribbles is not taken for something else meanwhile.
    seen = [openings.kind_of(first[:size]) for size in range(len(first))]
    assert set(seen) <= {"", kind} or kind == "proxy"


@pytest.mark.parametrize("first", [b"CONNECT\n", b"STOMP\r\n", b"\n\r\n\nCONNECT\r\n"])
def test_stomp_is_known_and_its_beginning_is_waited_for(first):
    assert openings.kind_of(first) == "stomp"
    assert {openings.kind_of(first[:size]) for size in range(len(first))} == {""}


def test_sentences_name_the_port_to_use():
    ports = (TCP, WEB, TLS, Port("sync", 7002, "sync", ha_sync=True))
    assert "spoken on port 7003." in openings.refusal("http", ports)
    assert "Connection Protocol stomp-ws" in openings.refusal("http", (TCP,))
    assert "secured port 7005." in openings.refusal("tls", ports)
    assert "Listening Mode Secured" in openings.refusal("tls", ports, websocket=True)
    assert "spoken on port 7001, 7005." in openings.refusal("stomp", ports, websocket=True)
    for _, kind in STRANGERS:
        assert re.fullmatch(r"[A-Z].*\.", openings.refusal(kind, ()))


@pytest.mark.scenario
def test_strangers_are_answered_at_once_and_in_what_they_speak(start_server):
    server = start_server(options={"limits": {"connect-timeout": "600"}})
    for first, said in ((b"GET /status HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
                        (b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0", "ERROR\nmessage:MQTT came"),
                        (b"AMQP\0\0\x09\x01", "ERROR\nmessage:AMQP came")):
        with socket.create_connection(("127.0.0.1", server.port), WAIT_S) as stranger:
            stranger.sendall(first[:3])
            stranger.sendall(first[3:])
            answer = b""
            while data := stranger.recv(4096):
                answer += data
            assert answer.decode().startswith(said)
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", server.port), WAIT_S) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="localhost")
    assert "A TLS handshake came, and this port is not secured." in server.output

"""What the first bytes of a connection say that its client speaks, and what it is told where that is not what the port
speaks. Pure."""

import re
from collections.abc import Callable, Iterable

from .settings import STOMP_WS, Port

STOMP, HTTP = "stomp", "http"
LONGEST = 24
"""So many bytes tell every kind apart."""
_KINDS = (
    (STOMP, rb"[\r\n]*(?:CONNECT|STOMP)\r?\n"),
    (HTTP, rb"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|TRACE|CONNECT) |PRI \* HTTP"),
    ("tls", rb"\x16\x03"),
    ("amqp", rb"AMQP"),
    ("mqtt", rb"\x10."),
    ("proxy", rb"PROXY |\r\n\r\n\0\r\nQUIT\n"),
    ("ssh", rb"SSH-"),
    ("mark", rb"\xef\xbb\xbf"),
    ("unknown", rb"[\r\n]*[^\r\nA-Za-z].{2}"),
)


def kind_of(first: bytes) -> str:
    """What a connection that begins with ``first`` speaks; "" while more must come, or where it may be STOMP."""
    # Compiled when they are first needed, so that the start does not take longer.
    return next((kind for kind, pattern in _KINDS if re.match(pattern, first, re.DOTALL)), "")


def refusal(kind: str, ports: Iterable[Port], *, websocket: bool = False) -> str:
    """What a client of this kind is told at a port that speaks STOMP over TCP, or over ``websocket``; ``ports`` are
    those of the server."""
    return _SENTENCES[kind]([port for port in ports if port.takes_clients], websocket)


def _stomp(ports: list[Port], _: bool) -> str:
    found = _numbers(port for port in ports if port.protocol != STOMP_WS)
    return "This port speaks STOMP over WebSocket. " + (
        f"STOMP over TCP is spoken on port {found}." if found else
        "No port of this server speaks it over TCP: add one with Connection Protocol stomp.")


def _http(ports: list[Port], _: bool) -> str:
    found = _numbers(port for port in ports if port.protocol == STOMP_WS)
    return "An HTTP request came, and this port speaks STOMP over TCP. " + (
        f"WebSocket is spoken on port {found}." if found else
        "No port of this server speaks WebSocket: add one with Connection Protocol stomp-ws.")


def _tls(ports: list[Port], websocket: bool) -> str:
    found = _numbers(port for port in ports if port.secured and (port.protocol == STOMP_WS) == websocket)
    return "A TLS handshake came, and this port is not secured. Connect without TLS, or " + (
        f"to the secured port {found}." if found else "make its Listening Mode Secured.")


def _numbers(ports: Iterable[Port]) -> str:
    return ", ".join(str(port.number) for port in ports)


def _always(sentence: str) -> Callable[[list[Port], bool], str]:
    return lambda ports, websocket: sentence


_SENTENCES: dict[str, Callable[[list[Port], bool], str]] = {
    STOMP: _stomp,
    HTTP: _http,
    "tls": _tls,
    "proxy": _always("The PROXY protocol came, which is not read here. Turn it off where this port is forwarded."),
    "mark": _always("A byte order mark came before the first frame. Send CONNECT without it."),
    "unknown": _always("What came is no STOMP frame. The first one is CONNECT or STOMP."),
    **{name.lower(): _always(f"{name} came, and this port speaks STOMP. Connect with a STOMP client.")
       for name in ("AMQP", "MQTT", "SSH")},
}


def http_answer(status: str, sentence: str, *headers: str) -> bytes:
    """A whole HTTP answer that says ``sentence`` and ends the connection."""
    body = f"{sentence}\n".encode()
    lines = (f"HTTP/1.1 {status}", "Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(body)}",
             "Connection: close", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

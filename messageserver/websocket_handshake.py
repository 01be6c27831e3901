"""The opening handshake of WebSocket (RFC 6455, section 4): a request in, an answer out. Pure."""

import base64
import binascii
import hashlib
import re

from .openings import http_answer

HEAD_MAX = 8 * 1024
"""Bytes of a request."""
SUBPROTOCOLS = ("v12.stomp", "v11.stomp", "v10.stomp")
"""The best one first."""
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_REQUEST = re.compile(r"([A-Z]+) (\S+) HTTP/1\.(\d+)")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0\r\n]*)")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:/@\s]+)(?::[0-9]*)?")
_PAGE = re.compile(rf"https?://{_HOST.pattern}")
_UPGRADE = ("Upgrade: websocket", "Sec-WebSocket-Version: 13")


class Refused(ValueError):
    """No WebSocket. ``answer`` are the bytes that say so; the text is the sentence in it."""

    def __init__(self, status: str, sentence: str, *headers: str):
        super().__init__(sentence)
        self.answer = http_answer(status, sentence, *headers)


def accepted(request: bytes, origins: tuple[str, ...]) -> bytes:
    """The answer that opens the connection which ``request`` (its lines, without the empty one) asks for. ``origins``
    may connect beside pages of the same host. Raises Refused."""
    method, fields = _parsed(request)
    if method != "GET":
        raise Refused("405 Method Not Allowed", "A WebSocket connection is asked for with GET.", "Allow: GET")
    if "websocket" not in _words(fields, "upgrade") or "upgrade" not in _words(fields, "connection"):
        raise Refused("426 Upgrade Required", "This port speaks STOMP over WebSocket, and the request does not ask for "
                      "WebSocket (Upgrade: websocket). Connect with a STOMP client for browsers.", *_UPGRADE)
    if fields.get("sec-websocket-version", "").strip() != "13":
        raise Refused("426 Upgrade Required", "This port speaks version 13 of WebSocket and no other one.", *_UPGRADE)
    if "transfer-encoding" in fields or fields.get("content-length", "0") != "0":
        # Whoever forwards it may take for the body what is read here as frames.
        raise Refused("400 Bad Request", "A request for a WebSocket connection has no body.")
    key = fields.get("sec-websocket-key", "").strip()
    if not _is_key(key):
        raise Refused("400 Bad Request", "The header Sec-WebSocket-Key is not 16 bytes in base64.")
    _check_origin(fields, origins)
    subprotocol = _subprotocol(fields)
    proof = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()
    return "".join((
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        f"Sec-WebSocket-Accept: {proof}\r\n", f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else "",
        "\r\n")).encode()


def too_large() -> Refused:
    return Refused("431 Request Header Fields Too Large", f"The request is larger than {HEAD_MAX} bytes.")


def _parsed(request: bytes) -> tuple[str, dict[str, str]]:
    """The method, and the headers by their names in lower case; what is given twice with a comma in between."""
    first, *lines = request.decode("latin-1").split("\r\n")
    asked = _REQUEST.fullmatch(first)
    if asked is None or int(asked[3][:4]) < 1:
        raise Refused("400 Bad Request", "What came is no HTTP/1.1 request for a WebSocket connection.")
    fields: dict[str, str] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise Refused("400 Bad Request", "A header of the request is not name: value.")
        name, value = field[1].lower(), field[2].rstrip(" \t")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    if not _HOST.fullmatch(fields.get("host", "").lower()):
        raise Refused("400 Bad Request", "The request needs one header Host.")
    return asked[1], fields


def _words(fields: dict[str, str], name: str) -> list[str]:
    return [word.strip().lower() for word in fields.get(name, "").split(",")]


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text.encode(), validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _check_origin(fields: dict[str, str], origins: tuple[str, ...]) -> None:
    """Programs send no origin, and are not held up: a login is asked for in any case."""
    if "origin" not in fields or "*" in origins:
        return
    origin = fields["origin"].lower()
    if origin in origins:
        return
    page, dialled = _PAGE.fullmatch(origin), _HOST.fullmatch(fields["host"].lower())
    if page is None or dialled is None or page[1] != dialled[1]:
        raise Refused("403 Forbidden", f"Pages of {fields['origin'][:80]!r} may not connect to this server. Add it to "
                      "option origins of section websocket of the application.")


def _subprotocol(fields: dict[str, str]) -> str:
    """The best one that both know; "" for a client that names none, as old ones do: CONNECT says the version."""
    if "sec-websocket-protocol" not in fields:
        return ""
    offered = _words(fields, "sec-websocket-protocol")
    for subprotocol in SUBPROTOCOLS:
        if subprotocol in offered:
            return subprotocol
    raise Refused("400 Bad Request", f"The subprotocols of this port are {', '.join(SUBPROTOCOLS)}: ask for one of "
                  "them.")

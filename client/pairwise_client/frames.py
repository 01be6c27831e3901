"""STOMP 1.2 frames as bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

HEAD_MAX = 1 << 20
"""Bytes of command and headers; a server that sends more does not speak STOMP."""
_SPECIAL = re.compile(r"[\\\n\r:]")
_ESCAPED = re.compile(r"\\(.?)", re.DOTALL)
_WRITTEN = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", ":": "\\c"}
_MEANT = {"\\": "\\", "n": "\n", "r": "\r", "c": ":"}


class Frame(NamedTuple):
    """Of a repeated header the first value counts."""

    command: str
    headers: dict[str, str]
    body: bytes


def escape(text: str) -> str:
    return _SPECIAL.sub(lambda found: _WRITTEN[found[0]], text)


def unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[0]), text)


def encode(command: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """One whole frame. CONNECT is not escaped, as STOMP 1.2 wants it: ValueError for what it cannot hold."""
    if command == "CONNECT":
        if any("\n" in value or "\0" in value for value in headers.values()):
            raise ValueError("A login or passcode cannot hold a line end or NUL.")
        head = "".join([f"{name}:{value}\n" for name, value in headers.items()])
    else:
        head = "".join([f"{escape(name)}:{escape(value)}\n" for name, value in headers.items()])
    length = f"content-length:{len(body)}\n" if body else ""
    return b"".join((f"{command}\n{head}{length}\n".encode(), body, b"\0"))


class Parser:
    """Bytes in, frames out."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._need = 0

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that ``data`` completes. Raises ValueError when it is not STOMP."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self._need:
                return []
            data = bytes(self._rest)
            self._rest.clear()
        frames: list[Frame] = []
        end = self._take(data, frames)
        if end < len(data):
            self._rest += data[end:]
        return frames

    def _take(self, data: bytes, frames: list[Frame]) -> int:
        """Append the whole frames of ``data``; where the unfinished rest begins."""
        at, size, self._need = 0, len(data), 0
        while True:
            while at < size and data[at] == 10:
                at += 1
            head_end = data.find(b"\n\n", at)
            if head_end < 0:
                if size - at > HEAD_MAX:
                    raise ValueError("what came is no STOMP frame")
                return at
            command, headers = _head(data[at:head_end].decode())
            body_at, length = head_end + 2, headers.get("content-length")
            body_end = data.find(0, body_at) if length is None else body_at + int(length)
            if body_end < 0 or body_end >= size:
                self._need = max(0, body_end - at + 1)
                return at
            frames.append(Frame(command, headers, data[body_at:body_end]))
            at = body_end + 1


def _head(text: str) -> tuple[str, dict[str, str]]:
    command, *lines = text.split("\n")
    headers: dict[str, str] = {}
    escaped = "\\" in text and command != "CONNECTED"
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError("what came is no STOMP frame")
        if escaped:
            name, value = unescape(name), unescape(value)
        headers.setdefault(name, value)
    return command, headers

"""A client of a Message Server: dialling a member, coming in, frames there and back."""

import asyncio
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import tls

CONNECT_S, ANSWER_S = 1.5, 3.0
"""Seconds that a member gets to take the connection, and to let the client in."""
FRAME_MAX = 65_536
NO_HEART_BEAT = "0,0"


@dataclass(frozen=True)
class Target:
    """A member of the pair; with ``context`` its port is dialled over TLS."""

    name: str
    host: str
    port: int
    login: str
    passcode: str = field(repr=False)
    context: ssl.SSLContext | None = None


class Dropped(ConnectionError):
    """The server does not serve this client any more, or never did. The text is the end of a sentence, or ""."""


Frame = tuple[str, dict[str, str], bytes]
"""Command, headers, body; the command is "" for a heart-beat."""
UNREADABLE = (OSError, EOFError, ValueError, KeyError, asyncio.LimitOverrunError)
"""What reading frames from somebody who does not keep to the protocol, or is gone, may raise."""


async def dialled(target: Target, *, limit: int = FRAME_MAX) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to ``target``. ``limit``: bytes of a frame's headers that are read. Raises Dropped."""
    try:
        async with asyncio.timeout(CONNECT_S):
            return await asyncio.open_connection(target.host, target.port, limit=limit, ssl=target.context,
                                                 server_hostname=target.host if target.context else None)
    except ssl.SSLError as error:
        raise Dropped(tls.why_untrusted(error, target.host)) from error
    except TimeoutError as error:
        raise Dropped(f"it did not answer within {CONNECT_S:g} s") from error
    except OSError as error:
        # asyncio's own text names the call that failed.
        raise Dropped(os.strerror(error.errno) if error.errno else str(error)) from error


async def entered(target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                  heart_beat: str = NO_HEART_BEAT) -> dict[str, str]:
    """Log in there: the headers of CONNECTED. Raises Dropped, UNREADABLE."""
    write(writer, "CONNECT", {"accept-version": "1.2", "host": "/", "login": target.login,
                              "passcode": target.passcode, "heart-beat": heart_beat})
    try:
        async with asyncio.timeout(ANSWER_S):
            command, headers, _ = await frame(reader)
    except TimeoutError:
        raise Dropped(f"it did not let the client in within {ANSWER_S:g} s") from None
    if command != "CONNECTED":
        raise Dropped(headers.get("message", ""))
    return headers


def write(writer: asyncio.StreamWriter, command: str, headers: Mapping[str, str], body: str = "") -> None:
    """Send a frame. As in STOMP 1.2, all but CONNECT escape what their headers may not hold as it is."""
    written = headers if command == "CONNECT" else {escaped(name): escaped(value) for name, value in headers.items()}
    lines = [command, *(f"{name}:{value}" for name, value in written.items()), "", body]
    if not writer.is_closing():
        # Else whoever reads is told; uvloop raises RuntimeError.
        writer.write("\n".join(lines).encode() + b"\0")


_ESCAPES = {"\\c": ":", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}
_ESCAPED = str.maketrans({sign: escape for escape, sign in _ESCAPES.items()})


def escaped(text: str) -> str:
    return text.translate(_ESCAPED)


async def frame(reader: asyncio.StreamReader, longest: int = FRAME_MAX, *, cut: bool = False) -> Frame:
    """The next frame, or a heart-beat. A body of more than ``longest`` bytes is an error or, with ``cut``, read and
    forgotten beyond them. Raises EOFError, ValueError, asyncio.LimitOverrunError for what cannot be read.

    Cancelled while it waits for the beginning of a frame it has taken nothing.
    """
    head = (await reader.readuntil(b"\n\n")).decode().lstrip("\n")
    if not head:
        return "", {}, b""
    command, *lines = head.rstrip("\n").split("\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name, value)
    if "\\" in head:
        headers = {unescaped(name): unescaped(value) for name, value in headers.items()}
    if "content-length" not in headers:
        return command, headers, (await reader.readuntil(b"\0"))[:-1]
    length = int(headers["content-length"])
    if length < 0 or (length > longest and not cut):
        raise ValueError(f"a frame of {length} bytes")
    return command, headers, await _body(reader, length, longest)


async def _body(reader: asyncio.StreamReader, length: int, longest: int) -> bytes:
    """The first ``longest`` of ``length`` bytes; the rest is read in pieces and forgotten."""
    if length <= longest:
        return (await reader.readexactly(length + 1))[:-1]
    kept, left = await reader.readexactly(longest), length + 1 - longest
    while left:
        left -= len(await reader.readexactly(min(left, FRAME_MAX)))
    return kept


def unescaped(text: str) -> str:
    out, at = [], 0
    while at < len(text):
        pair = text[at:at + 2]
        out.append(_ESCAPES.get(pair, text[at]))
        at += 2 if pair in _ESCAPES else 1
    return "".join(out)

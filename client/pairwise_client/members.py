"""The members of a pair: their addresses, TLS, and who of them serves."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .errors import Refused
from .frames import Frame
from .line import Line
from .waiting import within

DIAL_S, LOG_IN_S = 3.0, 5.0
"""Seconds that a member gets to take a connection, and to let the client in."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 0.5
"""Between two rounds at which nobody serves."""


@dataclass(frozen=True)
class Member:
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Access:
    """Who logs in, and how. ``context``: TLS; None without. ``heart_beat``: seconds."""

    members: tuple[Member, ...]
    login: str
    passcode: str
    context: ssl.SSLContext | None
    heart_beat: float

    def __repr__(self) -> str:
        return f"Access({', '.join(map(str, self.members))}, login={self.login!r})"


def member_of(address: str) -> Member:
    """Of "host:port" or "[address]:port". Raises ValueError."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{address!r} is no address of a member: write host:port, for example ms-a.example:7000.")
    return Member(host[1:-1] if host.startswith("[") else host, int(port))


def access(members: Sequence[str], login: str, passcode: str, *, tls: bool | ssl.SSLContext, ca: str | None,
           certificate: str | None, certificate_key: str | None, heart_beat: float) -> Access:
    """Raises ValueError, and OSError or ssl.SSLError for files that cannot be used."""
    if isinstance(members, str) or not members:
        raise ValueError('Give a list of both members: ["ms-a.example:7000", "ms-b.example:7000"].')
    context = tls if isinstance(tls, ssl.SSLContext) else None
    if context is None and (tls or ca or certificate):
        context = ssl.create_default_context(cafile=ca)
        if certificate:
            context.load_cert_chain(certificate, certificate_key)
    return Access(tuple(member_of(each) for each in members), login, passcode, context, heart_beat)


async def dialled(access: Access, member: Member, taken: Callable[[Line, Frame], None]) -> Line:
    """A connection that is logged in. Raises Refused, or ConnectionError whose text says why."""
    loop = asyncio.get_running_loop()
    line = Line(str(member), taken, access.heart_beat)
    try:
        try:
            await within(DIAL_S, loop.create_connection(
                lambda: line, member.host, member.port, ssl=access.context,
                server_hostname=member.host if access.context else None))
        except asyncio.TimeoutError:
            raise ConnectionError(f"it did not take the connection within {DIAL_S:g} s") from None
        except ssl.SSLError as error:
            raise ConnectionError(f"its certificate or TLS is not taken: {error.reason or error}") from error
        except OSError as error:
            raise ConnectionError(_said(error)) from error
        line.log_in(access.login, access.passcode)
        try:
            await within(LOG_IN_S, line.connected)
        except asyncio.TimeoutError:
            raise ConnectionError(f"it did not let the client in within {LOG_IN_S:g} s") from None
    except BaseException:
        line.end("given up")
        raise
    return line


def _said(error: OSError) -> str:
    """asyncio's own text names the call that failed."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


async def who_serves(access: Access, taken: Callable[[Line, Frame], None], tried: dict[str, str],
                     refused: Callable[[str], None]) -> Line:
    """The first that lets the client in, of all that are asked at once, round by round, for ever.

    ``tried`` gets what happened at each; ``refused`` is told when one refuses twice in the same words: it listens, so
    it is the one that serves. Cancelled, it leaves nothing open."""
    pause, said = FIRST_PAUSE_S, ""
    while True:
        line = await _round(access, taken, tried)
        if isinstance(line, Line):
            return line
        if line and line == said:
            refused(line)
        said = line
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


async def _round(access: Access, taken: Callable[[Line, Frame], None], tried: dict[str, str]) -> Line | str:
    """Who serves; else the sentence by which one refused, "" when none did."""
    asked = {asyncio.ensure_future(dialled(access, member, taken)): member for member in access.members}
    waiting, refusal = set(asked), ""
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                error = task.exception()
                if error is None:
                    del asked[task]
                    return task.result()
                tried[str(asked[task])] = str(error)
                if isinstance(error, Refused):
                    refusal = str(error)
        return refusal
    finally:
        for task in asked:
            _give_up(task)


def _give_up(task: asyncio.Future[Line]) -> None:
    """Also one that has just got in as a second one."""
    if not task.cancel() and not task.cancelled() and task.exception() is None:
        task.result().end("another member serves")

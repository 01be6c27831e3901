"""The console as a client of the member that serves: bounded in time, and so many at once, as a thread of the web
process waits meanwhile."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from protocol import console_logins
from protocol.outside import read_json
from protocol.said import legible
from protocol.stomp_client import UNREADABLE, Dropped, Frame, Target, dialled, entered, frame, write
from provisioning.core.clients import target
from provisioning.core.text import closed, strange
from provisioning.errors import Refused
from provisioning.messages.facts import EVERYTHING, NotRead
from provisioning.models import Application

TOTAL_S = 5.0
DOWNLOAD_S = 30.0
WAIT_S = 1.0
AT_ONCE = 4
ANSWER_LARGEST = 8 * 1024 * 1024
HEADERS_LARGEST = 1024 * 1024
REASON_LONGEST = 500
FORMER = ("It is of an older release that does not let the console in",
          "Install the newest Installation Package on both members, one after the other.")
_places = threading.BoundedSemaphore(AT_ONCE)
Result = TypeVar("Result")


class Line:
    """An open connection to ``member``, whose log ended at ``last_seq`` when it began. Each method raises NotRead and
    UNREADABLE."""

    def __init__(self, member: str, last_seq: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.member, self.last_seq, self._reader, self._writer = member, last_seq, reader, writer
        self._asked = 0

    async def ask(self, about: str, **headers: str) -> dict[str, Any]:
        """What the server answers about itself."""
        self._asked += 1
        write(self._writer, "SUBSCRIBE", {"id": str(self._asked), "destination": f"/server/{about}",
                                          "receipt": str(self._asked), **headers})
        command, _, body = await self._next(ANSWER_LARGEST)
        # A former release takes it for a subscription, and has nothing to say.
        said = read_json(body) if command == "MESSAGE" else None
        if isinstance(said, list):
            said = {about: said}
        if not isinstance(said, dict):
            raise NotRead(f"{self.member} does not answer this: {FORMER[0].lower()}.", FORMER[1])
        await self._next(ANSWER_LARGEST)
        return said

    async def tell(self, destination: str, headers: dict[str, str], body: str = "") -> dict[str, str]:
        """The headers of the RECEIPT for a SEND."""
        self._asked += 1
        write(self._writer, "SEND", {**headers, "destination": destination, "receipt": str(self._asked)}, body)
        return (await self._next(ANSWER_LARGEST))[1]

    async def stored(self, seq: int, longest: int) -> bytes:
        """At most ``longest`` bytes of the body of that message; nothing is taken from a queue."""
        # Not by its destination: some that can be sent to cannot be subscribed to.
        write(self._writer, "SUBSCRIBE", {"id": "stored", "destination": EVERYTHING, "from-seq": str(seq),
                                          "ack": "client-individual", "max-unacknowledged": "1"})
        _, headers, body = await self._next(longest)
        if headers.get("seq") != str(seq):
            raise NotRead(f"Message {seq} is not kept any more.")
        return body

    async def _next(self, longest: int) -> Frame:
        """The next frame, of whose body ``longest`` bytes are kept."""
        while True:
            found = await frame(self._reader, longest, cut=True)
            if found[0] == "ERROR":
                raise NotRead(_said(found[1].get("message", "")) or "The server refused it without a reason.")
            if found[0]:
                return found


def on_line(members: Sequence[Application], talk: Callable[[Line], Awaitable[Result]], *,
            within_s: float = TOTAL_S) -> Result:
    """What ``talk`` comes to with the first of ``members`` that lets the console in. Raises NotRead."""
    targets, troubles = _targets(members)
    if not _places.acquire(timeout=WAIT_S):
        raise NotRead("The console asks other servers at the moment.", "Try again.", passes=True)
    try:
        return asyncio.run(_talked(targets, troubles, talk, within_s))
    except TimeoutError:
        raise NotRead(f"{_names(members)} did not answer within {within_s:g} s.", "Try again.", passes=True,
                      is_unsure=True) from None
    finally:
        _places.release()


def _targets(members: Sequence[Application]) -> tuple[list[Target], list[str]]:
    found, troubles = [], []
    for row in members:
        try:
            found.append(target(row, console_logins.LOGIN, console_logins.passcode))
        except Refused as refused:
            troubles += [refusal.message for refusal in refused.refusals]
    return found, troubles


async def _talked(targets: Sequence[Target], troubles: list[str], talk: Callable[[Line], Awaitable[Result]],
                  within_s: float) -> Result:
    async with asyncio.timeout(within_s):
        for each in targets:
            try:
                reader, writer = await dialled(each, limit=HEADERS_LARGEST)
            except Dropped as dropped:
                troubles.append(f"{each.name}: {_said(str(dropped))}")
                continue
            try:
                last_seq = await _entered(each, reader, writer)
                return await _through(Line(each.name, last_seq, reader, writer), talk)
            except Dropped as dropped:
                troubles.append(f"{each.name}: {_said(str(dropped)) or 'it ended the connection.'}")
            finally:
                writer.close()
    raise NotRead(f"Nobody takes clients now. {' '.join(troubles)}",
                  "The page of the pair says what is going on.", passes=True)


async def _entered(each: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    """The last seq there. Raises Dropped where another member may let the console in, NotRead."""
    try:
        return int((await entered(each, reader, writer)).get("last-seq", "0"))
    except Dropped as dropped:
        if _is_former(str(dropped)):
            raise NotRead(f"{each.name} does not know the login of the console. {FORMER[0]}, or it has another secret.",
                          FORMER[1]) from dropped
        raise
    except UNREADABLE as error:
        raise Dropped("it does not answer as a Message Server does") from error


async def _through(line: Line, talk: Callable[[Line], Awaitable[Result]]) -> Result:
    """No other member is asked when this one is gone meanwhile: what was sent may have been done."""
    try:
        return await talk(line)
    except UNREADABLE as error:
        raise NotRead(f"{line.member} ended the connection.", "Try again.", passes=True, is_unsure=True) from error


def _said(reason: str) -> str:
    """What a server gives as its reason, as a sentence; "" for none."""
    return closed(strange(legible(reason, REASON_LONGEST)))


def _is_former(said: str) -> bool:
    return "login or the passcode is wrong" in said or "No login is configured" in said


def _names(members: Sequence[Application]) -> str:
    return " and ".join(row.name for row in members)



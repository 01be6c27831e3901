"""One log record published to the pair that is chosen, acknowledged before anybody is told that it is there."""

import asyncio
import time
import uuid
from collections.abc import Sequence

from protocol import log_logins
from protocol.log_records import LogRecord, read
from protocol.pauses import pauses
from protocol.stomp_client import UNREADABLE, Dropped, Target, dialled, entered, frame, write
from provisioning.core import permissions
from provisioning.core.permissions import Actor
from provisioning.errors import Refused, Unanswered
from provisioning.logs.selectors.setting import CHOOSE, NONE_CHOSEN
from provisioning.logs.worker.source import source

WITHIN_S = 10.0
"""A pair that fails over serves again within that."""
RECEIPT = "1"


class _NotTaken(Exception):
    """The server let us in and did not take the record. The text is its sentence."""


def publish(*, actor: Actor, record: LogRecord, within_s: float = WITHIN_S) -> str:
    """The name of the member that acknowledged ``record``. Raises Refused, when it is no record that a Message Server
    takes, and Unanswered when none acknowledged it: it may be there all the same."""
    actor.require(permissions.OPERATE)
    try:
        read(record.destination(), record.headers(), record.text.encode())
    except ValueError as error:
        raise Refused(str(error)) from error
    pair = source(log_logins.PROGRAMS)
    if pair is None:
        raise Refused(f"{NONE_CHOSEN} {CHOOSE}")
    try:
        return asyncio.run(_published(pair.name, pair.targets, record, within_s))
    except _NotTaken as refused:
        raise Refused(str(refused)) from refused


async def _published(name: str, targets: Sequence[Target], record: LogRecord, within_s: float) -> str:
    # Of a record that is sent twice, as nobody could tell whether it was taken, one counts.
    once, why, waits = str(uuid.uuid4()), dict[str, str](), pauses()
    deadline = time.monotonic() + within_s
    while True:
        for target in targets:
            try:
                await _sent(target, record, once, deadline)
            except TimeoutError:
                why[target.name] = "it did not acknowledge the record in time"
            except Dropped as error:
                why[target.name] = str(error) or "it closed the connection"
            except UNREADABLE as error:
                why[target.name] = f"the connection broke ({type(error).__name__})"
            else:
                return target.name
        pause_s = next(waits)
        if time.monotonic() + pause_s > deadline:
            break
        await asyncio.sleep(pause_s)
    reasons = "; ".join(f"{each}: {reason.rstrip('.')}" for each, reason in why.items())
    raise Unanswered(f"No member of the pair of {name} serves the console now ({reasons}). Nobody acknowledged the "
                     "record.")


async def _sent(target: Target, record: LogRecord, once: str, deadline: float) -> None:
    """Raises Dropped, UNREADABLE, TimeoutError, _NotTaken."""
    reader, writer = await dialled(target)
    try:
        await entered(target, reader, writer)
        body = record.text
        write(writer, "SEND", {**record.headers(), "destination": record.destination(), "receipt": RECEIPT,
                               "dedup-id": once, "content-length": str(len(body.encode()))}, body)
        async with asyncio.timeout(max(0.1, deadline - time.monotonic())):
            command, headers, _ = await frame(reader)
            while command not in ("RECEIPT", "ERROR"):
                command, headers, _ = await frame(reader)
        if command == "ERROR":
            # It names the frame that it answers when that is what was wrong.
            raise (_NotTaken if headers.get("receipt-id") == RECEIPT else Dropped)(headers.get("message", ""))
    finally:
        writer.transport.abort()

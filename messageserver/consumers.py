"""What the server keeps for a subscription: nothing, a named position, or its part of a queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import selector
from .beginnings import WAYS, beginning
from .frames import Refusal
from .interest import Interest
from .marks import Mark
from .ownership import StoreError
from .positions import NamedSubscription, durable_name
from .reader import Wanted
from .shared_queue import PREFIX, Consumer
from .subscription import Subscription

if TYPE_CHECKING:
    from .session import Session

NOT_STORED = ("The server could not keep what this connection has acknowledged: it may come again. Connect again, or "
              "to the other member of the pair.")


@dataclass(frozen=True)
class Kept:
    """``name`` of a position; "" for a part of a queue."""

    name: str = ""


def kept(headers: Mapping[str, str], wanted: Interest, *, shared_queues: bool) -> Kept | None:
    """What is to be kept for a SUBSCRIBE; None for nothing. Raises Refusal."""
    name, of_queue = durable_name(headers), shared_queues and wanted.pattern.startswith(PREFIX)
    looks = headers.get("browser") == "true" or any(way in headers for way in WAYS)
    if not of_queue:
        return None if name is None else Kept(name)
    if name is not None:
        raise Refusal("A queue keeps by itself what its consumers have dealt with: leave out the header that names a "
                      "position.")
    if looks:
        return None
    if wanted.pattern.endswith("*"):
        raise Refusal("Messages are taken from one queue at a time: subscribe to a queue by its whole name, or with "
                      "from-seq to look at several without taking anything.")
    if "selector" in headers:
        raise Refusal("Consumers of a queue take its messages as they come: leave out the header selector.")
    return Kept()


def looks_from_start(headers: Mapping[str, str]) -> bool:
    """A browser of a queue begins with what is there."""
    return headers.get("browser") == "true" and not any(way in headers for way in WAYS)


async def subscription(what: Kept, session: "Session", wanted: Interest, headers: Mapping[str, str],
                       number: int) -> Subscription:
    """The subscription for which ``what`` is kept. Raises Refusal."""
    consumption = session.broker.consumption
    if session.broker.storing.unavailable:
        raise Refusal(f"{session.broker.storing.unavailable} Try again later.")
    try:
        if not what.name:
            queue = await consumption.queues.open(wanted.pattern)
            return Consumer(queue, session, wanted.ident, number, wanted.ack, wanted.window)
        return await _named(what.name, session, wanted, headers, number)
    except StoreError as error:
        raise Refusal(f"The stored messages cannot be read: {error}. Try again later.") from None


async def _named(name: str, session: "Session", wanted: Interest, headers: Mapping[str, str],
                 number: int) -> Subscription:
    broker, chosen = session.broker, headers.get("selector", "")
    selecting = selector.parse(chosen) if "selector" in headers else None
    cursor, begins = beginning(headers, broker.last_seq)

    async def begin() -> int:
        if begins is None:
            return cursor
        return await broker.delivery.begins(begins, Wanted(wanted.pattern, selecting))

    position = await broker.consumption.positions.open(
        name, Mark(destination=wanted.pattern, selector=chosen), session, session.rights, begin)
    return NamedSubscription(position, broker.consumption.marking, session, wanted.ident, number, wanted.pattern,
                             wanted.ack, wanted.window, selecting)

"""Who is connected, as the server tells its console, and the end of a connection that the console asks for."""

import heapq
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .frames import Refusal

if TYPE_CHECKING:
    from .questions import Asker

MOST = 1000
"""Connections that are told of at once: those with the most unread."""
SUBSCRIPTIONS_TOLD = 20
"""Of each connection."""
BY_CHARACTERS = 150


async def connections(asker: "Asker", headers: Mapping[str, str]) -> dict[str, Any]:
    """{total, last_seq, connections: [as ``Guest.told``]}, without the connection that asks."""
    broker = asker.broker
    others = [guest for guest in broker.roster if guest.connected and guest.name != asker.name]
    told = heapq.nlargest(MOST, others, key=lambda guest: guest.unread)
    return {"total": len(others), "last_seq": broker.last_seq, "connections": [guest.told() for guest in told]}


async def cut(asker: "Asker", rest: str, headers: Mapping[str, str], body: bytes) -> None:
    """End the connection that header ``session`` names; header ``by`` says for whom. Raises Refusal."""
    session = headers.get("session", "")
    guest = next((each for each in asker.broker.roster if each.connected and each.name == session), None)
    if not session or guest is None:
        raise Refusal("There is no such connection: it has ended already.")
    guest.cut_for("".join(filter(str.isprintable, headers.get("by", "")))[:BY_CHARACTERS])


def of_subscriptions(subscriptions: Mapping[str, Any], last_seq: int) -> dict[str, Any]:
    """{subscriptions: the first of them, subscriptions_total}; ``behind``: how many of the log's records lie between
    what the subscription was given and ``last_seq``."""
    told = [{"id": each.id[:255], "destination": each.pattern[:255], "ack": each.ack,
             "unacknowledged": len(each.unacknowledged), "live": each.live,
             "behind": 0 if each.live else max(0, last_seq - each.cursor + 1)}
            for each in itertools.islice(subscriptions.values(), SUBSCRIPTIONS_TOLD)]
    return {"subscriptions": told, "subscriptions_total": len(subscriptions)}

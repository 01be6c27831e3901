"""What a client may ask the server about itself, and tell it to do: destinations below ``/server/``.

SUBSCRIBE there is answered by one MESSAGE with JSON, and nothing more comes; SEND there is carried out at once. Nothing
of either is stored, and no record ever has such a destination.
"""

import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from . import census, excerpts, position_answers
from .broker import Broker
from .destinations import destinations
from .frames import Refusal
from .rights import Rights
from .stomp import told

PREFIX = "/server/"
Headers = Mapping[str, str]
_numbers = itertools.count(1)


class Asker(Protocol):
    """What answers need of the session that asks."""

    broker: Broker
    login: str
    name: str

    @property
    def rights(self) -> Rights: ...


@dataclass(frozen=True)
class Question:
    """``answer`` is given who asks and the headers of SUBSCRIBE, and returns what JSON can hold. Raises Refusal.
    ``of_clients``: any client may ask, as far as its rights go; else only the console's login."""

    answer: Callable[[Asker, Headers], Awaitable[object]]
    of_clients: bool = False


@dataclass(frozen=True)
class Order:
    """``carry_out`` is given who asks, what follows the name of the order in the destination, headers and body of SEND.
    Raises Refusal. ``of_clients`` as in ``Question``."""

    carry_out: Callable[[Asker, str, Headers, bytes], Awaitable[None]]
    of_clients: bool = False


QUESTIONS: dict[str, Question] = {
    "connections": Question(census.connections),
    "messages": Question(excerpts.messages),
    "positions": Question(position_answers.positions, of_clients=True),
    "destinations": Question(destinations, of_clients=True),
}
"""By what follows PREFIX in the destination of SUBSCRIBE."""
ORDERS: dict[str, Order] = {
    "connections/cut": Order(census.cut),
    "positions/": Order(position_answers.change_position, of_clients=True),
}
"""By what follows PREFIX in the destination of SEND; one that ends with / is also the beginning of longer ones."""


def is_asked(destination: str) -> bool:
    return destination.startswith(PREFIX)


def question(rights: Rights, headers: Headers) -> Question:
    """What a SUBSCRIBE asks. Raises Refusal."""
    name = headers.get("destination", "").removeprefix(PREFIX)
    found = QUESTIONS.get(name)
    if found is None:
        raise Refusal(f"This server does not know {PREFIX}{name[:80]}; it answers "
                      f"{', '.join(f'{PREFIX}{each}' for each in QUESTIONS)}.")
    if headers.get("ack", "auto") != "auto":
        raise Refusal(f"What {PREFIX}{name} answers is not acknowledged: leave out the header ack.")
    _check(rights, found.of_clients)
    return found


def order(rights: Rights, headers: Headers) -> tuple[Order, str]:
    """What a SEND tells the server to do, and what follows the name of it. Raises Refusal."""
    name = headers.get("destination", "").removeprefix(PREFIX)
    known = next((each for each in ORDERS if name == each or (each.endswith("/") and name.startswith(each))), None)
    if known is None:
        raise Refusal(f"Nothing can be sent to {PREFIX}{name[:80]}.")
    if "transaction" in headers:
        raise Refusal(f"What is sent to {PREFIX}{known} is done at once: leave out the header transaction.")
    _check(rights, ORDERS[known].of_clients)
    return ORDERS[known], name.removeprefix(known)


def _check(rights: Rights, of_clients: bool) -> None:
    if not (of_clients or rights.asks):
        raise Refusal("Only the console may do this, with its own login.")


def answered(subscription: str, destination: str, said: object) -> bytes:
    """The MESSAGE that answers a question."""
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    return told("MESSAGE", [
        ("subscription", subscription), ("destination", destination), ("message-id", f"server-{next(_numbers)}"),
        ("content-type", "application/json")], body)

"""What a SUBSCRIBE asks for: pure functions from its headers to values, or a Refusal."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from .frames import MAX_DESTINATION, PREFIXES, Refusal
from .subscription import ACK_MODES, Subscription

WINDOWS = ("max-unacknowledged", "prefetch-count", "activemq.prefetchSize", "consumer-window-size")
"""Headers by which clients bound what is under way; the others are what other servers call it."""
NOT_SERVED = dict.fromkeys(("durable-name", "activemq.subscriptionName", "durable-subscription-name"),
                           "keeps no position for a subscriber: subscribe with from-seq")
"""Headers that change which messages are wanted, and what the server does instead."""
ONLY_FALSE = {"no-local": "delivers what a connection has sent to it as well: leave out the header",
              "durable": "keeps no position for a subscriber: subscribe with from-seq"}
_WILDCARD_OF_OTHERS = re.compile(r"(^|[./])[#>]([./]|$)")


class Interest(NamedTuple):
    """``pattern`` is a destination or a prefix followed by ``*``; ``window`` bounds the messages without ACK."""

    ident: str
    pattern: str
    ack: str
    window: int


def interest(headers: Mapping[str, str], most: int, *, needs_id: bool) -> Interest:
    """What is asked for. ``most``: the largest window. Without ``needs_id`` the destination stands for a missing id.
    Raises Refusal."""
    pattern, ack = headers.get("destination"), headers.get("ack", "auto")
    ident = headers.get("id") if needs_id else headers.get("id", pattern)
    if not ident or not pattern:
        raise Refusal("SUBSCRIBE needs the headers id and destination.")
    if ack not in ACK_MODES:
        raise Refusal(f"The ack mode {ack[:40]!r} is none of {', '.join(ACK_MODES)}.")
    check_pattern(pattern)
    for name, instead in NOT_SERVED.items():
        if name in headers:
            raise Refusal(f"The header {name} of SUBSCRIBE is not served: the server {instead}.")
    for name, instead in ONLY_FALSE.items():
        if headers.get(name, "false") != "false":
            raise Refusal(f"The header {name}:{headers[name][:40]} of SUBSCRIBE is not served: the server {instead}.")
    return Interest(ident, pattern, ack, _window(headers, most))


def check_pattern(pattern: str) -> None:
    """Raises Refusal when nothing that is delivered can match."""
    stem = pattern.removesuffix("*")
    is_prefix = stem != pattern
    if "*" in stem or len(pattern) > MAX_DESTINATION or not (
            (stem.startswith(PREFIXES) and (is_prefix or stem not in PREFIXES))
            or (is_prefix and any(prefix.startswith(stem) for prefix in PREFIXES) and stem)):
        raise Refusal(f"The destination {pattern[:80]!r} cannot be subscribed to: it begins with /topic/, /queue/ or "
                      f"/log/, has a * at its end only and at most {MAX_DESTINATION} characters.")
    if _WILDCARD_OF_OTHERS.search(stem):
        raise Refusal(f"The destination {pattern[:80]!r} cannot be subscribed to: # and > are no wildcards here. A * "
                      "at the end stands for everything that begins so.")


def _window(headers: Mapping[str, str], most: int) -> int:
    name = next((name for name in WINDOWS if name in headers), None)
    if name is None:
        return most
    text = headers[name]
    if not re.fullmatch(r"-1|[0-9]{1,9}", text, re.ASCII):
        raise Refusal(f"The header {name} must be the number of messages that may be under way without an ACK; 0 "
                      "leaves it to the server.")
    wanted = int(text)
    return min(wanted, most) if wanted > 0 else most


def named(headers: Mapping[str, str], subscriptions: Mapping[str, Subscription], *, needs_id: bool) -> Subscription:
    """The subscription that an UNSUBSCRIBE means. Raises Refusal."""
    ident, pattern = headers.get("id", ""), headers.get("destination", "")
    found = subscriptions.get(ident)
    if found is None and not (needs_id or ident):
        of_it = [each for each in subscriptions.values() if each.pattern == pattern]
        found = subscriptions.get(pattern, of_it[0] if len(of_it) == 1 else None)
    if found is None:
        raise Refusal("UNSUBSCRIBE names no subscription of this connection in its header id"
                      f"{'' if needs_id else ' or destination'}.")
    return found

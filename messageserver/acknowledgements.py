"""Which message an ACK or NACK means: pure functions from its headers to a place in a subscription, or a Refusal.

STOMP 1.2 names the ``ack`` header of the MESSAGE, 1.1 its ``message-id`` with the subscription, 1.0 its ``message-id``
alone. No ``ack`` header looks like a ``message-id``, so neither can be taken for the other.
"""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from .frames import Refusal
from .subscription import Subscription

_ACK = re.compile(r"s([1-9][0-9]{0,17})-([1-9][0-9]{0,17})", re.ASCII)
_MESSAGE_ID = re.compile(r"[0-9]{1,18}-([1-9][0-9]{0,17})", re.ASCII)


class Acknowledgement(NamedTuple):
    """The message ``seq`` of ``subscription``; ``refuses``: the client does not deal with it (NACK)."""

    subscription: Subscription
    seq: int
    refuses: bool = False

    def take_off(self) -> list[int]:
        """Free its places; the seqs that it settles. What a queue's consumer refuses goes back at once."""
        seqs = self.subscription.take_off(self.seq)
        return self.subscription.refused(seqs) if self.refuses else seqs


def acknowledgement(command: str, headers: Mapping[str, str], subscriptions: Mapping[str, Subscription], issued: int,
                    gone: Collection[str]) -> Acknowledgement | None:
    """What ``command`` (ACK, NACK) means. None when its subscription has ended while it was on the way: of the
    ``issued`` numbers of subscriptions one that is not open, or one of the idents that are ``gone``. Raises Refusal."""
    ident, message = headers.get("id"), headers.get("message-id")
    if ident is not None and (found := _ACK.fullmatch(ident)) is not None:
        number = int(found[1])
        if number > issued:
            raise Refusal(_unknown(command, "id", ident))
        subscription = next((each for each in subscriptions.values() if each.number == number), None)
        return None if subscription is None else _checked(command, subscription, int(found[2]))
    name, text = ("id", ident) if ident is not None else ("message-id", message)
    if text is None:
        raise Refusal(f"{command} needs the header id, with the value of the header ack of the MESSAGE (before STOMP "
                      "1.2: message-id and subscription).")
    found = _MESSAGE_ID.fullmatch(text)
    if found is None:
        raise Refusal(_unknown(command, name, text))
    return _of_message(command, int(found[1]), headers.get("subscription"), subscriptions, gone)


def _of_message(command: str, seq: int, ident: str | None, subscriptions: Mapping[str, Subscription],
                gone: Collection[str]) -> Acknowledgement | None:
    """Of the subscription ``ident``, or of the only one that waits for ``seq`` when that is None."""
    if ident is not None:
        if ident in subscriptions:
            return _checked(command, subscriptions[ident], seq)
        if ident in gone:
            return None
        raise Refusal(f"{command} names the subscription {ident[:80]!r}, which this connection does not have.")
    waiting = [each for each in subscriptions.values() if seq in each.unacknowledged]
    if len(waiting) == 1:
        return Acknowledgement(waiting[0], seq, command == "NACK")
    if not waiting:
        covering = [each for each in subscriptions.values() if each.covers(seq)]
        if covering:
            return Acknowledgement(covering[0], seq, command == "NACK")
        raise Refusal(f"{command} means message {seq}, for which no subscription of this connection waits.")
    raise Refusal(f"{command} does not say for which of {len(waiting)} subscriptions message {seq} is meant: send the "
                  "header id with the value of the header ack of the MESSAGE, or the header subscription.")


def _checked(command: str, subscription: Subscription, seq: int) -> Acknowledgement:
    if subscription.ack == "auto":
        raise Refusal(f"The subscription {subscription.id[:80]!r} has the ack mode auto: {command} is not expected.")
    if seq not in subscription.unacknowledged and not subscription.covers(seq):
        raise Refusal(f"{command} means message {seq}, for which the subscription {subscription.id[:80]!r} does not "
                      "wait: it was not delivered to it, or was acknowledged before.")
    return Acknowledgement(subscription, seq, command == "NACK")


def _unknown(command: str, name: str, value: str) -> str:
    return (f"The header {name} of {command}, {value[:80]!r}, is none that a MESSAGE of this connection had: send the "
            "value of its header ack (before STOMP 1.2: of its message-id).")

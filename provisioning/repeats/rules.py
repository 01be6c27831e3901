"""What a repeated request is answered with. Pure."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum

KEPT_FOR = timedelta(hours=24)
"""So long a request with the same key is the same request."""
UNDER_WAY_FOR = timedelta(minutes=3)
"""Longer than any request takes: one that is not answered by then never will be."""


LOST = 500
"""Stands for the status of an answer that does not say whether it was done."""
KEPT_MOST = 20_000
"""Answers that are kept of one program."""


class Known(Enum):
    """What is known of a key."""

    NEW = "nobody has used it, or so long ago that it is forgotten"
    OTHER = "it was used for another request"
    UNDER_WAY = "the first request is not answered yet"
    UNKNOWN = "the first request was cut off, or failed: nobody knows whether it was done"
    ANSWERED = "it was answered"
    TOO_MANY = "KEPT_MOST others are kept of this program already"


def known(*, same: bool, status: int, at: datetime, now: datetime) -> Known:
    """Of a key that was used at ``at``. ``same``: for the same request; ``status``: of its answer, 0 for none."""
    if now - at > KEPT_FOR:
        return Known.NEW
    if not same:
        return Known.OTHER
    if status == LOST:
        return Known.UNKNOWN
    if status:
        return Known.ANSWERED
    return Known.UNDER_WAY if now - at <= UNDER_WAY_FOR else Known.UNKNOWN


def fingerprint(parts: Iterable[bytes]) -> str:
    """Stands for these, in this order; where one ends counts."""
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.hexdigest()

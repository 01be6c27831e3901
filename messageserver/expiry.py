"""Messages that their sender wants delivered until some moment only: header ``expires``, as JMS has it."""

import re
import time

MARK = b"expires:"
_EXPIRES = re.compile(rb"(?:^|\n)expires:([1-9][0-9]{0,17})\n")


def is_expired(headers: bytes, now_ms: float | None = None) -> bool:
    """Whether ``headers`` (STOMP lines) say so, at ``now_ms`` (milliseconds since 1970, now by default). 0, and what is
    no number, mean never."""
    if MARK not in headers or (found := _EXPIRES.search(headers)) is None:
        return False
    return int(found[1]) <= (time.time() * 1000 if now_ms is None else now_ms)

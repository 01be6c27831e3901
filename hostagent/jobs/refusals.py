"""Tells the console of jobs that this host did not take, so that an administrator sees them on the host's page."""

import contextlib
import logging
import time
from collections.abc import Callable

from protocol.jobs import sign_report
from protocol.said import legible

from .sender import Sender

log = logging.getLogger(__name__)
EVERY_S = 5.0
TEXT_MAX = 500


class Refusals:
    """One word of a kind every EVERY_S at most, of each process of the worker; the next counts what was left out."""

    def __init__(self, *, host: str, secret: str, make_sender: Callable[[], Sender]):
        self._host, self._secret, self._make_sender = host, secret, make_sender
        self._kinds: dict[str, tuple[float, int]] = {}

    def tell(self, kind: str, text: str) -> bool:
        """True when it was sent. Never raises: what was refused is in the worker's log too."""
        now = time.monotonic()
        next_at, left_out = self._kinds.get(kind, (0.0, 0))
        if now < next_at:
            self._kinds[kind] = next_at, left_out + 1
            return False
        text = legible(text)
        if left_out:
            text = f"{text[:TEXT_MAX - 60]} ({left_out} more since the last word of it.)"
        report = {"host": self._host, "at": round(time.time(), 3), "kind": "refused", "what": kind,
                  "text": text[:TEXT_MAX]}
        self._kinds[kind] = now + EVERY_S, 0
        try:
            with contextlib.closing(self._make_sender()) as sender:
                sender(report, sign_report(self._secret, report))
        except Exception as error:
            log.warning("The console was not told of a refused job: %s", type(error).__name__)
            return False
        return True

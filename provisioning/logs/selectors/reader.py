"""How the reader of log records is, as it says itself with its signs of life."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from provisioning.core import ages
from provisioning.core.health import Component, worker_health
from provisioning.logs.selectors.setting import chosen
from provisioning.models import ComponentHeartbeat

LOG_READER = "log-reader"
"""Name of its heartbeat."""
TOPIC = "log"
"""What pages that show records are told by."""


@dataclass(frozen=True)
class ReaderSeen:
    """``at``: its last sign of life; ``member``: which member of ``pair`` serves it, "" for none; ``trouble``: a
    sentence."""

    at: datetime | None = None
    pair: str = ""
    member: str = ""
    trouble: str = ""
    removed: int = 0

    def answers(self, now: datetime) -> bool:
        return self.at is not None and now - self.at <= ages.CONSOLE_PART


def reader_seen() -> ReaderSeen:
    row = ComponentHeartbeat.objects.filter(name=LOG_READER).first()
    if row is None:
        return ReaderSeen()
    facts = row.facts
    return ReaderSeen(row.at, str(facts.get("pair", "")), str(facts.get("member", "")), str(facts.get("trouble", "")),
                      int(facts.get("removed", 0)))


def silent_since(now: datetime | None = None) -> datetime | None:
    """When a reader that does not answer was last heard of; None while it answers, and where none has ever run."""
    seen = reader_seen()
    return None if seen.answers(now or timezone.now()) else seen.at


def reader_health(now: datetime | None = None, *, blind: str = "") -> Component | None:
    """None where none has ever run and nobody misses it, as no pair is chosen. ``blind`` as of ``worker_health``."""
    at = reader_seen().at
    if at is None and chosen().log_to_id is None:
        return None
    return worker_health(at, now or timezone.now(), blind=blind, who="The log reader")

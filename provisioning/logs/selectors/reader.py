"""How the reader of log records is, as it says itself with its signs of life."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from provisioning.core import ages
from provisioning.core.health import DOWN, OK, Component
from provisioning.core.text import so_far
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


def reader_health(now: datetime | None = None) -> Component | None:
    """None where no pair is chosen and no reader ever ran: nobody misses it then."""
    now, seen = now or timezone.now(), reader_seen()
    if seen.at is None:
        why = "The log reader has never reported. Start it (./run starts it)."
        return Component(DOWN, None, why) if chosen().log_to_id else None
    age_s = max(0.0, (now - seen.at).total_seconds())
    if seen.answers(now):
        return Component(OK, age_s)
    return Component(DOWN, age_s, f"The log reader was last heard of {so_far(age_s)} ago.")

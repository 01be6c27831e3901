"""What the probe load of a drill found, in figures and in words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What a probe load sent and was told. Numbers begin at 1; ``acknowledged_at`` are the times of the receipts
    (seconds of one clock, growing); ``delivered`` is {number: how often it came}. ``caught_up``: a connection that
    reads all there is was there long enough, so what did not come is not there."""

    sent: int = 0
    acknowledged: frozenset[int] = frozenset()
    acknowledged_at: tuple[float, ...] = ()
    delivered: Mapping[int, int] | None = None
    caught_up: bool = False


@dataclass(frozen=True, kw_only=True)
class Figures:
    """``outage_*_ms``: the longest time without an acknowledgement around each switch, None while there was none.
    ``lost`` counts messages that were acknowledged and are not there; None when nobody could read them back."""

    sent: int = 0
    acknowledged: int = 0
    delivered: int = 0
    lost: int | None = None
    duplicated: int = 0
    outage_over_ms: float | None = None
    outage_back_ms: float | None = None

    @property
    def longest_outage_ms(self) -> float | None:
        return max((each for each in (self.outage_over_ms, self.outage_back_ms) if each is not None), default=None)

    @property
    def is_sound(self) -> bool:
        """Everything that was acknowledged arrived, and once."""
        return self.lost == 0 and not self.duplicated


def longest_gap(times: Sequence[float], since: float, until: float) -> float | None:
    """The longest time without an acknowledgement that touches ``since`` to ``until``, in seconds; None when none came
    after ``since``: it is not over."""
    gaps = [later - earlier for earlier, later in pairwise(times) if later > since and earlier < until]
    return max(gaps, default=None)


def figures(ledger: Ledger, over: tuple[float, float] | None = None,
            back: tuple[float, float] | None = None) -> Figures:
    """``over`` and ``back``: from when to when each switch is looked at, None for one that was not made."""
    delivered = ledger.delivered or {}
    absent = len(ledger.acknowledged - delivered.keys())
    gaps = [None if window is None else longest_gap(ledger.acknowledged_at, *window) for window in (over, back)]
    over_ms, back_ms = (None if gap is None else round(gap * 1000, 1) for gap in gaps)
    return Figures(
        sent=ledger.sent, acknowledged=len(ledger.acknowledged), delivered=len(delivered),
        lost=absent if ledger.caught_up or not absent else None,
        duplicated=sum(times - 1 for times in delivered.values()),
        outage_over_ms=over_ms, outage_back_ms=back_ms)


def figures_of(row: Mapping[str, Any]) -> Figures:
    """As ``Drill.figures`` keeps them."""
    return Figures(**{name: row[name] for name in Figures.__dataclass_fields__ if name in row})


def seconds(ms: float | None) -> str:
    return "not known" if ms is None else f"{ms / 1000:.2f} s" if ms < 10_000 else f"{ms / 1000:.0f} s"


def complaint(found: Figures) -> str:
    """What is wrong with the messages, "" when nothing is."""
    if found.lost:
        return f"{_messages(found.lost)} {_were(found.lost)} acknowledged and not there afterwards."
    if found.duplicated:
        return f"{_messages(found.duplicated)} arrived more than once."
    return ""


def loss(found: Figures) -> str:
    """"no loss", "3 messages lost" or "loss not known"."""
    if found.lost is None:
        return "loss not known"
    words = f"{_messages(found.lost)} lost" if found.lost else "no loss"
    return f"{words}, {_messages(found.duplicated)} twice" if found.duplicated else words


def passed(first: str, second: str, found: Figures) -> str:
    waited = f"{seconds(found.outage_over_ms)} and {seconds(found.outage_back_ms)}"
    return (f"{second} took over from {first} and {first} from {second}. Senders waited {waited}; all "
            f"{_messages(found.acknowledged)} arrived once.")


def _messages(count: int) -> str:
    return f"{count:,} message{'' if count == 1 else 's'}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def last_time(found: Figures, took_s: float) -> str:
    """What the drill that passed last cost."""
    return (f"The last one that passed took {took_s:.0f} s; senders waited {seconds(found.outage_over_ms)} and "
            f"{seconds(found.outage_back_ms)}.")

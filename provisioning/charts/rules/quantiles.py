"""How long acknowledgements took, from counts between bounds. Pure."""

from collections.abc import Sequence

from protocol.server_messages import LATENCIES_MS
from provisioning.charts.facts import LATENCIES, NAN, Figures


def quantile(counts: Sequence[float], part: float) -> float:
    """Milliseconds that ``part`` (0 to 1) of the messages took at most, NaN for none. Between two bounds they are taken
    to lie evenly; of what took longer than the last one nothing is known but that."""
    total = sum(counts)
    if total <= 0:
        return NAN
    wanted, below, lower = part * total, 0.0, 0.0
    for count, upper in zip(counts, LATENCIES_MS, strict=False):
        if count > 0 and below + count >= wanted:
            return lower + (upper - lower) * max(0.0, wanted - below) / count
        below, lower = below + count, float(upper)
    return float(LATENCIES_MS[-1])


def quantiles(figures: Figures, part: float) -> list[float]:
    """Of each row."""
    return [quantile(counts, part) for counts in zip(*(figures.columns[name] for name in LATENCIES), strict=True)]

"""The last hour of a server as a small line in a list. Pure."""

from dataclasses import dataclass

from provisioning.charts.facts import known

from .minutes import MINUTES, Hour
from .units import RATE, lowest_and_highest, said

WIDTH, HEIGHT = MINUTES, 16


@dataclass(frozen=True)
class Sparkline:
    path: str
    now: str
    text: str


def sparkline(hour: Hour | None) -> Sparkline | None:
    """None where nothing is known of the last hour."""
    ends = lowest_and_highest(hour or ())
    if hour is None or ends is None:
        return None
    now, top = said(RATE, hour[-1]), ends[1] or 1.0
    return Sparkline(_path(hour, top), now, f"Acknowledged a second in the last hour: at most {said(RATE, ends[1])}, "
                     f"{f'now {now}' if known(hour[-1]) else 'not known now'}")


def _path(hour: Hour, top: float) -> str:
    parts, before = list[str](), False
    for place, value in enumerate(hour):
        if known(value):
            y = round(HEIGHT - 1 - (HEIGHT - 2) * value / top, 1)
            follows = place + 1 < MINUTES and known(hour[place + 1])
            parts.append(f"{'L' if before else 'M'}{place} {y:g}" if before or follows else f"M{place} {y:g}h1")
        before = known(value)
    return "".join(parts)

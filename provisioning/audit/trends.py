"""Step charts: how numbers stayed and changed over time, as the paths of an SVG and as rows of a table. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WIDTH, HEIGHT = 400, 112
LEFT, RIGHT, TOP, BOTTOM = 34, 8, 10, 20
"""Room around the drawing, in the units of its view box, for the numbers and times beside it."""
TIMES = 3
"""So many times stand under the axis."""

_FORMS = ((timedelta(minutes=10), "%H:%M:%S"), (timedelta(hours=20), "%H:%M"), (timedelta(days=4), "%d %b %H:%M"),
          (timedelta.max, "%d %b"))
"""How times are written on an axis up to so long."""


@dataclass(frozen=True)
class Point:
    """From ``at`` on the numbers were ``values``, one for each series."""

    at: datetime
    values: tuple[int, ...]


@dataclass(frozen=True)
class Line:
    """A series: its ``name``, the ``kind`` that its style goes by, its path and its last number."""

    name: str
    kind: str
    path: str
    last: int


@dataclass(frozen=True)
class Tick:
    """A time under the axis or a number beside it. ``place``: start, middle or end, where its text is held."""

    at: float
    text: str
    place: str = "middle"


@dataclass(frozen=True)
class Chart:
    width: int
    height: int
    lines: tuple[Line, ...]
    times: tuple[Tick, ...]
    numbers: tuple[Tick, ...]
    points: tuple[Point, ...]
    names: tuple[str, ...]
    description: str
    left: int = LEFT
    right: int = WIDTH - RIGHT
    under: int = HEIGHT - 5


def step_chart(points: Sequence[Point], series: Sequence[tuple[str, str]], *, until: datetime) -> Chart | None:
    """``points`` oldest first, ``series`` (name, kind) in the order of their values. None while there is no change to
    draw: with fewer than two points."""
    if len(points) < 2:
        return None
    began, highest = points[0].at, max(1, *(max(point.values) for point in points))
    span = max((until - began).total_seconds(), 1.0)

    def across(at: datetime) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, (at - began).total_seconds() / span))

    def up(number: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * number / highest

    lines = tuple(
        Line(name, kind, _steps([(across(point.at), up(point.values[n])) for point in points], across(until)),
             points[-1].values[n]) for n, (name, kind) in enumerate(series))
    return Chart(WIDTH, HEIGHT, lines, _times(began, until, across), _numbers(highest, up), tuple(points[::-1]),
                 tuple(name for name, _ in series), _described(points, series))


def _steps(places: Sequence[tuple[float, float]], end: float) -> str:
    """``M x y H x V y … H end``: level until the next point, then straight up or down."""
    (x, y), *rest = places
    path = [f"M{x:.1f} {y:.1f}"]
    for x, level in rest:
        path.append(f"H{x:.1f}")
        if level != y:
            path.append(f"V{level:.1f}")
        y = level
    return "".join([*path, f"H{end:.1f}"])


def _times(began: datetime, until: datetime, across: Callable[[datetime], float]) -> tuple[Tick, ...]:
    span = until - began
    form = next(form for longest, form in _FORMS if span <= longest)
    places = ("start", *["middle"] * (TIMES - 2), "end")
    found = [began + span * n / (TIMES - 1) for n in range(TIMES)]
    ticks = [Tick(round(across(at), 1), f"{at:{form}}", place) for at, place in zip(found, places, strict=True)]
    return tuple(ticks) if len({tick.text for tick in ticks}) == len(ticks) else (ticks[0], ticks[-1])


def _numbers(highest: int, up: Callable[[float], float]) -> tuple[Tick, ...]:
    middle = highest // 2
    return tuple(Tick(round(up(number), 1), f"{number:,}") for number in dict.fromkeys((0, middle, highest)))


def _described(points: Sequence[Point], series: Sequence[tuple[str, str]]) -> str:
    said = [f"{name} went from {points[0].values[n]:,} to {points[-1].values[n]:,}" if points[0].values[n] !=
            points[-1].values[n] else f"{name} {points[-1].values[n]:,} at the beginning and now"
            for n, (name, _) in enumerate(series)]
    return f"Since {points[0].at:%Y-%m-%d %H:%M} UTC: {'; '.join(said)}."

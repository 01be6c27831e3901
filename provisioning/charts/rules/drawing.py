"""Charts over time as the paths of an SVG and the rows of a table. Pure.

A drawing is WIDTH by HEIGHT units and stretches with its page; the numbers beside it and the times under it are text of
the page, at equal distances, so no place of them has to be said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provisioning.charts.facts import NAN, Figures, known

from .gaps import Gap, gaps, reasons, shared
from .merging import merged
from .plots import Plot
from .ranges import Window
from .units import lowest_and_highest, said, scale

WIDTH, HEIGHT = 1000, 100
TIMES = 5
"""So many times stand under a drawing, at equal distances."""


@dataclass(frozen=True)
class Member:
    """A server or host: its figures in the step of the window, and in that of tables."""

    name: str
    figures: Figures
    coarse: Figures


@dataclass(frozen=True)
class Line:
    """``label``, the classes ``look`` of its style, its path and its newest number."""

    label: str
    look: str
    path: str
    last: str


@dataclass(frozen=True)
class Shade:
    """A time without any report, in units of the drawing."""

    x: float
    width: float
    text: str


@dataclass(frozen=True)
class Row:
    at: int
    cells: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Chart:
    """``empty``: why there is nothing to draw, "" where there is; ``numbers`` from the top down."""

    name: str
    title: str
    of: str
    description: str
    empty: str
    lines: tuple[Line, ...] = ()
    numbers: tuple[str, ...] = ()
    rules: tuple[float, ...] = ()
    shades: tuple[Shade, ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


def member(kind: str, name: str, figures: Figures, window: Window) -> Member:
    drawn = merged(kind, figures, window.step)
    return Member(name, drawn, merged(kind, drawn, max(window.range.table_step, window.step)))


def times_of(window: Window, step: int) -> range:
    return range(window.since // step * step, window.until, step)


def chart(plot: Plot, members: Sequence[Member], window: Window) -> Chart:
    every = times_of(window, window.step)
    values = [(each, series, series.values(each.figures)) for each in members for series in plot.series]
    ends = lowest_and_highest([value for _, _, found in values for value in found])
    if ends is None:
        return Chart(plot.name, plot.title, plot.of, "", _why_empty(plot, members, every))
    ceiling = lowest_and_highest([value for each in members for value in each.figures.columns[plot.ceiling]]
                                 ) if plot.ceiling else None
    marks = scale(max(ends[1], ceiling[1] if ceiling else 0.0), plot.unit)
    lines = tuple(Line(_label(each, series.name, members), f"of-{members.index(each) + 1} {series.look}".strip(),
                       path(each.figures.times, found, window, marks[-1]),
                       said(plot.unit, newest(each.figures.times, found, window)))
                  for each, series, found in values)
    return Chart(
        plot.name, plot.title, plot.of, _described(plot, lines, [found for _, _, found in values]), "", lines,
        tuple(plot.unit.text(mark) for mark in reversed(marks)), tuple(up(mark, marks[-1]) for mark in marks),
        tuple(_shade(gap, window) for gap in nothing_known(members, window)), tuple(line.label for line in lines),
        _rows(plot, members, window))


def nothing_known(members: Sequence[Member], window: Window) -> list[Gap]:
    """When none of them reported. What has only begun is not missing yet."""
    every = times_of(window, window.step)
    why = shared([reasons(each.figures, every) for each in members])
    return gaps(_not_yet(why, window), every, window.step)


def missing(of: Member, window: Window) -> list[Gap]:
    """When this one did not report."""
    every = times_of(window, window.step)
    return gaps(_not_yet(reasons(of.figures, every), window), every, window.step)


def _not_yet(why: list[str], window: Window) -> list[str]:
    return [*why[:-1], ""] if window.goes_on and why else why


def _why_empty(plot: Plot, members: Sequence[Member], every: range) -> str:
    if not any(len(each.figures) for each in members):
        return "Nothing was recorded in this time."
    found = {each.name: {why for why in reasons(each.figures, each.figures.times) if why} for each in members
             if not any(not why for why in reasons(each.figures, each.figures.times))}
    if len(found) < len(members):
        return plot.none
    return " ".join(f"Nothing was reported of {name}: {', then '.join(sorted(why)) or 'nothing was recorded'}."
                    for name, why in found.items())


def _label(of: Member, name: str, members: Sequence[Member]) -> str:
    return name if len(members) == 1 else f"{of.name} {name}"


def up(value: float, top: float) -> float:
    """How far below the upper edge of the drawing."""
    return round(HEIGHT - HEIGHT * min(value, top) / top, 1)


def across(at: float, window: Window) -> float:
    """How far from the left edge of the drawing."""
    return round(WIDTH * (at - window.since) / (window.until - window.since), 1)


def path(times: Sequence[int], values: Sequence[float], window: Window, top: float) -> str:
    """``M x y L x y …``, broken where nothing is known. What has nothing before or after it is as wide as its time."""
    half, parts, before = window.step / 2, list[str](), None
    for place, (at, value) in enumerate(zip(times, values, strict=True)):
        if not known(value):
            continue
        alone = before != at - window.step
        follows = place + 1 < len(times) and times[place + 1] == at + window.step and known(values[place + 1])
        x, y = across(at + half, window), up(value, top)
        if alone and not follows:
            parts.append(f"M{across(at, window):g} {y:g}H{across(at + window.step, window):g}")
        else:
            parts.append(f"{'M' if alone else 'L'}{x:g} {y:g}")
        before = at
    return "".join(parts)


def newest(times: Sequence[int], values: Sequence[float], window: Window) -> float:
    """The number of the window's end, NaN where it is not known. Of the step that goes on there may be none yet."""
    least = window.until - 2 * window.step
    return next((value for at, value in zip(reversed(times), reversed(values), strict=True)
                 if at >= least and known(value)), NAN)


def _shade(gap: Gap, window: Window) -> Shade:
    x = across(gap.since, window)
    return Shade(x, round(across(gap.until, window) - x, 1), f"No figures, because {gap.why}")


def _described(plot: Plot, lines: Sequence[Line], values: Sequence[Sequence[float]]) -> str:
    parts = []
    for line, found in zip(lines, values, strict=True):
        ends = lowest_and_highest(found)
        parts.append(f"{line.label}: {said(plot.unit, ends[0])} to {said(plot.unit, ends[1])}, at last {line.last}"
                     if ends else f"{line.label}: nothing known")
    return f"{'; '.join(parts)}."


def _rows(plot: Plot, members: Sequence[Member], window: Window) -> tuple[Row, ...]:
    """Newest first."""
    step = members[0].coarse.step
    columns: list[Callable[[int], float]] = []
    for each in members:
        for series in plot.series:
            columns.append(_finder(each.coarse.times, series.values(each.coarse)))
    every = times_of(window, step)
    why = [_not_yet(reasons(each.coarse, every), window) for each in members]
    return tuple(Row(at, tuple(said(plot.unit, find(at)) for find in columns), _whys(members, [of[n] for of in why]))
                 for n, at in reversed(list(enumerate(every))))


def _finder(times: Sequence[int], values: Sequence[float]) -> Callable[[int], float]:
    found = dict(zip(times, values, strict=True))
    return lambda at: found.get(at, NAN)


def _whys(members: Sequence[Member], why: Sequence[str]) -> str:
    if len(members) == 1 or len(set(why)) == 1:
        return why[0]
    return "; ".join(f"{each.name}: {text}" for each, text in zip(members, why, strict=True) if text)

"""Figures of longer steps from those of shorter ones. Pure."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from provisioning.charts.facts import FIELDS, NAN, Figures


def merged(kind: str, figures: Figures, step: int) -> Figures:
    """One row for each ``step`` seconds that has any, at a multiple of it; what nobody knows has no say in it."""
    parts = list(_parts(figures.times, step))
    times = [figures.times[first] // step * step for first, _ in parts]
    return Figures(step, times, {
        field.name: [_merged(field.merged, figures.columns[field.name][first:end]) for first, end in parts]
        for field in FIELDS[kind]})


def _merged(how: Callable[[Sequence[float]], float], values: Sequence[float]) -> float:
    together = sum(values)
    if together == together:
        # Nothing of it is NaN, which is the rule and told at once.
        return how(values)
    there = [value for value in values if value == value]
    return how(there) if there else NAN


def _parts(times: Sequence[int], step: int) -> Iterator[tuple[int, int]]:
    """(first, end) of the rows that become one."""
    first = 0
    for place in range(1, len(times) + 1):
        if place == len(times) or times[place] // step != times[first] // step:
            yield first, place
            first = place


def joined(one: Figures, other: Figures) -> Figures:
    """Rows of both, of the same step, in the order of time; of one time those of ``other``."""
    if not one.times or not other.times:
        return one if one.times else other
    if other.times[-1] < one.times[0]:
        return Figures(one.step, [*other.times, *one.times], {
            name: [*column, *one.columns[name]] for name, column in other.columns.items()})
    rows = {at: (one, place) for place, at in enumerate(one.times)}
    rows |= {at: (other, place) for place, at in enumerate(other.times)}
    times = sorted(rows)
    return Figures(one.step, times, {
        name: [of.columns[name][place] for of, place in map(rows.__getitem__, times)] for name in one.columns})


def within(figures: Figures, since: int, until: int) -> Figures:
    """Rows whose time is in [since, until)."""
    first, end = bisect_left(figures.times, since), bisect_left(figures.times, until)
    return Figures(figures.step, figures.times[first:end],
                   {name: column[first:end] for name, column in figures.columns.items()})

"""When nothing was reported, and why. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from provisioning.charts.facts import NOT_RECORDED, REPORTED, WHY_NOT, Figures


@dataclass(frozen=True)
class Gap:
    """[since, until), Unix time in seconds; ``why`` goes on after "because"."""

    since: int
    until: int
    why: str


def reasons(figures: Figures, times: Iterable[int]) -> list[str]:
    """Why there is no report of each of ``times``; "" where there is one."""
    states = dict(zip(figures.times, figures.columns["state"], strict=True))
    return [NOT_RECORDED if (state := states.get(at)) is None else "" if state == REPORTED else
            WHY_NOT.get(int(state), NOT_RECORDED) for at in times]


def gaps(why: Sequence[str], times: Sequence[int], step: int) -> list[Gap]:
    """``why``: for each of ``times``, "" for none."""
    found = []
    for text, group in groupby(zip(times, why, strict=True), key=lambda each: each[1]):
        inside = [at for at, _ in group]
        if text:
            found.append(Gap(inside[0], inside[-1] + step, text))
    return found


def shared(of_each: Sequence[Sequence[str]]) -> list[str]:
    """Where none of several has reported, the reasons of all; "" elsewhere."""
    return ["; ".join(dict.fromkeys(why)) if all(why) else "" for why in zip(*of_each, strict=True)]

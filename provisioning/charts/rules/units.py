"""Numbers as people read them, and the marks of a scale. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provisioning.charts.facts import known

MOST_STEPS = 4
_NICE: tuple[int, ...] = (1, 2, 5, 10)
_NICE_BYTES: tuple[int, ...] = tuple(1 << power for power in range(11))
_SIZES = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")


@dataclass(frozen=True)
class Unit:
    """``text``: a number that is known, with its unit. ``least``: of a step of its scale; ``most``: what the scale
    always ends with, 0 for none."""

    text: Callable[[float], str]
    least: float = 0.0
    most: float = 0.0
    is_bytes: bool = False


def _plain(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.1f}" if number >= 0.1 else (
        f"{number:.2g}")


def _milliseconds(number: float) -> str:
    return f"{_plain(number)} ms" if number < 1000 else f"{_plain(number / 1000)} s"


def _bytes(number: float) -> str:
    place = 0 if number < 1 else min(int(math.log(number, 1024)), len(_SIZES) - 1)
    return "1 byte" if number == 1 else f"{_plain(number / 1024 ** place)} {_SIZES[place]}"


RATE = Unit(lambda number: f"{_plain(number)}/s")
COUNT = Unit(_plain, least=1.0)
MILLISECONDS = Unit(_milliseconds)
BYTES = Unit(_bytes, least=1.0, is_bytes=True)
PERCENT = Unit(lambda number: f"{_plain(number)} %", most=100.0)


def said(unit: Unit, value: float) -> str:
    return unit.text(value) if known(value) else "–"


def scale(highest: float, unit: Unit) -> tuple[float, ...]:
    """Marks from 0 on, at equal distances, the last one not below ``highest``."""
    if unit.most:
        return tuple(unit.most * n / MOST_STEPS for n in range(MOST_STEPS + 1))
    highest = highest or 1.0
    step = max(_step(highest / MOST_STEPS, unit.is_bytes), unit.least)
    return tuple(step * n for n in range(math.ceil(highest / step - 1e-9) + 1))


def _step(least: float, is_bytes: bool) -> float:
    """The smallest even number that is not less."""
    base, nice = (1024.0, _NICE_BYTES) if is_bytes else (10.0, _NICE)
    power: float = base ** math.floor(math.log(least, base) + 1e-9)
    return power * next((each for each in nice if each * power >= least * (1 - 1e-9)), nice[-1])


def lowest_and_highest(values: Sequence[float]) -> tuple[float, float] | None:
    """None where nothing is known."""
    there = [value for value in values if known(value)]
    return (min(there), max(there)) if there else None

"""What is recorded of servers and hosts, as columns of numbers over time.

A number that nobody knows is NaN. Times are Unix time in whole seconds.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from protocol.server_messages import LATENCIES_MS

SERVER, HOST = "server", "host"
"""Kinds of what is recorded; also the words of addresses."""
EVERY_S, LONG_S = 10, 300
"""How often figures are recorded, and the steps of those that are kept for long."""
HOUR_S, DAY_S = 3600, 86_400
FINE_KEPT_S, LONG_KEPT_S = DAY_S, 30 * DAY_S
NAN = math.nan

REPORTED, STOPPED, UNHEARD, CONTROL_SILENT = range(4)
"""Values of the column ``state``: whether there was a report, and why not."""
WHY_NOT = {STOPPED: "it was not running", UNHEARD: "control had not heard of it",
           CONTROL_SILENT: "control did not answer"}
NOT_RECORDED = "the console recorded nothing"
"""Why there is no number where there is no row at all."""


@dataclass(frozen=True)
class Field:
    """A column. ``merged``: what several numbers that are known become, when one stands for their time."""

    name: str
    merged: Callable[[Sequence[float]], float]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


LATENCIES = tuple(f"within_{bound}" for bound in (*LATENCIES_MS, "more"))
"""Columns of the histogram: messages that took at most so many milliseconds, each counted once."""
FIELDS: dict[str, tuple[Field, ...]] = {
    # span: seconds in which the counted ones that follow were counted; 0 where nobody knows of any
    SERVER: (Field("state", min), Field("span", sum), Field("acknowledged", sum), Field("delivered", sum),
             *(Field(name, sum) for name in LATENCIES), Field("waiting_bytes", max), Field("clients", max),
             Field("lag", max), Field("disk_free", min), Field("disk_total", max)),
    HOST: (Field("state", min), Field("cpu_percent", _mean), Field("memory_percent", _mean), Field("disk_free", min)),
}
"""In the order in which they are stored: new ones come last."""
Point = tuple[float, ...]
"""Of one moment, in the order of FIELDS."""


@dataclass(frozen=True)
class Figures:
    """``columns`` by their names, each as long as ``times``, which grow. A row stands for the time from its own on,
    until ``step`` seconds later."""

    step: int
    times: Sequence[int]
    columns: dict[str, Sequence[float]]

    def __len__(self) -> int:
        return len(self.times)


def none_of(kind: str, step: int) -> Figures:
    return Figures(step, (), {field.name: () for field in FIELDS[kind]})


def of_points(kind: str, step: int, points: Iterable[tuple[int, Point]]) -> Figures:
    """``points``: (time, numbers), in the order of time."""
    rows = list(points)
    if not rows:
        return none_of(kind, step)
    columns = zip(*(point for _, point in rows), strict=True)
    return Figures(step, [at for at, _ in rows],
                   {field.name: column for field, column in zip(FIELDS[kind], columns, strict=True)})


def known(value: float) -> bool:
    return value == value

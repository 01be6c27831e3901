"""Which charts there are, and what their lines show: a further one is a row. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from provisioning.charts.facts import HOST, NAN, SERVER, Figures

from .quantiles import quantiles
from .units import BYTES, COUNT, MILLISECONDS, PERCENT, RATE, Unit


@dataclass(frozen=True)
class Series:
    """A line of each member. ``look``: "" or "dashed"."""

    name: str
    values: Callable[[Figures], Sequence[float]]
    look: str = ""


@dataclass(frozen=True)
class Plot:
    """``of``: what one point is; ``none``: why there is nothing to show although there were reports. ``ceiling``: the
    column whose highest number the scale reaches in any case, "" for none."""

    name: str
    title: str
    unit: Unit
    of: str
    none: str
    series: tuple[Series, ...] = field(default_factory=tuple)
    ceiling: str = ""


def column(name: str) -> Callable[[Figures], Sequence[float]]:
    return lambda figures: figures.columns[name]


def rate(name: str) -> Callable[[Figures], Sequence[float]]:
    """What was counted a second."""
    return lambda figures: [count / span if span else NAN for count, span in zip(
        figures.columns[name], figures.columns["span"], strict=True)]


NO_RATE = "Its server does not count what it does: one of this release does."
PLOTS: dict[str, tuple[Plot, ...]] = {
    SERVER: (
        Plot("rate", "Messages", RATE, "a mean", NO_RATE,
             (Series("acknowledged", rate("acknowledged")), Series("delivered", rate("delivered"), "dashed"))),
        Plot("latency", "Acknowledge latency", MILLISECONDS, "of all messages of its time",
             "No message was acknowledged in this time.",
             (Series("99 %", lambda figures: quantiles(figures, 0.99)),
              Series("50 %", lambda figures: quantiles(figures, 0.5), "dashed"))),
        Plot("lag", "Lag of the standby", COUNT, "the highest",
             "No server stood by in this time: lag is what a standby has yet to copy.",
             (Series("records", column("lag")),)),
        Plot("waiting", "Waiting to be acknowledged", BYTES, "the highest", "Nothing was said of it.",
             (Series("accepted", column("waiting_bytes")),)),
        Plot("clients", "Clients", COUNT, "the highest", "Nothing was said of them.",
             (Series("connected", column("clients")),)),
        Plot("disk", "Disk", BYTES, "the least",
             "Its server does not say how full the disk of its messages is: one of this release does.",
             (Series("free", column("disk_free")), Series("size", column("disk_total"), "dashed")), "disk_total")),
    HOST: (
        Plot("cpu", "Processor", PERCENT, "a mean", "Its agent says nothing of it.",
             (Series("busy", column("cpu_percent")),)),
        Plot("memory", "Memory", PERCENT, "a mean", "Its agent says nothing of it.",
             (Series("used", column("memory_percent")),)),
        Plot("disk", "Free disk space", BYTES, "the least", "Its agent could not find out.",
             (Series("free", column("disk_free")),))),
}

"""What a soak did: faults by kind, and the outages that they caused."""

from collections import Counter, defaultdict


def percentile(values: list[float], part: float) -> float:
    """The value that ``part`` (0 to 1) of the sorted ``values`` do not exceed; 0 without values."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] if values else 0.0


TWO, ROW = "two at a time", "several in a row"


class Report:
    """``add`` each round with the kinds that happened and the outage in seconds, None where the next fault followed at
    once: the outage of that one is then of both."""

    def __init__(self):
        self.kinds: Counter[str] = Counter()
        self.outages: dict[str, list[float]] = defaultdict(list)
        self._in_a_row = False

    def add(self, kinds: list[str], outage: float | None) -> None:
        self.kinds.update(kinds)
        if outage is not None and kinds:
            alone = kinds[0] if len(kinds) == 1 else TWO
            self.outages[ROW if self._in_a_row else alone].append(outage)
        self._in_a_row = outage is None

    def text(self, *, acknowledged: int, seed: int, took_s: float, kept: bool) -> str:
        """The closing summary."""
        lines = ["", f"{'fault':20}{'times':>7}{'measured':>10}{'median ms':>11}{'p95 ms':>9}{'max ms':>9}"]
        lines += [self._line(kind, times, self.outages[kind]) for kind, times in sorted(self.kinds.items())]
        lines += [self._line(kind, len(self.outages[kind]), self.outages[kind]) for kind in (TWO, ROW)]
        every = [outage for outages in self.outages.values() for outage in outages]
        lines.append(self._line("all", sum(self.kinds.values()), every))
        verdict = "lost 0, doubled 0" if kept else "NOT as promised, see above"
        lines.append(f"\nacknowledged {acknowledged}, {verdict}; {took_s / 60:.1f} minutes, seed {seed}")
        return "\n".join(lines)

    @staticmethod
    def _line(kind: str, times: int, outages: list[float]) -> str:
        middle, late, most = (percentile(outages, part) * 1000 for part in (0.5, 0.95, 1.0))
        return f"{kind:20}{times:7}{len(outages):10}{middle:11.0f}{late:9.0f}{most:9.0f}"

"""What a server counts of its work, from the start of its process on, for charts and Prometheus."""

from bisect import bisect_left

from protocol.server_messages import LATENCIES_MS

DISK_STEPS = 1000


class Figures:
    """``acknowledged``: messages that were stored and answered; ``delivered``: messages handed to subscribers;
    ``latencies``: how many of the acknowledged ones took at most LATENCIES_MS, the rest last;
    ``disk_free`` and ``disk_total``: bytes of the disk that its messages are on, 0 where that is not known."""

    def __init__(self) -> None:
        self.acknowledged = self.delivered = 0
        self.latencies = [0] * (len(LATENCIES_MS) + 1)
        self.disk_free = self.disk_total = 0

    def answered(self, count: int, waited_s: float) -> None:
        """So many messages were acknowledged, so long after they had come."""
        self.acknowledged += count
        self.latencies[bisect_left(LATENCIES_MS, waited_s * 1000)] += count

    def disk_has(self, free: int, total: int) -> None:
        """So much is free now. A move of less than one of DISK_STEPS is nothing to tell: each of thousands
        of servers would report as often as somebody wrote a file."""
        if total != self.disk_total or abs(free - self.disk_free) * DISK_STEPS >= total:
            self.disk_free, self.disk_total = free, total

"""What a server counts of its work, from the start of its process on, for charts and Prometheus."""

from bisect import bisect_left

from protocol.server_messages import LATENCIES_MS


class Figures:
    """``acknowledged``: messages that were stored and answered; ``delivered``: messages handed to subscribers;
    ``latencies``: how many of the acknowledged ones took at most LATENCIES_MS, the rest last."""

    def __init__(self) -> None:
        self.acknowledged = self.delivered = 0
        self.latencies = [0] * (len(LATENCIES_MS) + 1)

    def answered(self, count: int, waited_s: float) -> None:
        """So many messages were acknowledged, so long after they had come."""
        self.acknowledged += count
        self.latencies[bisect_left(LATENCIES_MS, waited_s * 1000)] += count

"""What ``prometheus_client`` asks when it writes metrics. Loaded by the first who asks for them."""

from collections.abc import Iterator

from django.conf import settings
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from .rules import families
from .selectors import measured


class _Now(Collector):
    def collect(self) -> Iterator[Metric]:
        """Raises DatabaseError."""
        return families(measured(), settings.PAIRWISE_VERSION)


def registry() -> CollectorRegistry:
    """Everything as it is now."""
    found = CollectorRegistry(auto_describe=False)
    found.register(_Now())
    return found

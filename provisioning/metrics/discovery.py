"""Where metrics are, as Prometheus is told it. Pure."""

from typing import Any
from urllib.parse import urlsplit

from provisioning.core.arrival import bracketed

PORTS = {"https": 443, "http": 80}
"""What an address means that names no port."""


def targets(console_url: str) -> list[dict[str, Any]]:
    """What http_sd_configs of Prometheus takes: the console at this address."""
    parts = urlsplit(console_url)
    return [{"targets": [f"{bracketed(parts.hostname or '')}:{parts.port or PORTS[parts.scheme]}"],
             "labels": {"__scheme__": parts.scheme, "__metrics_path__": f"{parts.path.rstrip('/')}/metrics"}}]

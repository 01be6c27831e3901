"""Where the embedded Redis listens: on a Unix socket for the console's own processes; on a port too, with a password,
when the console listens on the network and other hosts fetch their jobs there."""

import hashlib
import tempfile
from pathlib import Path

SOCKET_PATH_MAX = 100
"""Linux takes 107 bytes; some are left for what clients add."""


def embedded_redis_socket(data_dir: Path) -> Path:
    """Socket of the embedded Redis of ``data_dir``; in the temporary folder when the path would be too long."""
    path = data_dir / "redis" / "redis.sock"
    if len(str(path).encode()) <= SOCKET_PATH_MAX:
        return path
    digest = hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"pairwise-{digest}" / "redis.sock"


def embedded_redis_url(data_dir: Path, password: str = "") -> str:
    return f"unix://{f':{password}@' if password else ''}{embedded_redis_socket(data_dir)}"

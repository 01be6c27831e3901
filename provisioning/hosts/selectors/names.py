"""What the resolver of this machine says, bounded in time and kept for a while."""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass

WITHIN_S, KEPT_S, KEPT_MAX = 0.8, 60.0, 1000


@dataclass(frozen=True)
class Names:
    """``addresses`` of a name and ``reverse``, the name of an address; None when nobody answered in time."""

    addresses: tuple[str, ...] | None = None
    reverse: str | None = None


_lock = threading.Lock()
_kept: dict[tuple[str, str], tuple[float, Names]] = {}


def names_of(name: str, address: str, within_s: float = WITHIN_S) -> Names:
    """Both directions at once, no older than KEPT_S."""
    now, key = time.monotonic(), (name, address)
    with _lock:
        at, known = _kept.get(key, (0.0, Names()))
        if known != Names() and now - at < KEPT_S:
            return known
    found: dict = {}

    def forward():
        try:
            rows = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except OSError:
            rows = []
        found["addresses"] = tuple(dict.fromkeys(row[4][0] for row in rows))

    def backward():
        found["reverse"] = ""
        with contextlib.suppress(OSError):
            found["reverse"] = socket.gethostbyaddr(address)[0]

    # The resolver of the operating system knows no timeout, so it runs in threads that may be left behind.
    threads = [threading.Thread(target=work, daemon=True, name="resolve") for work in (forward, backward)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, now + within_s - time.monotonic()))
    ended = not any(thread.is_alive() for thread in threads)
    answer = Names(found.get("addresses"), found.get("reverse") if ended or found.get("reverse") else None)
    with _lock:
        if len(_kept) >= KEPT_MAX:
            _kept.clear()
        _kept[key] = (now, answer)
    return answer

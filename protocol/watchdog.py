"""Signs of life in the manner of systemd (sd_notify(3)), which whoever watches a process asks for by its environment.

systemd, `up` and the agent all ask in this way, so a process need not know which of them watches it.
"""

import contextlib
import os
import socket
from collections.abc import MutableMapping

from .beats import next_beat

ADDRESS, PERIOD, OWNER = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
"""Variables of the environment: where signs go, within how many microseconds one has to come, from which process."""
READY, ALIVE = b"READY=1", b"WATCHDOG=1"
SIGNS_A_PERIOD = 3


class Watchdog:
    """The one who watches this process, if there is one. ``every_s``: how often a sign of life is to come, in seconds,
    0 when nobody asks for them. The variables are taken out of ``environ``: children are not watched in our place."""

    def __init__(self, environ: MutableMapping[str, str] = os.environ):
        address, owner, period = (environ.pop(name, "") for name in (ADDRESS, OWNER, PERIOD))
        mine = owner in ("", str(os.getpid())) and hasattr(socket, "AF_UNIX")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address and mine else None
        self.every_s = int(period) / 1e6 / SIGNS_A_PERIOD if self._socket and period.isdigit() else 0.0

    def __enter__(self) -> "Watchdog":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def tell(self, what: bytes) -> None:
        """Never blocks and never fails: a watcher that is away for a moment misses this one."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(what, socket.MSG_DONTWAIT, self._address)

    async def show_life(self) -> None:
        """As long as the event loop turns, until cancelled; ends at once when nobody asks for it."""
        while self.every_s:
            self.tell(ALIVE)
            await next_beat(self.every_s)

"""The other end of ``protocol.watchdog``: hears signs of life and knows who has been silent for how long."""

import socket
import struct

from protocol.watchdog import ADDRESS, ALIVE, PERIOD

SCM_CREDENTIALS = 2
_CREDENTIALS = struct.Struct("3i")
MESSAGE_MAX = 4096


class Signs:
    """Where watched processes show that they live. ``name`` makes an address that a successor can take over, without
    one it is any. The address is no file, so neither a full disk nor another account stands in the way; the kernel says
    who sent what, so nobody can show life in another one's place. Raises OSError when ``name`` is taken.
    """

    def __init__(self, name: str = ""):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            self._socket.bind(f"\0{name}" if name else "")
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def environment(self, within_s: float) -> dict[str, str]:
        """What asks a process for a sign of life every so often."""
        address = self._socket.getsockname().decode()
        return {ADDRESS: f"@{address[1:]}", PERIOD: str(int(within_s * 1e6))}

    def read(self) -> set[int]:
        """Pids of those that showed life since the last call."""
        seen: set[int] = set()
        while True:
            try:
                said, about, _, _ = self._socket.recvmsg(MESSAGE_MAX, socket.CMSG_SPACE(_CREDENTIALS.size))
            except BlockingIOError:
                return seen
            if ALIVE in said.split(b"\n"):
                seen |= {_CREDENTIALS.unpack(data)[0] for level, kind, data in about
                         if (level, kind) == (socket.SOL_SOCKET, SCM_CREDENTIALS)}


class Silence:
    """For how long each process has been silent, in the time of whoever watches: one who looks every ``look_s`` seconds
    and was frozen meanwhile, as his whole machine may have been, has heard nothing and knows nothing of that time."""

    def __init__(self, look_s: float, now: float):
        self._look_s, self._looked_at = look_s, now
        self._heard: dict[int, float] = {}

    def expect(self, pid: int, now: float, *, within_s: float = 0.0) -> None:
        """Count from now on, or from a first sign that has ``within_s`` more seconds to come."""
        self._heard[pid] = now + within_s

    def look(self, now: float) -> None:
        """Called every ``look_s``, before anybody is judged."""
        missed_s = now - self._looked_at - 2 * self._look_s
        self._looked_at = now
        if missed_s > 0:
            self._heard = {pid: at + missed_s for pid, at in self._heard.items()}

    def silent_s(self, pid: int, now: float) -> float:
        """Seconds since the last sign of ``pid``, 0 for one of whom none is expected."""
        return max(0.0, now - self._heard.get(pid, now))

    def forget(self, pid: int) -> None:
        self._heard.pop(pid, None)

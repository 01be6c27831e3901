"""The other end of ``protocol.watchdog``: hears signs of life and knows who has been silent for how long."""

import contextlib
import os
import socket
import struct
from pathlib import Path

from protocol.watchdog import ADDRESS, ALIVE, PERIOD

SCM_CREDENTIALS = 2
_CREDENTIALS = struct.Struct("3i")
MESSAGE_MAX = 4096
MESSAGES_A_TURN = 64
_QUEUE = Path("/proc/sys/net/unix/max_dgram_qlen")


class Signs:
    """Where watched processes show that they live: the kernel says who sent what, so nobody can show life in another
    one's place. With ``file`` only those who may write there can send anything; else, or when there can be none, the
    address is no file, so neither a full disk nor another account of a server stands in the way, but every account of
    the machine can crowd it. ``name`` makes an address of that kind that a successor can take over, without one it is
    any. Raises OSError when ``name`` is taken.
    """

    def __init__(self, name: str = "", *, file: Path | None = None):
        self._file: Path | None = None
        self._room, self._unread, self._crowded = _room(), 0, False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            if file is None or not self._bind(file):
                self._socket.bind(f"\0{name}" if name else "")
        except OSError:
            self._socket.close()
            raise

    def _bind(self, file: Path) -> bool:
        """False when there can be no such file, as on a full disk or at a path that is too long."""
        before = os.umask(0o177)
        try:
            file.unlink(missing_ok=True)
            self._socket.bind(str(file))
        except OSError:
            return False
        finally:
            os.umask(before)
        self._file = file
        return True

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.unlink()

    def environment(self, within_s: float) -> dict[str, str]:
        """What asks a process for a sign of life every so often."""
        address = self._socket.getsockname()
        return {ADDRESS: address if self._file is not None else f"@{address[1:].decode()}",
                PERIOD: str(int(within_s * 1e6))}

    def read(self) -> set[int]:
        """Pids of those that showed life since the last call, of at most MESSAGES_A_TURN messages, so that who sends
        without end keeps nobody here. There are more while ``fileno`` is readable."""
        seen: set[int] = set()
        for _ in range(MESSAGES_A_TURN):
            try:
                said, about, _, _ = self._socket.recvmsg(MESSAGE_MAX, socket.CMSG_SPACE(_CREDENTIALS.size))
            except BlockingIOError:
                self._unread = 0
                break
            self._unread += 1
            self._crowded = self._crowded or self._unread >= self._room
            if ALIVE in said.split(b"\n"):
                seen |= {_CREDENTIALS.unpack(data)[0] for level, kind, data in about
                         if (level, kind) == (socket.SOL_SOCKET, SCM_CREDENTIALS)}
        return seen

    def were_crowded(self) -> bool:
        """Whether so much came since the last call that there may have been no room for all signs."""
        crowded, self._crowded = self._crowded, False
        return crowded


def _room() -> int:
    """How many messages the kernel keeps for one who does not read."""
    try:
        return int(_QUEUE.read_text())
    except (OSError, ValueError):
        return 10


class Silence:
    """For how long each process has been silent, in the time of whoever watches: one who looks every ``look_s`` seconds
    and was frozen meanwhile, as his whole machine may have been, has heard nothing and knows nothing of that time."""

    def __init__(self, look_s: float, now: float):
        self._look_s, self._looked_at = look_s, now
        self._heard: dict[int, float] = {}

    def expect(self, pid: int, now: float, *, within_s: float = 0.0) -> None:
        """Count from now on, or from a first sign that has ``within_s`` more seconds to come."""
        self._heard[pid] = now + within_s

    def look(self, now: float, *, crowded: bool = False) -> None:
        """Called every ``look_s``, before anybody is judged. ``crowded``: signs since the last look may be lost, so the
        time since then tells nothing of anybody."""
        missed_s = now - self._looked_at - (0.0 if crowded else 2 * self._look_s)
        self._looked_at = now
        if missed_s > 0:
            self._heard = {pid: at + missed_s for pid, at in self._heard.items()}

    def silent_s(self, pid: int, now: float) -> float:
        """Seconds since the last sign of ``pid``, 0 for one of whom none is expected."""
        return max(0.0, now - self._heard.get(pid, now))

    def forget(self, pid: int) -> None:
        self._heard.pop(pid, None)

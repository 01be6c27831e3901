"""What a test host's machine may do to every process on it: a disk that fails or hangs, and a clock that is wrong.

``machine.c`` is preloaded into what the host runs and looks at a file that these functions write.
"""

import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("machine.c")
LAYOUT = struct.Struct("iiiiqq480s")
STATES = {"well": 0, "fails": 1, "hangs": 2}
DAY_S = 86_400


class Machine:
    """Of one host; its files are in ``directory``. All is well at first."""

    def __init__(self, directory: Path):
        self._library, self._file = directory / "machine.so", directory / "machine"
        self._disk, self._clock_s, self._passed_s = (0, 0, 0, ""), 0, 0
        self._write()
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", self._library, SOURCE, "-ldl"], check=True, timeout=60)

    @property
    def prefix(self) -> list[str]:
        """Command prefix: as a process of this machine."""
        return ["env", f"LD_PRELOAD={self._library}", f"MACHINE_FILE={self._file}"]

    def disk(self, below: Path, *, syncs: str = "well", reads: str = "well", writes: str = "well") -> None:
        """From now on the files ``below`` are on a disk whose fsync, reads and writes are "well", or each of them
        "fails" (EIO) or "hangs" (until it does not any more)."""
        self._disk = STATES[syncs], STATES[reads], STATES[writes], str(below)
        self._write()

    def disk_well(self) -> None:
        """The end of ``disk``."""
        self._disk = 0, 0, 0, ""
        self._write()

    def clock(self, seconds: int) -> None:
        """From now on the clock is so many seconds ahead of the right time; below 0: behind it."""
        self._clock_s = seconds
        self._write()

    def pass_time(self, seconds: int) -> None:
        """So much time passes here at once, also by the clock that nobody can set."""
        self._passed_s += seconds
        self._write()

    def mend(self) -> None:
        """The disk is well, the clock is right, and no time has passed but the real one."""
        self._clock_s = self._passed_s = 0
        self.disk_well()

    def _write(self) -> None:
        syncs, reads, writes, below = self._disk
        # Never shorter than it was: it is mapped.
        with self._file.open("r+b" if self._file.exists() else "w+b") as file:
            file.write(LAYOUT.pack(syncs, reads, writes, 0, self._clock_s, self._passed_s, below.encode()))

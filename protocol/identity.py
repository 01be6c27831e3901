"""Which process a pid names: pid and start time together, so that a reused pid is never taken for the old process.

Standard library only. On Windows there is no /proc: nothing is known there of any process.
"""

from pathlib import Path


def boot_id() -> str:
    """Identity of this boot of the machine, as start times of different boots cannot be compared; "" where the system
    does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def stat_fields(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat from the third (state) on; [] when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    # The name in parentheses may hold blanks and parentheses itself.
    return text.rpartition(")")[2].split()


def start_ticks(pid: int) -> int:
    """Start time of ``pid`` in clock ticks since boot; 0 when there is no such process or only its zombie."""
    fields = stat_fields(pid)
    return 0 if not fields or fields[0] in "ZX" else int(fields[19])


def is_alive(pid: int, started: int) -> bool:
    """True when the process that was ``pid`` since ``started`` ticks still runs."""
    return pid > 0 and started > 0 and start_ticks(pid) == started

"""Where the processor time goes: of all processes below this one, by what they are."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from protocol.identity import stat_fields

TICKS = os.sysconf("SC_CLK_TCK")
KINDS = (
    ("web", "pairwise: web"), ("control", "pairwise: control"), ("log reader", "pairwise: log-reader"),
    ("console worker", "pairwise: console-worker"), ("fork server", "console.up.fork_server"),
    ("web", "console.web"), ("control", "runcontrol"), ("log reader", "runlog"), ("console worker", "console.worker"),
    ("console", "manage.py up"), ("host worker", "hostagent.host_worker"), ("agent", "-m hostagent"),
    ("shim", "shim.py"), ("server", " -app "), ("Redis", "redis-server"), ("Redis", "valkey-server"),
)
"""What a process is, and what stands in its command line."""
OTHER, SELF = "other", "this measurement"


@dataclass(frozen=True)
class Used:
    """Seconds of one process: its own, and of the programs it ran that have ended."""

    kind: str
    own: float
    ended: float


Processes = Mapping[tuple[int, int], Used]
"""By (pid, start time)."""


def kind_of(command: str) -> str:
    return next((kind for kind, part in KINDS if part in command), OTHER)


def look(root: int | None = None) -> Processes:
    """All processes below ``root`` (default: this one) and itself."""
    root = root or os.getpid()
    found = {pid: stat for pid in _pids() if (stat := stat_fields(pid))}
    parents = {pid: int(stat[1]) for pid, stat in found.items()}
    return {(pid, int(found[pid][19])): _used(pid, found[pid], root) for pid in _below(root, parents)}


def spent(before: Processes, after: Processes) -> Counter[str]:
    """Seconds by kind between two looks; "programs of" a kind: what its processes ran and saw ending."""
    seconds: Counter[str] = Counter()
    for key, now in after.items():
        then = before.get(key, Used(now.kind, 0.0, 0.0))
        seconds[now.kind] += now.own - then.own
        seconds[f"programs of {now.kind}"] += now.ended - then.ended
    return seconds


def per_host(seconds: Mapping[str, float], hosts: int) -> dict[str, float]:
    """Seconds a host by kind, the largest first, without what is next to nothing; their sum is "all"."""
    each = {kind: round(value / hosts, 3) for kind, value in sorted(seconds.items(), key=lambda pair: -pair[1])}
    return {"all": round(sum(seconds.values()) / hosts, 3), **{kind: value for kind, value in each.items() if value}}


def busy_s() -> float:
    """Seconds that all cores of this machine have worked since it was started, whoever worked."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq, *_ = (int(word) for word in words)
    return (user + nice + system + irq + softirq) / TICKS


def _pids() -> Iterable[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _below(root: int, parents: Mapping[int, int]) -> list[int]:
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _used(pid: int, stat: list[str], root: int) -> Used:
    user, system, ended_user, ended_system = (int(word) / TICKS for word in stat[11:15])
    if pid == root:
        # What it ran and waited for is its preparation.
        return Used(SELF, user + system, 0.0)
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        command = ""
    return Used(kind_of(command), user + system, ended_user + ended_system)

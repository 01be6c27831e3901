"""What a console with one pair costs while nothing happens and no page is open.

    python -m bench.idle [-seconds 120] [-rounds 2]

Processor time, memory (PSS: what processes share counts once) and how often something wakes, of every process on this
machine, by what it is. One line a round. Processor time is what other work on the machine changes least; the time that
a bare interpreter takes to start, in the same run, says how fast the machine was.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil

from . import _cpu
from ._local_pair import local_pair

CPU_PERCENT_MAX, MEMORY_MB_MAX = 1.5, 400.0
SETTLES_S = 30.0
"""What is done once after a start (looks on the host, the first audit) is over by then."""
STARTS = 10


def memory(processes: _cpu.Processes) -> Counter[str]:
    """MB by kind."""
    found: Counter[str] = Counter()
    for (pid, _), used in processes.items():
        found[used.kind] += psutil.Process(pid).memory_full_info().pss / 1e6
    return found


def wakes(processes: _cpu.Processes) -> Counter[str]:
    """How often threads waited for something, by kind."""
    found: Counter[str] = Counter()
    for (pid, _), used in processes.items():
        for task in Path(f"/proc/{pid}/task").iterdir():
            found[used.kind] += int((task / "status").read_text().split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return found


def bare_start_s() -> float:
    """Processor time of an interpreter that does nothing."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(STARTS):
        subprocess.run([sys.executable, "-c", ""], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / STARTS


def looked() -> _cpu.Processes:
    """All but this one."""
    return {key: used for key, used in _cpu.look().items() if key[0] != os.getpid()}


def shares(counted: Counter[str], of: float, digits: int) -> dict[str, float]:
    """Each kind's part, the largest first, without what is next to nothing."""
    found = {kind: round(value / of, digits) for kind, value in counted.most_common()}
    return {kind: value for kind, value in found.items() if value}


def report(seconds: float, spent: Counter[str], woken: Counter[str], used: Counter[str], bare_s: float) -> dict:
    cpu, mb = 100 * spent.total() / seconds, used.total()
    return {"bench": "idle", "seconds": round(seconds), "cpu_percent": round(cpu, 2), "limit_percent": CPU_PERCENT_MAX,
            "ratio": round(cpu / CPU_PERCENT_MAX, 2), "memory_mb": round(mb), "limit_mb": MEMORY_MB_MAX,
            "memory_ratio": round(mb / MEMORY_MB_MAX, 2), "bare_start_ms": round(bare_s * 1000, 1),
            "cpu_percent_by_kind": shares(spent, seconds / 100, 3), "memory_mb_by_kind": shares(used, 1, 1),
            "wakes_a_second": shares(woken, seconds, 1)}


def measure(seconds: float) -> dict:
    before, woken, begun = looked(), wakes(looked()), time.monotonic()
    time.sleep(seconds)
    after = looked()
    took = time.monotonic() - begun
    return report(took, _cpu.spent(before, after), wakes(after) - woken, memory(after), bare_start_s())


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.idle", description=__doc__.splitlines()[0])
    parser.add_argument("-seconds", type=float, default=120)
    parser.add_argument("-rounds", type=int, default=2)
    given = parser.parse_args()
    with local_pair() as pair:
        pair.run.end_asked()
        time.sleep(SETTLES_S)
        for _ in range(given.rounds):
            print(json.dumps(measure(given.seconds)), flush=True)


if __name__ == "__main__":
    main()

"""SIGHUP at every process of a running Pairwise: whoever closes a terminal or has logs opened anew ends none."""

import os
import signal
from pathlib import Path

from protocol.identity import start_ticks

from .applications import installed
from .harness import wait_for

DAEMONS = {"the database of jobs": ("-server ",), "control": ("pairwise: control", "runcontrol"),
           "web": ("pairwise: web", "console.web"),
           "the console worker": ("pairwise: console-worker", "console.worker"),
           "the log reader": ("pairwise: log-reader", "runlog"), "the agent": ("-m hostagent --config",),
           "the host worker": ("hostagent.host_worker",), "the keeper of an exit code": ("shim.py",),
           "a Message Server": ("lib.zip",)}
"""What the command line of each has; of a process of the console as a fork, and as one that was started once more."""
PASSING = (" -V", " -check")


def daemons(pairwise) -> dict[int, str]:
    """{pid: command line} of what runs until it is asked to end, `up` among it."""
    found = {pid: line for pid, line in pairwise.processes().items() if not any(word in line for word in PASSING)}
    missing = {name for name, parts in DAEMONS.items()
               if not any(part in line for line in found.values() for part in parts)}
    assert not missing, f"not among {found}: {missing}"
    workers = [line for line in found.values() if "host_worker" in line]
    assert len(workers) >= 3, f"the host's with a pool of two: {workers}"
    return {**found, pairwise.process.pid: "manage.py up"}


def waits_for(pid: int, number: int) -> bool:
    """It was sent a signal that it has not taken yet."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    return any(int(line.split()[1], 16) >> (number - 1) & 1 for line in lines if line.startswith(("SigPnd", "ShdPnd")))


def test_no_process_ends_by_sighup_and_all_go_on_with_their_work(pairwise):
    installed(pairwise, "Hangups")
    pairwise.manage("start", "Hangups", "--wait")
    before = {pid: (start_ticks(pid), line) for pid, line in daemons(pairwise).items()}
    said = len(pairwise.output)

    def ended() -> list[str]:
        return [line for pid, (ticks, line) in before.items() if start_ticks(pid) != ticks]

    for pid in before:
        os.kill(pid, signal.SIGHUP)
    wait_for(lambda: not any(waits_for(pid, signal.SIGHUP) for pid in before), 10, "all have taken it")
    assert ended() == []
    # By the queue, both workers, the agent and control: one that only began to end does not carry out all of this.
    for verb in ("stop", "start"):
        pairwise.manage(verb, "Hangups", "--wait")
    assert [line for line in ended() if "shim.py" not in line and "lib.zip" not in line] == []
    assert pairwise.health()[0] == 200
    assert [line for line in pairwise.output[said:] if "ended" in line or "started again" in line] == []

"""Keeps one server's exit code when the agent is away. Run as ``python -I -S shim.py RUN_DIRECTORY [DESCRIPTOR]``.

Reads ``spec.json`` {argv, file, cwd, log, account} by renaming it to ``claimed.json`` (whoever renames it owns the
start), writes ``run`` {shim_pid, shim_started, pid, started, boot_id} before the program runs and ``exit``
{exit_code, signal, at, reason} after it ended, each whole or absent. Writes a byte to the FIFO ``events`` after
each. With DESCRIPTOR the program starts in that opened directory, else in ``cwd``. Only the standard library, and
nothing of this project: it outlives upgrades of the agent.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself would cost each server's shim memory
    from typing import Any, NoReturn

PR_SET_CHILD_SUBREAPER = 36
NOT_FOUND, NOT_EXECUTABLE = 127, 126


def write(name: str, value: dict[str, object]) -> None:
    with open(name + ".tmp", "w") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name + ".tmp", name)
    directory = os.open(".", os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def started(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[19])


def boot_id() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def become(account: str) -> None:
    import pwd

    entry = pwd.getpwnam(account)
    os.environ.update(HOME=entry.pw_dir, USER=account, LOGNAME=account)
    os.initgroups(account, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def run_program(spec: "dict[str, Any]", place: int | None, gate: int, complaint: int, log: int) -> "NoReturn":
    """In the child: waits until ``run`` is on disk, then becomes the program. Never returns."""
    code = NOT_FOUND
    try:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        if not os.read(gate, 1):
            os._exit(NOT_FOUND)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if spec["account"]:
            become(spec["account"])
        os.chdir(spec["cwd"] if place is None else place)
        # The agent that wrote it may be older than this shim.
        os.execv(spec.get("file", spec["argv"][0]), spec["argv"])
    except KeyError:
        os.write(complaint, f"The OS account {spec['account']} does not exist on this host.".encode())
    except OSError as error:
        code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
        os.write(complaint, f"{spec['argv'][0]} cannot be started: {error.strerror}.".encode())
    os._exit(code)


def wait_for(pid: int) -> int:
    """Wait status of ``pid``; whatever else was adopted meanwhile is reaped."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return status


def reap_adopted() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def main() -> None:
    place = int(sys.argv[2]) if len(sys.argv) > 2 else None
    if place is not None:
        os.set_inheritable(place, False)
    os.chdir(sys.argv[1])
    events = os.open("events", os.O_RDWR | os.O_NONBLOCK)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    try:
        os.rename("spec.json", "claimed.json")
    except FileNotFoundError:
        return
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with open("claimed.json") as file:
        spec = json.load(file)
    log = os.open(spec["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    gate_out, gate_in = os.pipe()
    reason_out, reason_in = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(gate_in)
        os.close(reason_out)
        run_program(spec, place, gate_out, reason_in, log)
    if place is not None:
        os.close(place)
    os.close(gate_out)
    os.close(reason_in)
    write("run", {"shim_pid": os.getpid(), "shim_started": started(os.getpid()), "pid": pid, "started": started(pid),
                  "boot_id": boot_id()})
    os.write(gate_in, b"go")
    os.close(gate_in)
    reason = os.read(reason_out, 500).decode(errors="replace")
    if not reason:
        os.write(events, b"R")
    status = wait_for(pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # What the server left behind in its group would hold its ports against the next start.
        os.killpg(pid, signal.SIGKILL)
    code, ended_by = (-1, os.WTERMSIG(status)) if os.WIFSIGNALED(status) else (os.WEXITSTATUS(status), 0)
    write("exit", {"exit_code": code, "signal": ended_by, "at": time.time(), "reason": reason})
    os.write(events, b"E")
    reap_adopted()


if __name__ == "__main__":
    main()

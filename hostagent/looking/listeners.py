"""Who listens on TCP ports of this host, from /proc alone."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from ..surroundings import account_of, name_of

LISTEN = "0A"
PROC = Path("/proc")


def listening(ports: Iterable[int]) -> dict[int, dict[int, int]]:
    """{port: {inode of a listening socket: uid}} of these ports."""
    wanted = set(ports)
    found: dict[int, dict[int, int]] = {}
    for table in ("net/tcp", "net/tcp6"):
        with contextlib.suppress(OSError), open(PROC / "self" / table) as lines:
            next(lines, None)
            for line in lines:
                fields = line.split()
                # The kernel lists sockets that listen before all others.
                if len(fields) < 10 or fields[3] != LISTEN:
                    break
                port = int(fields[1].rpartition(":")[2], 16)
                if port in wanted:
                    found.setdefault(port, {})[int(fields[9])] = int(fields[7])
    return found


def sockets_of(pid: int) -> set[int] | None:
    """Inodes of the sockets that a process holds; None when this account may not see them."""
    found = set()
    try:
        for entry in os.scandir(PROC / str(pid) / "fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(entry.path)
                if target.startswith("socket:["):
                    found.add(int(target[8:-1]))
    except PermissionError:
        return None
    except OSError:
        return set()
    return found


def strangers(ports: Iterable[int], own_pid: int) -> dict[int, str]:
    """{port: the program that listens there, "" for process ``own_pid``}, of ports that anybody listens on."""
    found = listening(ports)
    own = sockets_of(own_pid) if own_pid and found else set()
    own_account = account_of(own_pid) if own_pid else ""
    told = {}
    for port, sockets in found.items():
        others = {inode: uid for inode, uid in sockets.items()
                  if not (inode in own if own is not None else name_of(uid) == own_account)}
        told[port] = _who(others) if others else ""
    return told


def _who(sockets: dict[int, int]) -> str:
    for pid in (int(entry) for entry in os.listdir(PROC) if entry.isdigit()):
        if sockets.keys() & (sockets_of(pid) or set()):
            return f"{_program(pid)} (pid {pid}, account {account_of(pid)})"
    return f"another program (account {name_of(min(sockets.values()))})"


def _program(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text(errors="replace").strip() or "a program"
    except OSError:
        return "a program"

"""Where the databases are since they were moved: ``databases.json`` in the data directory (mode 0600), which every
process of the console reads at its start. Standard library only."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from protocol.files import sync_directory, write_atomically
from protocol.identity import is_alive, start_ticks

FILE = "databases.json"
CONFIGURATION, RECORD, LOG = "PAIRWISE_DATABASE_URL", "PAIRWISE_CONTROL_DATABASE_URL", "PAIRWISE_LOG_DATABASE_URL"
MOVING, MOVED, SETTLED, RETURNING = "moving", "moved", "settled", "returning"
"""MOVING: being copied, the former ones count. MOVED: the new ones count. SETTLED: nothing is left to do of it.
RETURNING: on the way back, the new ones count still."""
AT_WORK = frozenset({MOVING, RETURNING})
UNFINISHED = AT_WORK | {MOVED}


class Contradiction(Exception):
    """Settings name other databases than those that the console was moved to. The text says what to do."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """``addresses``: {setting: address with its password}, ``number`` tells one move from another, ``history`` is how
    far History had come, ``pid`` and ``started`` name the process at work."""

    state: str
    number: str
    addresses: Mapping[str, str]
    at: str
    history: str = ""
    pid: int = 0
    started: int = 0

    @property
    def counts(self) -> bool:
        """Whether the databases are those of ``addresses``."""
        return self.state != MOVING

    @property
    def is_at_work(self) -> bool:
        """Whether a process that moves them lives."""
        return self.state in AT_WORK and is_alive(self.pid, self.started)

    @property
    def is_broken_off(self) -> bool:
        """Whether the process died that was to bring it to its end."""
        return self.state in UNFINISHED and not is_alive(self.pid, self.started)

    @property
    def place(self) -> str:
        return shown(self.addresses[CONFIGURATION])

    def by_us(self, state: str) -> "Kept":
        return replace(self, state=state, pid=os.getpid(), started=start_ticks(os.getpid()))

    def now(self, state: str) -> "Kept":
        return replace(self, state=state, pid=0, started=0)


def read(data_dir: Path) -> Kept | None:
    """None when nothing was ever moved. Raises Contradiction for a file that says nothing."""
    path = data_dir / FILE
    try:
        body = json.loads(path.read_bytes())
        kept = Kept(**body)
        kept.addresses[CONFIGURATION]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        raise Contradiction(f"{path} says where the databases are and cannot be read: put it back from a backup, or "
                            "correct its rights.") from None
    return kept


def write(data_dir: Path, kept: Kept) -> None:
    """On the disk when it returns. Raises OSError."""
    write_atomically(data_dir / FILE, json.dumps(asdict(kept), indent=1).encode())


def remove(data_dir: Path) -> None:
    (data_dir / FILE).unlink(missing_ok=True)
    sync_directory(data_dir)


def addresses(data_dir: Path, given: Mapping[str, str]) -> dict[str, str]:
    """{setting: address} of the databases that were moved; {} when those of ``given``, or the files, count. Raises
    Contradiction when ``given`` names others than those that the console was moved to."""
    kept = read(data_dir)
    if kept is None or not kept.counts:
        return {}
    for name, address in kept.addresses.items():
        if given.get(name) and place_of(given[name]) != place_of(address):
            raise Contradiction(
                f"{name} names another database than {shown(address)}, to which this console was moved "
                f"({data_dir / FILE}): unset {name}, or go back first (./run move --back).")
    return dict(kept.addresses)


def place_of(address: str) -> tuple[str, str, int, str]:
    """What tells one database from another, whoever asks it."""
    parts = urlsplit(address)
    scheme = "postgres" if parts.scheme.startswith("postgres") else parts.scheme
    return scheme, (parts.hostname or "").lower(), parts.port or 5432, parts.path


def shown(address: str) -> str:
    """As people may read it: without password."""
    parts = urlsplit(address)
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit((parts.scheme, user + _where(parts.netloc), parts.path, "", ""))


def with_password(address: str, password: str) -> str:
    parts = urlsplit(address)
    if not password:
        return address
    user = f"{parts.username or ''}:{quote(password, safe='')}@"
    return urlunsplit((*parts[:1], user + _where(parts.netloc), *parts[2:]))


def _where(netloc: str) -> str:
    return netloc.rpartition("@")[2]

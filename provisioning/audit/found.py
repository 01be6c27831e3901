"""What a job found on a host about one application: the host's word, checked and typed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from provisioning.selectors.start_files import StartFiles


@dataclass(frozen=True, kw_only=True)
class FoundFile:
    """A file or directory. ``path``: where it really is, links followed; ``owner``: its account; ``usable``: the
    log-on account may use it as it must (write into a directory, execute a program)."""

    present: bool
    path: str = ""
    owner: str = ""
    usable: bool = True
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class FoundProcess:
    """The process that runs as this application: its account and command line."""

    pid: int
    account: str = ""
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Found:
    """``listeners``: {port number: what listens there, "" for this application's own process}; ``names``: {name of a
    host of the pair: its addresses there}; ``reverse``: {address: its name there}; ``runs``: the program said its
    version when it was run as the log-on account, ``version`` it; ``changed``: installed files whose content is not
    the package's. None or empty where the host did not say."""

    at: datetime
    host_id: int
    directory: FoundFile | None = None
    program: FoundFile | None = None
    start_files: StartFiles | None = None
    process: FoundProcess | None = None
    listeners: Mapping[int, str] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] | None = None
    reverse: Mapping[str, str] | None = None
    runs: bool | None = None
    runs_problem: str = ""
    version: str = ""
    changed: tuple[str, ...] | None = None
    disk_free_bytes: int | None = None
    clock_synchronized: bool | None = None

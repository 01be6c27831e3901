"""What start files are, as a job found them on the host (guide step 4)."""

import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Parameter:
    """-host, -port or -app. ``state``: right, missing, different, placeholder, unknown (known only when it runs)."""

    name: str
    expected: str
    found: str
    state: str


@dataclass(frozen=True)
class StartFile:
    """One file, as protocol.jobs describes it: what is there, what should be there, and the difference."""

    name: str
    present: bool = False
    problem: str = ""
    content: str = ""
    sha256: str = ""
    size: int = 0
    mode: str = ""
    owner: str = ""
    modified_at: datetime | None = None
    expected: str = ""
    expected_mode: str = ""
    expected_owner: str = ""
    differs: tuple[str, ...] = ()
    equal: bool = False
    starts: bool = False
    sentence: str = ""
    diff: str = ""
    parameters: tuple[Parameter, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the parameters that are not passed at all."""
        return tuple(each.name for each in self.parameters if each.state == "missing")


@dataclass(frozen=True)
class StartFiles:
    """What the job ``job_id`` (None: a look on the host) found at ``checked_at``. ``starts``: run.sh passes the right
    -host, -port and -app; ``equal``: every file is as Install writes it; ``outdated``: why it says nothing about the
    application as it is configured now, "" when it does."""

    job_id: uuid.UUID | None
    kind: str
    checked_at: datetime
    equal: bool
    starts: bool
    outdated: str
    files: tuple[StartFile, ...]

    @property
    def seen(self) -> dict[str, str]:
        """What ``verbs.services.jobs.repair_start_files`` wants to be told."""
        return {file.name: file.sha256 for file in self.files}

    @property
    def run_sh(self) -> StartFile | None:
        return next((file for file in self.files if file.name == "run.sh"), None)


@dataclass(frozen=True)
class Wanted:
    """What start files should be about: an application as it is configured now; ``server`` is host:port."""

    name: str
    host: str
    directory: str
    server: str

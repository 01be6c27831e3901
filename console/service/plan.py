"""What installing, upgrading and taking away a service needs, as a list of steps: a pure function of what is there.

Each step says in its text what it does; ``carry_out`` does it. A step that is done already is not in the list.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from console.service import layout
from console.service.layout import ACCOUNT

ROOT = "root"


@dataclass(frozen=True)
class Rights:
    """Who has a file or a directory, and with which mode."""

    owner: str
    group: str
    mode: int

    def __str__(self) -> str:
        return f"{self.owner}:{self.group}, mode {self.mode:04o}"


FOR_ROOT, FOR_ALL, RUNS = Rights(ROOT, ROOT, 0o755), Rights(ROOT, ROOT, 0o644), Rights(ROOT, ROOT, 0o755)
RIGHTS = {
    layout.CONFIGURATION: Rights(ROOT, ACCOUNT, 0o750),
    layout.SETTINGS: Rights(ROOT, ACCOUNT, 0o640),
}
"""Secrets are named in there, and the account reads them; it changes nothing."""


@dataclass(frozen=True)
class MakeAccount:
    name: str

    def __str__(self) -> str:
        return f"make the account {self.name}, of the system, without a password and a shell"


@dataclass(frozen=True)
class MakeDirectory:
    path: Path
    rights: Rights

    def __str__(self) -> str:
        return f"make {self.path} ({self.rights})"


@dataclass(frozen=True)
class GiveRights:
    path: Path
    rights: Rights

    def __str__(self) -> str:
        return f"give {self.path} to {self.rights}"


@dataclass(frozen=True)
class WriteFile:
    path: Path
    text: str
    rights: Rights

    def __str__(self) -> str:
        return f"write {self.path} ({self.rights})"


@dataclass(frozen=True)
class PutProgram:
    path: Path
    digest: str

    def __str__(self) -> str:
        return f"put the program and its Python packages into {self.path} (root:root)"


@dataclass(frozen=True)
class Remove:
    path: Path

    def __str__(self) -> str:
        return f"remove {self.path}"


@dataclass(frozen=True)
class Systemctl:
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return f"systemctl {' '.join(self.arguments)}"


Step = MakeAccount | MakeDirectory | GiveRights | WriteFile | PutProgram | Remove | Systemctl


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be there. ``digest`` stands for every file of the program."""

    digest: str
    unit: str
    settings: str
    command: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is there. ``texts``: content of the files that are written, without those that are missing; ``digest`` is ""
    where ./run install-service put no program."""

    is_root: bool = True
    systemd: bool = True
    account: bool = False
    packaged: bool = False
    program_there: bool = False
    digest: str = ""
    texts: Mapping[Path, str] = field(default_factory=dict)
    rights: Mapping[Path, Rights] = field(default_factory=dict)
    enabled: bool = False
    state: str = "inactive"
    """Of the service, as systemd calls it."""
    unread: bool = False
    """systemd has not read the unit since that was written."""
    former: bool = False
    """The service still runs from the program that another one has taken the place of."""
    asks_directory: bool = False
    """Its settings name a directory that is asked who may sign in."""
    unfit: str = ""
    """Why the account cannot or must not run the program of Python, or ""."""

    @property
    def runs(self) -> bool:
        """Or is about to."""
        return self.state not in ("inactive", "failed", "")

    def why_not_installed(self, checkout: Path = layout.CHECKOUT) -> str:
        """Why ./run install-service cannot work here: a sentence that says what to do, or ""."""
        if self.packaged:
            return "Pairwise was installed as a package here: upgrade it by dpkg or apt, or remove the package first."
        if checkout.is_relative_to(layout.PROGRAM):
            return (f"This checkout is in {layout.PROGRAM}, where the service has its own copy: move the checkout to "
                    "another place, then run ./run install-service there.")
        if self.program_there and not self.digest:
            return (f"{layout.PROGRAM} is there and was not made by ./run install-service: move it away, then run the "
                    "command again.")
        if self.unfit:
            return (f"The Python of this environment {self.unfit}: install the one of the system (Debian: apt-get "
                    "install python3 python3-venv), remove .venv, then run ./run install-service with it first in "
                    "PATH.")
        return "" if self.systemd else self.why_no_service()

    def why_more_packages(self, with_ldap: bool) -> str:
        """Why the Python packages would not do that are to be installed, or ""."""
        if with_ldap or not self.asks_directory:
            return ""
        return (f"{layout.SETTINGS} sets PAIRWISE_LDAP_URL, and nobody could sign in by that directory any more: run "
                "./run install-service --with-ldap.")

    def why_no_service(self) -> str:
        if not self.systemd:
            return "This machine runs no systemd, so there is nobody to run a service: start Pairwise by ./run."
        return "" if self.is_root else "Only root can do this: run it again with sudo."


def install(wanted: Wanted, facts: Facts) -> list[Step]:
    """From a checkout; again after an upgrade, and after one that was broken off. Settings that are there stay as they
    are."""
    unit, command = layout.UNITS / layout.UNIT, layout.COMMANDS / layout.COMMAND
    steps = [*_account(facts)]
    if layout.CONFIGURATION not in facts.rights:
        steps.append(MakeDirectory(layout.CONFIGURATION, RIGHTS[layout.CONFIGURATION]))
    if layout.SETTINGS not in facts.rights:
        steps.append(WriteFile(layout.SETTINGS, wanted.settings, RIGHTS[layout.SETTINGS]))
    steps += _rights(facts)
    other_program, other_unit = facts.digest != wanted.digest, facts.texts.get(unit) != wanted.unit
    if other_program:
        steps.append(PutProgram(layout.PROGRAM, wanted.digest))
    if other_unit:
        steps.append(WriteFile(unit, wanted.unit, FOR_ALL))
    if other_unit or facts.unread:
        steps.append(Systemctl(("daemon-reload",)))
    if facts.texts.get(command) != wanted.command:
        steps.append(WriteFile(command, wanted.command, RUNS))
    return [*steps, *_running(facts, other_program or other_unit or facts.unread or facts.former)]


def settle(facts: Facts, *, first: bool) -> list[Step]:
    """After a package was unpacked, whose files are there. What somebody disabled or stopped stays so at an upgrade."""
    steps = [*_account(facts), *_rights(facts)]
    if first:
        steps.append(Systemctl(("enable", layout.UNIT)))
    if facts.systemd:
        # A package is installed whether or not its settings let the console start.
        verb = "restart" if first else "try-restart"
        steps += [Systemctl(("daemon-reload",)), Systemctl(("--no-block", verb, layout.UNIT))]
    return steps


def uninstall(facts: Facts, *, purge: bool) -> list[Step]:
    """All but settings and data, and those too with ``purge``. The account stays: files elsewhere may be its own."""
    unit, command = layout.UNITS / layout.UNIT, layout.COMMANDS / layout.COMMAND
    steps: list[Step] = []
    if facts.enabled or facts.runs:
        steps.append(Systemctl(("disable", "--now", layout.UNIT)))
    if unit in facts.texts:
        steps += [Remove(unit), Systemctl(("daemon-reload",))]
    if command in facts.texts:
        steps.append(Remove(command))
    if facts.digest:
        steps.append(Remove(layout.PROGRAM))
    kept = (layout.CONFIGURATION, layout.DATA) if purge else ()
    return [*steps, *(Remove(path) for path in kept if path in facts.rights)]


def _account(facts: Facts) -> Iterator[Step]:
    if not facts.account:
        yield MakeAccount(ACCOUNT)


def _rights(facts: Facts) -> Iterator[Step]:
    """Of what is there with others."""
    for path, rights in RIGHTS.items():
        if facts.rights.get(path, rights) != rights:
            yield GiveRights(path, rights)


def _running(facts: Facts, changed: bool) -> Iterator[Step]:
    if not facts.enabled:
        yield Systemctl(("enable", layout.UNIT))
    if changed and facts.runs:
        yield Systemctl(("restart", layout.UNIT))
    elif facts.state != "active":
        # Of one that fails again and again this says so.
        yield Systemctl(("start", layout.UNIT))

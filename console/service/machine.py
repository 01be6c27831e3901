"""What of a service is on this machine, and the steps of a plan carried out."""

import contextlib
import grp
import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from console.service import layout, plan, settings_file, tree
from console.service.layout import ACCOUNT
from console.service.plan import Facts, Rights
from hostagent.enrol import MAKE_ACCOUNT, SYSTEMD
from protocol.files import write_atomically

INSTALLED = layout.PROGRAM / "installed.json"
PACKAGED = Path("/var/lib/dpkg/info/pairwise.list")
HIDDEN = (Path("/home"), Path("/root"), Path("/run/user"))
"""What ProtectHome of the unit keeps from the service."""


class CannotDo(Exception):
    """A step failed. The text is a sentence that says what to do."""


def look() -> Facts:
    written = (layout.UNITS / layout.UNIT, layout.COMMANDS / layout.COMMAND)
    service = _service()
    return Facts(
        is_root=os.geteuid() == 0, systemd=SYSTEMD.is_dir(), account=_is_account(ACCOUNT), packaged=PACKAGED.exists(),
        program_there=layout.PROGRAM.exists(), digest=_digest(),
        texts={path: text for path in written if (text := _text(path)) is not None},
        rights={path: found for path in (*plan.RIGHTS, layout.DATA) if (found := _rights(path))},
        enabled=service.get("UnitFileState") == "enabled", state=service.get("ActiveState", ""),
        unread=service.get("NeedDaemonReload") == "yes", former=runs_elsewhere(service.get("MainPID", "0")),
        asks_directory=bool(_settings().get("PAIRWISE_LDAP_URL")), unfit=why_unfit(python()))


def python() -> Path:
    """The program that runs this environment, outside of it."""
    return Path(os.path.realpath(sys.executable))


def _is_account(name: str) -> bool:
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


def _digest() -> str:
    try:
        return str(json.loads(INSTALLED.read_bytes())["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _settings() -> dict[str, str]:
    with contextlib.suppress(settings_file.Unreadable):
        return settings_file.parse(_text(layout.SETTINGS) or "")
    return {}


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


def _rights(path: Path) -> Rights | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    with contextlib.suppress(KeyError):
        return Rights(pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid).gr_name,
                      stat.S_IMODE(found.st_mode))
    return Rights(str(found.st_uid), str(found.st_gid), stat.S_IMODE(found.st_mode))


def _service() -> dict[str, str]:
    """What systemd says of the service; {} without systemd."""
    try:
        said = subprocess.run(["systemctl", "show", layout.UNIT, "--property",
                               "ActiveState,UnitFileState,MainPID,NeedDaemonReload"], capture_output=True, text=True,
                              check=False).stdout
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def runs_elsewhere(pid: str, place: Path = layout.PROGRAM) -> bool:
    """Whether the process, if there is one, works in another directory than the one that is at ``place`` now."""
    with contextlib.suppress(OSError):
        return not os.path.samefile(f"/proc/{pid}/cwd", place)
    return False


def why_unfit(program: Path) -> str:
    """Why the account cannot run ``program``, or root must not (``pairwise`` begins as root); "" when both can."""
    for place in (*reversed(program.parents), program):
        facts = place.stat()
        if place in HIDDEN or not facts.st_mode & stat.S_IXOTH:
            return f"is below {place}, where the account {ACCOUNT} does not come"
        if facts.st_uid != 0 or facts.st_mode & stat.S_IWOTH:
            return f"can be changed by others than root, who may write to {place}"
    return ""


# --- steps


def carry_out(steps: Iterable[plan.Step], locks: tuple[str, ...], say: Callable[[str], None]) -> None:
    """Each in turn, said before it is done. Raises CannotDo."""
    for step in steps:
        say(f"  {step}")
        try:
            _do(step, locks)
        except (OSError, subprocess.SubprocessError) as error:
            said = str(getattr(error, "stderr", "") or "").strip()
            raise CannotDo(f"This could not be done: {step} ({said or error}). Correct that, then run the command "
                           "again: it goes on from there.") from None


def _do(step: plan.Step, locks: tuple[str, ...]) -> None:
    match step:
        case plan.MakeAccount(name):
            _run(*MAKE_ACCOUNT, name)
        case plan.MakeDirectory(path, rights):
            path.mkdir(mode=0o700)
            _give(path, rights)
        case plan.GiveRights(path, rights):
            _give(path, rights)
        case plan.WriteFile(path, text, rights):
            write_atomically(path, text.encode())
            _give(path, rights)
        case plan.PutProgram(path, digest):
            put_program(path, digest, locks)
        case plan.Remove(path):
            _remove(path)
        case plan.Systemctl(arguments):
            _run("systemctl", *arguments)


def _run(*arguments: str) -> None:
    # However long it takes: a start brings databases up to date, a stop waits for the servers of this machine.
    subprocess.run(arguments, check=True, capture_output=True, text=True)


def _give(path: Path, rights: Rights) -> None:
    """To its owner first: a mode for a group must not count for another one."""
    os.chown(path, pwd.getpwnam(rights.owner).pw_uid, grp.getgrnam(rights.group).gr_gid, follow_symlinks=False)
    path.chmod(rights.mode)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def put_program(path: Path, digest: str, locks: tuple[str, ...]) -> None:
    """Whole or not at all: written beside its place, which the former one has until then."""
    new, old = path.with_name(f".{path.name}.new"), path.with_name(f".{path.name}.old")
    for place in (new, old):
        _remove(place)
    new.mkdir(mode=0o755)
    new.chmod(0o755)
    tree.write(new, tree.files(locks, python()))
    tree.compile_all(new, path)
    write_atomically(new / INSTALLED.name, json.dumps({"digest": digest}).encode(), mode=0o644)
    if path.exists():
        os.rename(path, old)
    os.rename(new, path)
    _remove(old)

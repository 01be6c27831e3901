"""The install job: fetch, check, unpack beside, connect to the Configuration Server, and only then put in place."""

import contextlib
import os
import platform
import pwd
import re
import socket
import stat
import sys
from pathlib import Path
from typing import Any

from protocol.start_line import COMMAND_LINE, PROGRAM, arguments_of, command_line_arguments

from ..asked import ask
from ..config import AgentConfig
from ..launch import server_environment, why_not_as_root
from ..looking.rights import Account, cannot_enter
from ..opened import Directory
from . import archive, target
from .accounts import account_named, name_of, owner_of, refuse_consoles
from .context import Context
from .errors import JobFailed, told
from .fetch import Package, fetch_package, fetch_secret
from .former import strangers
from .journal import Entry
from .placement import STAYS, carry_out, clear_away, free_stamp, make_plan, undo_noted
from .run import Run
from .startfacts import Target, read_facts
from .startfiles import SERVICE_FILE, START_FILES

FETCH, UNPACK, WRITE, CONNECT, PLACE, FACTS = range(6)
CHECK_TIMEOUT_S = 30.0
CHECK_LINES, CHECK_BYTES = 50, 64 * 1024
CHECKED = r"(?ms)^The Configuration Server at {where} knows .*: \d+ listening ports\.$"
"""What the check of a Message Server says, in this release and all former ones (``messageserver.check``). A program
that does something else may end well, too: one that takes the application's name for an option tells its version."""
STRANGERS_NAMED = 5
UNCHANGED = "The application was left as it was."


def work(run: Run) -> dict[str, Any]:
    """The result of *install* in ``protocol.jobs``. Raises JobFailed."""
    config, arguments = run.context.config, run.arguments
    package = Package.of(arguments["package"])
    asked = arguments.get("directory", ""), arguments.get("directory_name", ""), config.install_root
    place = target.choose(*asked)
    server = arguments["configuration_server"]
    with run.step(FETCH):
        run.log(f"Installing {package.filename} for {run.application} in {place}.")
        target.check(place, taken=arguments.get("taken_directories", []),
                     own=(config.state_dir, config.install_root, config.path.parent),
                     private=(config.jobs_dir, config.log_dir, config.packages_dir, config.state_dir / "run"))
        _refuse_strangers(place)
        account = account_named(arguments.get("log_on_as", ""))
        refuse_consoles(account)
        if account is None and os.geteuid() == 0:
            run.log(f"{run.application} is to run as root, as this host's agent does: choose an account of its own as "
                    "Log On As.", "warning")
            _refuse_way_of_others(run, place)
        fetched = fetch_package(config, package, run.log)
    with contextlib.ExitStack() as until_the_end:
        with run.step(UNPACK):
            staging, version = _unpack(run, place, fetched, package.filename, account)
            until_the_end.enter_context(staging)
        with run.step(WRITE), told(f"The files cannot be written into {staging.path}"):
            _write_start_files(run, staging, server)
            if (owner_ids := owner_of(account)) is not None:
                staging.give_all(owner_ids)
        with run.step(CONNECT):
            _connect(run, staging, server, account)
        with run.step(PLACE), run.shield(), told(f"The new files could not be moved into {place}"):
            backup = _put_in_place(run, place, staging, account)
        with run.step(FACTS), told(f"What was installed in {place} cannot be looked at"):
            owner = name_of(account.pw_uid if account else os.geteuid())
            wanted = Target(run.application, place, str(server["host"]), int(server["port"]), owner)
            with Directory.at(place) as installed:
                facts, started_by = _facts(installed), read_facts(wanted, installed, START_FILES)
            run.log(f"{facts['platform']}, Python {facts['python']}, {facts['disk_free_bytes']} bytes free.")
    return {"working_directory": str(target.named(*asked)), "command_line": COMMAND_LINE,
            "command_line_arguments": command_line_arguments(server["host"], server["port"], run.application),
            "version": version, "backup": backup, "facts": facts, "start_files": started_by}


def _unpack(run: Run, place: Path, fetched: Path, filename: str, account: pwd.struct_passwd | None
            ) -> tuple[Directory, str]:
    """The new directory with what the package holds, which the caller closes, and its version. Raises JobFailed."""
    with told(f"{place} cannot be installed into"):
        staging = target.staging_of(place, run.entry.job)
        # Noted before they exist, so that whatever happens they are cleared away.
        run.note(staging=str(staging), made=list(target.missing_parents(place)))
        target.make_parents(place)
        _refuse_closed_way(place, account)
    directory, count = archive.unpack(fetched, filename, staging)
    try:
        version = archive.read_version(directory, filename)
    except BaseException:
        directory.close()
        raise
    run.log(f"{count} files, all as their checksums say; version {version}.")
    return directory, version


def _refuse_strangers(place: Path) -> None:
    """Whatever is in the directory is moved away, or stays and is given to Log On As: it has to be a former
    installation's. Raises JobFailed."""
    with told(f"{place} cannot be looked at"), contextlib.suppress(FileNotFoundError), Directory.at(place) as former:
        if found := strangers(former):
            shown = ", ".join(found[:STRANGERS_NAMED]) + (f" and {more} more" if (
                more := len(found) - STRANGERS_NAMED) > 0 else "")
            raise JobFailed(f"{place} holds what no installation put there: {shown}.",
                            "Choose another Working Directory, or move that away yourself. Then install again.")


def _refuse_closed_way(place: Path, account: pwd.struct_passwd | None) -> None:
    """The server has to come to its directory as its account. Raises JobFailed."""
    if account and (closed := cannot_enter(Account.of(account), str(place.parent))):
        raise JobFailed(f"{account.pw_name}, the account of Log On As, may not enter {closed}.",
                        f"Let it (chmod o+x {closed}), or choose another Working Directory.")


def _refuse_way_of_others(run: Run, place: Path) -> None:
    """What was installed there would not be started as root. Raises JobFailed."""
    with told(f"{place} cannot be looked at"):
        why = why_not_as_root(str(place))
    if why:
        said, _, advice = why.partition(": ")
        raise JobFailed(f"{run.application} would run as root, but {said}.", advice[0].upper() + advice[1:])


def undo(context: Context, entry: Entry, *, lost: bool) -> str:
    """Bring the former installation back and remove what was unpacked. May be called again."""
    undo_noted(entry)
    return f"{UNCHANGED} The former installation, if there was one, is in place." if lost else UNCHANGED


def _write_start_files(run: Run, staging: Directory, server: dict[str, Any]) -> None:
    host, port = str(server["host"]), int(server["port"])
    program = staging.facts_of(PROGRAM)
    if program is None or not stat.S_ISREG(program.st_mode):
        raise JobFailed(f"The package holds no {PROGRAM}.", "Choose the package of a Message Server.")
    secret = fetch_secret(run.context.config, run.arguments["application_secret_path"])
    files = (*((file.name, file.text(host, port, run.application), file.mode) for file in (*START_FILES, SERVICE_FILE)),
             ("application.secret", secret + "\n", 0o600),
             ("python.path", sys.executable + "\n", 0o640), *_authority(run.context.config))
    for name, text, mode in files:
        staging.replace_file(name, text.encode(), mode)
    staging.change_mode(PROGRAM, 0o755)
    staging.sync()
    run.log(f"run.sh and startServer.bat start it with {command_line_arguments(host, port, run.application)}")


def _authority(config: AgentConfig) -> tuple[tuple[str, str, int], ...]:
    """What the server verifies control by, nothing for control without TLS. Raises JobFailed."""
    if not config.ca_file:
        return ()
    try:
        return (("console-ca.pem", Path(config.ca_file).read_text(), 0o644),)
    except (OSError, UnicodeDecodeError):
        raise JobFailed(f"{config.ca_file} of this host's agent cannot be read.",
                        "Make a new line on the host's page and paste it on this host.") from None


def _connect(run: Run, staging: Directory, server: dict[str, Any], account: pwd.struct_passwd | None) -> None:
    """Let the new program itself read its configuration. Raises JobFailed with what it said."""
    host, port = str(server["host"]), int(server["port"])
    command = [f"./{PROGRAM}", *arguments_of(host, port, run.application), "-check", "-workdir", "."]
    run.log(f"Connecting to the Configuration Server at {host}:{port} as {run.application}.")
    other: tuple[int, int, list[int]] | None = (account.pw_uid, account.pw_gid, []) if account else None
    try:
        done = ask(command, directory=staging.enter, account=other, limit=CHECK_BYTES, within_s=CHECK_TIMEOUT_S,
                   environment=server_environment(run.context.config.ca_file))
    except OSError as error:
        raise JobFailed(f"The unpacked {PROGRAM} cannot be run: {error.strerror}.",
                        "Check that the directory is not mounted noexec and that Log On As may enter it.") from None
    lines = [line.rstrip() for line in done.text.splitlines() if line.strip()][-CHECK_LINES:]
    for line in lines:
        run.log(line, "info" if done.code == 0 else "error")
    if done.code is None:
        raise JobFailed(f"The Configuration Server at {host}:{port} did not answer {run.application} within "
                        f"{CHECK_TIMEOUT_S:g} s.", "Check that control runs, and the network between.")
    if done.code:
        raise _connect_failure(done.code, lines, f"{host}:{port}", run.application)
    if not re.search(CHECKED.format(where=re.escape(f"{host}:{port}")), done.text):
        raise JobFailed(f"The {PROGRAM} of the package did not say that {run.application} can read its configuration "
                        f"from {host}:{port}.{_said(lines)}",
                        "Choose the package of a Message Server of this release. An older one takes a name such as -V "
                        "for an option: give the application another name.")


NO_CONFIGURATION_SERVER, NOT_FOUND = 3, 4


def _said(lines: list[str]) -> str:
    return f" It said: {lines[-1]}" if lines else ""


def _connect_failure(code: int, lines: list[str], where: str, application: str) -> JobFailed:
    said = _said(lines)
    if code == NO_CONFIGURATION_SERVER:
        return JobFailed(f"The Configuration Server at {where} did not answer.{said}",
                         "Start control, restart it if it runs and is silent, or check its host and port; then "
                         "install again.")
    if code == NOT_FOUND:
        return JobFailed(f"The Configuration Server at {where} does not know {application}.{said}",
                         "Save the application first, and check that the console uses the same database as control.")
    return JobFailed(f"{application} could not read its configuration from {where} (exit code {code}).{said}",
                     "Correct what it said, then install again.")


def _put_in_place(run: Run, place: Path, staging: Directory, account: pwd.struct_passwd | None) -> str:
    made = tuple(run.entry.body["notes"]["made"])
    with contextlib.ExitStack() as until_the_end:
        present = None
        with contextlib.suppress(FileNotFoundError):
            former = until_the_end.enter_context(Directory.at(place))
            present = former.names()
        plan = make_plan(place, Path(staging.path), present=present, new=staging.names(),
                         stamp=free_stamp(present or ()), made=made)
        run.note(plan=plan.to_dict())
        carry_out(plan)
        if present is not None:
            if os.geteuid() == 0:
                # Also from another account to root: what it could write it would have root run.
                _give(former, owner_of(account) or (os.geteuid(), os.getegid()))
            clear_away(staging.path, ())
    if plan.backup:
        run.log(f"The former installation was moved to {plan.backup}; data and logs stayed.")
    run.log(f"Installed in {place}.")
    return plan.backup


def _give(place: Directory, owner: tuple[int, int]) -> None:
    """The directory itself, and what stays in it when that was another account's."""
    for name in STAYS:
        facts = place.facts_of(name)
        if facts is not None and stat.S_ISDIR(facts.st_mode) and facts.st_uid != owner[0]:
            with place.below(name) as inside:
                inside.give_all(owner)
    place.give(owner)


def _facts(place: Directory) -> dict[str, Any]:
    disk = place.disk()
    return {"platform": platform.platform(), "python": platform.python_version(), "hostname": socket.gethostname(),
            "cpus": os.cpu_count() or 0, "disk_free_bytes": disk.f_bavail * disk.f_frsize,
            "account": name_of(place.facts().st_uid)}

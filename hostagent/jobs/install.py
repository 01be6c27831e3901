"""The install job: fetch, check, unpack beside, connect to the Configuration Server, and only then put in place."""

import os
import platform
import pwd
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from protocol.start_line import COMMAND_LINE, PROGRAM, arguments_of, command_line_arguments

from ..config import AgentConfig
from ..files import sync_directory, write_whole
from ..launch import server_environment
from . import archive, target
from .accounts import account_named, name_of
from .errors import JobFailed
from .fetch import Package, fetch_package, fetch_secret
from .placement import carry_out, free_stamp, make_plan, undo_noted
from .startfacts import Target, read_facts
from .startfiles import SERVICE_FILE, START_FILES

FETCH, UNPACK, WRITE, CONNECT, PLACE, FACTS = range(6)
CHECK_TIMEOUT_S = 30.0
CHECK_LINES = 50
UNCHANGED = "The application was left as it was."


def work(run) -> dict:
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
        account = account_named(arguments.get("log_on_as", ""))
        fetched = fetch_package(config, package, run.log)
    with run.step(UNPACK):
        staging = target.staging_of(place, run.entry.job)
        # Noted before they exist, so that whatever happens they are cleared away.
        missing = [str(each) for each in place.parents if not each.exists()]
        run.note(staging=str(staging), made=missing)
        target.make_parents(place)
        count = archive.unpack(fetched, package.filename, staging)
        version = archive.read_version(staging, package.filename)
        run.log(f"{count} files, all as their checksums say; version {version}.")
    with run.step(WRITE):
        _write_start_files(run, staging, server)
        _give_to(staging, account)
    with run.step(CONNECT):
        _connect(run, staging, server, account)
    with run.step(PLACE), run.shield():
        backup = _put_in_place(run, place, staging, account)
    with run.step(FACTS):
        facts = _facts(place)
        owner = name_of(account.pw_uid if account else os.geteuid())
        started_by = read_facts(Target(run.application, place, str(server["host"]), int(server["port"]), owner),
                                START_FILES)
        run.log(f"{facts['platform']}, Python {facts['python']}, {facts['disk_free_bytes']} bytes free.")
    return {"working_directory": str(target.named(*asked)), "command_line": COMMAND_LINE,
            "command_line_arguments": command_line_arguments(server["host"], server["port"], run.application),
            "version": version, "backup": backup, "facts": facts, "start_files": started_by}


def undo(context, entry, *, lost: bool) -> str:
    """Bring the former installation back and remove what was unpacked. May be called again."""
    undo_noted(entry)
    return f"{UNCHANGED} The former installation, if there was one, is in place." if lost else UNCHANGED


def _write_start_files(run, staging: Path, server: dict) -> None:
    host, port = str(server["host"]), int(server["port"])
    if not (staging / PROGRAM).is_file():
        raise JobFailed(f"The package holds no {PROGRAM}.", "Choose the package of a Message Server.")
    secret = fetch_secret(run.context.config, run.arguments["application_secret_path"])
    files = (*((file.name, file.text(host, port, run.application), file.mode) for file in (*START_FILES, SERVICE_FILE)),
             ("application.secret", secret + "\n", 0o600),
             ("python.path", sys.executable + "\n", 0o640), *_authority(run.context.config))
    for name, text, mode in files:
        write_whole(staging / name, text.encode(), mode=mode)
    sync_directory(staging)
    os.chmod(staging / PROGRAM, 0o755)
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


def _connect(run, staging: Path, server: dict, account: pwd.struct_passwd | None) -> None:
    """Let the new program itself read its configuration. Raises JobFailed with what it said."""
    host, port = str(server["host"]), int(server["port"])
    command = [f"./{PROGRAM}", *arguments_of(host, port, run.application), "-check", "-workdir", str(staging)]
    run.log(f"Connecting to the Configuration Server at {host}:{port} as {run.application}.")
    as_account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    try:
        done = subprocess.run(command, cwd=staging, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=CHECK_TIMEOUT_S, errors="replace", check=False,
                              env=server_environment(run.context.config.ca_file), **as_account)
    except subprocess.TimeoutExpired:
        raise JobFailed(f"The Configuration Server at {host}:{port} did not answer {run.application} within "
                        f"{CHECK_TIMEOUT_S:g} s.", "Check that control runs, and the network between.") from None
    except OSError as error:
        raise JobFailed(f"The unpacked {PROGRAM} cannot be run: {error.strerror}.",
                        "Check that the directory is not mounted noexec and that Log On As may enter it.") from None
    lines = [line.rstrip() for line in done.stdout.splitlines() if line.strip()][-CHECK_LINES:]
    for line in lines:
        run.log(line, "info" if done.returncode == 0 else "error")
    if done.returncode:
        raise _connect_failure(done.returncode, lines, f"{host}:{port}", run.application)


NO_CONFIGURATION_SERVER, NOT_FOUND = 3, 4


def _connect_failure(code: int, lines: list[str], where: str, application: str) -> JobFailed:
    said = f" It said: {lines[-1]}" if lines else ""
    if code == NO_CONFIGURATION_SERVER:
        return JobFailed(f"The Configuration Server at {where} did not answer.{said}",
                         "Start control, or check its host and port, then install again.")
    if code == NOT_FOUND:
        return JobFailed(f"The Configuration Server at {where} does not know {application}.{said}",
                         "Save the application first, and check that the console uses the same database as control.")
    return JobFailed(f"{application} could not read its configuration from {where} (exit code {code}).{said}",
                     "Correct what it said, then install again.")


def _put_in_place(run, place: Path, staging: Path, account: pwd.struct_passwd | None) -> str:
    present = os.listdir(place) if place.is_dir() else None
    plan = make_plan(place, staging, present=present, new=os.listdir(staging), stamp=free_stamp(place),
                     made=tuple(run.entry.body["notes"]["made"]))
    run.note(plan=plan.to_dict())
    try:
        carry_out(plan)
    except OSError as error:
        raise JobFailed(f"The new files could not be moved into {place}: {error.strerror}.",
                        "Correct the rights of the directory, then install again.") from None
    if account is not None and present is not None:
        os.chown(place, account.pw_uid, account.pw_gid)
    shutil.rmtree(staging, ignore_errors=True)
    if plan.backup:
        run.log(f"The former installation was moved to {plan.backup}; data and logs stayed.")
    run.log(f"Installed in {place}.")
    return plan.backup


def _give_to(staging: Path, account: pwd.struct_passwd | None) -> None:
    if account is None:
        return
    for path in (staging, *staging.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _facts(place: Path) -> dict:
    return {"platform": platform.platform(), "python": platform.python_version(), "hostname": socket.gethostname(),
            "cpus": os.cpu_count() or 0, "disk_free_bytes": shutil.disk_usage(place).free,
            "account": name_of(place.stat().st_uid)}

"""The job that looks at what is true on this host of its applications; it changes nothing."""

import contextlib
import ctypes
import time
from collections.abc import Mapping
from typing import Any

from ..files import read_json, write_json
from ..looking import files, listeners, process, rights, version
from ..looking.names import NameLookup
from ..opened import Directory
from .accounts import account_named
from .check_start_files import target_for
from .context import Context
from .errors import JobFailed
from .journal import Entry
from .lca_client import LcaClient
from .run import Run
from .startfacts import read_facts
from .startfiles import START_FILES

APPLICATIONS, NAMES = range(2)
APPLICATIONS_MAX, HOSTS_MAX = 500, 500
WITHIN_S = 60.0
"""What was not looked at by then is left out; the next look goes on faster by what this one remembered."""
APPLICATION_S = 15.0
"""Of one application: its account may make its files as long as it likes, and the others are to have their turn."""
KEPT = "looked.json"
TIME_ERROR = 5
RUNS = ("starting", "running", "stopping")


def work(run: Run) -> dict[str, Any]:
    """The result of *collect_facts* in ``protocol.jobs``."""
    until = time.monotonic() + WITHIN_S
    hosts = {name: address for each in run.arguments["applications"] for name, address in each["hosts"].items()}
    resolving = NameLookup(dict(list(hosts.items())[:HOSTS_MAX]))
    with run.step(APPLICATIONS):
        found = _applications(run, until)
    with run.step(NAMES):
        names = resolving.answers()
    return {"found": {"applications": found, **names, "clock_synchronized": clock_synchronized()}}


def undo(context: Context, entry: Entry, *, lost: bool) -> str:
    """Nothing was changed."""
    return ""


def _applications(run: Run, until: float) -> list[dict[str, Any]]:
    path = run.context.config.state_dir / KEPT
    kept = read_json(path)
    kept = kept if isinstance(kept, dict) else {}
    before = repr(kept)
    watched = _watched(run)
    found: list[dict[str, Any]] = []
    now: dict[str, dict[str, Any]] = {}
    for each in run.arguments["applications"][:APPLICATIONS_MAX]:
        name = each["name"]
        if time.monotonic() > until:
            run.log(f"{name} was left out: looking took too long.", "warning")
            continue
        before_of = kept.get(name)
        now[name] = before_of if isinstance(before_of, dict) else {}
        try:
            within = min(until, time.monotonic() + APPLICATION_S)
            found.append({"name": name, **application_facts(run, each, watched.get(name, 0), now[name], within)})
        except JobFailed as error:
            run.log(f"{name} could not be looked at: {error}", "warning")
        except OSError as error:
            run.log(f"{name} could not be looked at: {error.strerror or error}.", "warning")
    run.log(f"{len(found)} application{' was' if len(found) == 1 else 's were'} looked at.")
    if repr(now) != before:
        write_json(path, now)
    return found


def _watched(run: Run) -> Mapping[str, int]:
    """{application: pid} of what runs, as the agent says it."""
    try:
        told = LcaClient(run.context.config).call("list", {})["processes"]
    except JobFailed as error:
        run.log(f"{error.reason} Processes are found by the locks of their messages.", "warning")
        return {}
    return {each["application"]: each["pid"] for each in told if each["state"] in RUNS}


def application_facts(run: Run, asked: dict[str, Any], watched: int, kept: dict[str, Any], until: float
                      ) -> dict[str, Any]:
    """What is true of one application; ``kept`` is what an earlier look remembered. Raises JobFailed, OSError."""
    try:
        entry = account_named(asked.get("log_on_as", ""))
    except JobFailed as missing:
        entry, trouble = None, missing.reason
    else:
        trouble = ""
    account = rights.Account.of(entry)
    with files.opened(asked["directory"], account) as (place, directory):
        if trouble and directory["present"]:
            directory.update(usable=False, problem=trouble)
        pid = process.pid_of(asked["name"], place, watched)
        facts = {"directory": directory, "process": process_or_none(pid),
                 "listeners": {str(port): who for port, who in listeners.strangers(asked["ports"], pid).items()},
                 "disk_free_bytes": free_bytes(place)}
        if place is not None:
            facts |= _installed(run, place, asked, account, kept, until, usable=directory["usable"])
        return facts


def process_or_none(pid: int) -> dict[str, Any] | None:
    return process.process_facts(pid) if pid else None


def free_bytes(place: Directory | None) -> int | None:
    """Free for others than root, where the directory lies."""
    if place is None:
        return None
    found = place.disk()
    return found.f_bavail * found.f_frsize


def _installed(run: Run, place: Directory, asked: dict[str, Any], account: rights.Account, kept: dict[str, Any],
               until: float, *, usable: bool) -> dict[str, Any]:
    program, name = files.program_facts(place, asked["directory"], asked["command_line"], account)
    facts: dict[str, Any] = {"program": program, "runs": None, "changed": None}
    with contextlib.suppress(JobFailed):
        facts["start_files"] = read_facts(target_for(run, asked), place, START_FILES)
    sums = files.shipped(place)
    if sums is None:
        return facts
    hashes = kept.setdefault("files", {})
    facts["changed"] = changed = files.changed_files(place, sums, hashes, until)
    # Only what the package shipped is known to say its version and nothing else.
    if name in sums and name not in changed and program["usable"] and usable:
        facts |= version.version_facts(place, name, account, hashes, kept.setdefault("runs", {}), now=time.time())
    return facts


def clock_synchronized() -> bool | None:
    """Whether the kernel is told the time by a time server; None when it does not say."""
    try:
        # A buffer larger than struct timex, whose first field asks for nothing to be changed.
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != TIME_ERROR

"""The job that reads the start files of an application and says whether they start it rightly (guide step 4)."""

import os
from pathlib import Path
from typing import Any

from . import target
from .accounts import account_named, name_of
from .context import Context
from .journal import Entry
from .run import Run
from .startfacts import Target, opened, read_facts
from .startfiles import START_FILES

READ, COMPARE = range(2)
DIFF_LINES = 200
"""Lines of a difference that go into the log; the result has all of them."""


def work(run: Run) -> dict[str, Any]:
    """The result of *check_start_files* in ``protocol.jobs``. Raises JobFailed."""
    with run.step(READ):
        wanted = target_of(run)
        with opened(wanted.directory) as place:
            facts = read_facts(wanted, place, START_FILES)
    with run.step(COMPARE):
        tell(run, facts)
    return {"start_files": facts}


def undo(context: Context, entry: Entry, *, lost: bool) -> str:
    """Nothing was changed."""
    return ""


def target_of(run: Run) -> Target:
    """What the job's arguments name. Raises JobFailed."""
    return target_for(run, {**run.arguments, "name": run.application})


def target_for(run: Run, asked: dict[str, Any]) -> Target:
    """What ``asked`` names: name, directory, log_on_as. Raises JobFailed."""
    account = account_named(asked.get("log_on_as", ""))
    server = run.arguments["configuration_server"]
    return Target(application=asked["name"], directory=_directory(run, asked), host=str(server["host"]),
                  port=int(server["port"]), owner=name_of(account.pw_uid if account else os.geteuid()))


def directory_of(run: Run) -> Path:
    return _directory(run, run.arguments)


def _directory(run: Run, asked: dict[str, Any]) -> Path:
    return target.choose(asked.get("directory", ""), "", run.context.config.install_root)


def tell(run: Run, facts: dict[str, Any]) -> None:
    """The findings as log lines, the difference of each file that is not as it should be with it."""
    for file in facts["files"]:
        run.log(file["sentence"], "info" if file["equal"] else "warning")
        lines = file["diff"].split("\n") if file["diff"] else []
        for line in lines[:DIFF_LINES]:
            run.log(line)
        if len(lines) > DIFF_LINES:
            run.log(f"… and {len(lines) - DIFF_LINES} more lines.")

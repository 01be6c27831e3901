"""The job that writes the start files as they should be, once somebody has seen the difference."""

import contextlib
import os
from pathlib import Path
from typing import Any

from ..opened import Directory
from . import check_start_files, target
from .accounts import account_named, owner_of
from .context import Context
from .errors import JobFailed
from .journal import Entry
from .placement import BACKUP_PREFIX, Plan, carry_out, free_stamp, undo_noted
from .run import Run
from .startfacts import Target, fingerprints, opened, read_facts
from .startfiles import START_FILES, StartFile

READ, WRITE, CHECK = range(3)
LOOK_AGAIN = "Check the start files again, look at the difference, then repair them."


def work(run: Run) -> dict[str, Any]:
    """The result of *repair_start_files* in ``protocol.jobs``. Raises JobFailed."""
    wanted = check_start_files.target_of(run)
    config = run.context.config
    target.check(wanted.directory, taken=[], own=(config.state_dir, config.install_root, config.path.parent),
                 private=(config.jobs_dir, config.log_dir, config.packages_dir, config.state_dir / "run"))
    with contextlib.ExitStack() as until_the_end:
        with run.step(READ):
            place = until_the_end.enter_context(opened(wanted.directory))
            before = read_facts(wanted, place, START_FILES)
            check_start_files.tell(run, before)
            _refuse_unless_seen({file["name"]: file["sha256"] for file in before["files"]}, run.arguments["seen"])
        wrong = [file for file, found in zip(START_FILES, before["files"], strict=True) if not found["equal"]]
        with run.step(WRITE), run.shield():
            backup = _write(run, wanted, place, wrong)
        with run.step(CHECK):
            facts = _check(wanted, place)
            run.log("The start files are as they should be.")
    return {"start_files": facts, "backup": backup, "written": [file.name for file in wrong]}


def _check(wanted: Target, place: Directory) -> dict[str, Any]:
    facts = read_facts(wanted, place, START_FILES)
    if not facts["equal"]:
        raise JobFailed("The start files were written and are not as they should be: "
                        + " ".join(file["sentence"] for file in facts["files"] if not file["equal"]),
                        "Look who else writes to the directory, then repair them again.")
    return facts


def undo(context: Context, entry: Entry, *, lost: bool) -> str:
    """The former files come back. May be called again."""
    if not entry.body["notes"]:
        return ""
    undo_noted(entry)
    return "The start files are as they were before."


def _refuse_unless_seen(found: dict[str, str], seen: dict[str, str]) -> None:
    changed = [name for name, sha256 in found.items() if sha256 != seen.get(name)]
    if changed:
        raise JobFailed(f"{' and '.join(changed)} on this host {'is' if len(changed) == 1 else 'are'} not what was "
                        "shown: somebody has changed it since. Nothing was written.", LOOK_AGAIN)


def _write(run: Run, wanted: Target, place: Directory, files: list[StartFile]) -> str:
    """Put ``files`` in place; returns the directory that holds the former ones, "" for none."""
    if not files:
        run.log("Nothing to write: they are as they should be.")
        return ""
    name = f".new-{run.entry.job}"
    run.note(staging=str(wanted.directory / name), made=[])
    try:
        with place.make(name, 0o700) as staging:
            _stage(run, staging, wanted, files)
        plan = _plan(wanted.directory, name, place.names(), files)
        run.note(plan=plan.to_dict())
        carry_out(plan)
        if plan.backup:
            # Between the reading and the renaming somebody may have written: what was moved must be what was shown.
            with place.below(os.path.basename(plan.backup)) as former:
                moved = fingerprints(former, files)
            _refuse_unless_seen({name: sha256 for name, sha256 in moved.items() if sha256}, run.arguments["seen"])
        place.remove_empty(name)
    except OSError as error:
        raise JobFailed(f"The start files could not be written to {wanted.directory}: {error.strerror}.",
                        "Correct the rights of the directory, or make room on its disk, then repair them again."
                        ) from None
    for file in files:
        run.log(f"{file.name} was written.")
    if plan.backup:
        run.log(f"What was there before is in {plan.backup}.")
    return plan.backup


def _stage(run: Run, staging: Directory, wanted: Target, files: list[StartFile]) -> None:
    owner = owner_of(account_named(run.arguments.get("log_on_as", "")))
    for file in files:
        data = file.text(wanted.host, wanted.port, wanted.application).encode()
        staging.replace_file(file.name, data, file.mode, owner)
    staging.sync()


def _plan(place: Path, staging: str, present: list[str], files: list[StartFile]) -> Plan:
    names = [file.name for file in files]
    there = [name for name in names if name in present]
    backup = place / f"{BACKUP_PREFIX}{free_stamp(present)}"
    moves = (*((str(place / name), str(backup / name)) for name in there),
             *((str(place / staging / name), str(place / name)) for name in names))
    return Plan(str(place), str(place / staging), str(backup) if there else "", moves)

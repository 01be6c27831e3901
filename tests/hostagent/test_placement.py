"""Putting an installation in place: whatever the moment of a crash, the former one comes back whole."""

import os
from pathlib import Path

import pytest

from hostagent.config import load
from hostagent.directories import prepare_directories
from hostagent.jobs.errors import JobFailed
from hostagent.jobs.placement import Plan, carry_out, clear_away, make_plan, undo_moves
from hostagent.jobs.target import check, choose, make_parents
from hostagent.opened import Directory

from .doubles import write_config


def tree(directory: Path) -> dict[str, str]:
    """Every file below ``directory`` with its content."""
    return {path.relative_to(directory).as_posix(): path.read_text() for path in directory.rglob("*") if path.is_file()}


def write(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)


OLD = {"MessageServer": "old", "lib/a.py": "old", "only-old": "old", "data/messages.db": "messages",
       "logs/a.log": "log", "backup_2026-01-01_00-00-00/MessageServer": "older"}
NEW = {"MessageServer": "new", "lib/a.py": "new", "lib/b.py": "new", "run.sh": "new"}


def prepared(tmp_path, *, old=OLD):
    target, staging = tmp_path / "ms", tmp_path / ".ms.new-1"
    if old is not None:
        target.mkdir()
        write(target, old)
    write(staging, NEW)
    present = os.listdir(target) if old is not None else None
    return target, staging, make_plan(target, staging, present=present, new=os.listdir(staging), stamp="now")


def test_program_files_move_to_the_backup_while_data_logs_and_older_backups_stay(tmp_path):
    target, _, plan = prepared(tmp_path)
    carry_out(plan)
    stays = {name: text for name, text in OLD.items() if name.startswith(("data", "logs", "backup_2026"))}
    moved = {f"backup_now/{name}": text for name, text in OLD.items() if name not in stays}
    assert tree(target) == {**NEW, **stays, **moved}
    assert plan.backup == str(target / "backup_now")


def test_an_empty_or_absent_target_needs_no_backup(tmp_path):
    target, _, plan = prepared(tmp_path, old={})
    carry_out(plan)
    assert (tree(target), plan.backup) == (NEW, "")
    (tmp_path / "other").mkdir()
    target, _, plan = prepared(tmp_path / "other", old=None)
    carry_out(plan)
    assert (tree(target), plan.backup) == (NEW, "")


STEPS = len(make_plan(Path("/t"), Path("/s"), present=["MessageServer", "lib", "only-old", "data"],
                      new=["MessageServer", "lib", "run.sh"], stamp="now").moves)


@pytest.mark.sampled
@pytest.mark.parametrize("old", [OLD, {}, None])
@pytest.mark.parametrize("done", range(STEPS + 1))
@pytest.mark.parametrize("undone", range(STEPS + 1))
def test_a_crash_after_any_move_and_a_second_one_during_the_roll_back_restore_everything(tmp_path, old, done, undone):
    target, staging, plan = prepared(tmp_path, old=old)
    before = tree(target)
    carry_out(Plan(plan.target, plan.staging, plan.backup, plan.moves[:done]))
    # The first roll back dies after some of its renames.
    for source, destination in list(reversed(plan.moves[:done]))[:undone]:
        os.rename(destination, source)
    stored = Plan.from_dict(plan.to_dict())
    for _ in range(2):
        undo_moves(stored)
        assert tree(target) == before
    for _ in range(2):
        clear_away(stored.staging, stored.made, stored.backup)
        assert tree(target) == before
    assert target.exists() == (old is not None)
    assert not staging.exists()
    assert not (target / "backup_now").exists()


def test_a_finished_placement_can_be_rolled_back_after_its_staging_directory_is_gone(tmp_path):
    target, staging, plan = prepared(tmp_path)
    carry_out(plan)
    staging.rmdir()
    undo_moves(plan)
    undo_moves(plan)
    clear_away(plan.staging, plan.made, plan.backup)
    assert tree(target) == OLD


def test_parents_that_the_job_made_are_removed_again(tmp_path):
    target = tmp_path / "a" / "b" / "ms"
    made = make_parents(target)
    staging = target.parent / ".ms.new-1"
    write(staging, NEW)
    plan = make_plan(target, staging, present=None, new=os.listdir(staging), stamp="now", made=made)
    carry_out(plan)
    undo_moves(plan)
    clear_away(plan.staging, plan.made, plan.backup)
    assert list(tmp_path.iterdir()) == []


def test_what_the_file_system_keeps_at_a_mount_point_stays(tmp_path):
    target, _, plan = prepared(tmp_path, old={**OLD, "lost+found/x": "x"})
    carry_out(plan)
    assert tree(target)["lost+found/x"] == "x"


@pytest.fixture(params=[0o022, 0o077, 0])
def umask(request):
    former = os.umask(request.param)
    yield request.param
    os.umask(former)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_directories_have_the_mode_that_they_are_made_with_whatever_the_umask(tmp_path, umask):
    target = tmp_path / "a" / "b" / "ms"
    make_parents(target)
    with Directory.at(str(tmp_path)) as directory:
        directory.make_way("unpacked/lib")
    assert [mode_of(tmp_path / name) for name in ("a", "a/b", "unpacked", "unpacked/lib")] == [
        0o755, 0o755, 0o750, 0o750]


def test_accounts_come_through_to_where_an_agent_installs_whatever_its_umask(tmp_path, umask):
    config = load(write_config(tmp_path / "agent", state_dir=str(tmp_path / "kept" / "state"),
                               install_root=str(tmp_path / "own" / "apps")), {})
    os.close(prepare_directories(config))
    assert [mode_of(tmp_path / name) for name in ("own", "own/apps", "kept", "kept/state")] == [
        0o755, 0o755, 0o755, 0o700]


# --- where an installation may go ------------------------------------------------------------------


def allowed(directory, tmp_path, taken=()):
    place = choose(str(directory), "", tmp_path)
    check(place, taken=taken, own=(tmp_path / "apps", tmp_path / "state"), private=(tmp_path / "state" / "jobs",))
    return place


def test_a_directory_of_its_own_is_made_under_the_install_root(tmp_path):
    assert choose("", "ms_primary", tmp_path / "apps") == tmp_path / "apps" / "ms_primary"


@pytest.mark.parametrize("directory", ["relative/path", ".", "~/ms", "/srv/../etc/x", "/srv/./ms"])
def test_a_path_must_be_absolute_and_plain(tmp_path, directory):
    with pytest.raises(JobFailed, match="absolute path"):
        allowed(directory, tmp_path)


@pytest.mark.parametrize("directory", ["/", "/etc", "/usr/bin", "/usr/lib/ms", "/opt", "/proc/1", "/boot/ms"])
def test_directories_of_the_operating_system_are_refused(tmp_path, directory):
    with pytest.raises(JobFailed, match="operating system"):
        allowed(directory, tmp_path)


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden"])
def test_a_directory_name_must_be_a_plain_name(tmp_path, name):
    with pytest.raises(JobFailed, match="as the name of a directory"):
        choose("", name, tmp_path)


def test_another_applications_directory_is_refused_in_every_direction(tmp_path):
    other = str(tmp_path / "apps" / "other")
    for directory, sentence in ((other, "belongs to another"), (f"{other}/inside", "belongs to another"),
                                (tmp_path / "apps", "holds the directory of another")):
        with pytest.raises(JobFailed, match=sentence):
            allowed(directory, tmp_path, taken=[other])
    (tmp_path / "link").symlink_to(tmp_path / "apps")
    with pytest.raises(JobFailed, match="belongs to another"):
        allowed(tmp_path / "link" / "other", tmp_path, taken=[other])
    assert allowed(tmp_path / "apps" / "other2", tmp_path, taken=[other])


def test_the_agents_own_directories_and_files_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for directory, sentence in ((tmp_path / "state", "the agent"), (tmp_path, "the agent"),
                                (tmp_path / "state" / "jobs" / "ms", "the agent"), (tmp_path / "file", "is a file")):
        with pytest.raises(JobFailed, match=sentence):
            allowed(directory, tmp_path)

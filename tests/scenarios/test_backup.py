"""A console is backed up while it runs, and comes back from that file: here, elsewhere, on PostgreSQL."""

import json
import subprocess
import sys

import psycopg
import pytest

from .harness import PATIENCE, ROOT, Pairwise, wait_for
from .services import postgres, why_none
from .test_moved import MEMBERS, make_pair, wait_whole

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
KEY = "a long enough key of a backup"
COMMAND_S = 200 * PATIENCE


def command(run: Pairwise, *arguments: str, code: int = 0, **environment: str) -> str:
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, text=True, timeout=COMMAND_S,
                          env=run.environment | {"PAIRWISE_BACKUP_KEY": KEY} | environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == code, done.stdout
    return done.stdout


def names(run: Pairwise) -> set[str]:
    return {each["name"] for each in run.status()["applications"]}


def stop(run: Pairwise) -> None:
    run.end_asked()
    assert run.stop() == 0


def take_its_place(second: Pairwise, first: Pairwise) -> None:
    """``second`` is what ``first`` was: on the same ports, with nothing yet."""
    for name in ("PAIRWISE_PORT", "PAIRWISE_CONTROL_PORT", "PAIRWISE_LCA_PORT"):
        second.environment[name] = first.environment[name]
    second.port, second.control_port, second.lca_port = first.port, first.control_port, first.lca_port
    second.data_dir.mkdir()


def test_a_console_comes_back_over_what_it_has_and_leads_out_of_a_dispute(make_pairwise, tmp_path):
    run, file = make_pairwise(), tmp_path / "console.backup"
    run.start()
    make_pair(run)
    said = command(run, "backup", str(file))
    assert "read back and whole" in said
    assert file.stat().st_mode & 0o777 == 0o600
    assert "is there already" in command(run, "backup", str(file), code=2)
    run.manage("users", "add", "carol", "--role", "Support")
    run.manage("switchover", MEMBERS[0], "--wait")
    assert "already runs" in command(run, "restore", str(file), "--over", code=2)
    # As after a fault: servers go on, and know more than the backup.
    run.end_asked()
    run.kill_up()
    assert "add --over" in command(run, "restore", str(file), code=2)
    assert "is encrypted" in command(run, "restore", str(file), "--over", code=2, PAIRWISE_BACKUP_KEY="")
    said = command(run, "restore", str(file), "--over")
    assert "Restored Database" in said
    [aside] = run.data_dir.glob("before-restore-*")
    assert {"pairwise.sqlite3", "control.sqlite3", "secret_key"} <= {path.name for path in aside.iterdir()}
    assert not list(run.data_dir.glob(".restore-*"))
    run.start()
    assert "carol" not in run.manage("users", "list").stdout
    assert json.loads(run.manage("verify_history", "--json").stdout)["whole"]

    def decided() -> bool:
        """By the way out, where it is needed: the member that has served since the switchover goes on."""
        if json.loads(run.manage("restored", "--json", check=False).stdout)["disputed"]:
            run.manage("restored", MEMBERS[0], "--server", MEMBERS[1], check=False)
            return False
        return run.status()["pairs"][0]["in_sync"]

    wait_for(decided, 60, "the pair whole again", 1.0)


def test_a_console_comes_back_in_another_directory(make_pairwise, tmp_path):
    first, second, file = make_pairwise("first"), make_pairwise("second", cold=True), tmp_path / "console.backup"
    first.start()
    make_pair(first)
    mark = first.manage("verify_history").stdout.split()[-1]
    command(first, "backup", str(file), "--without-log", PAIRWISE_BACKUP_KEY="")
    stop(first)
    take_its_place(second, first)
    command(second, "restore", str(file), PAIRWISE_BACKUP_KEY="")
    assert (second.data_dir / "secret_key").read_text() == (first.data_dir / "secret_key").read_text()
    kept = (second.data_dir / "restored-settings/settings.env").read_text()
    assert f"PAIRWISE_PORT={first.port}" in kept
    assert "PAIRWISE_ADMIN_PASSWORD" not in kept
    second.start()
    assert names(second) == set(MEMBERS)
    second.manage("verify_history", "--expect", mark)


@pytest.mark.skipif(bool(why_none()), reason=why_none())
def test_a_console_on_postgres_comes_back_in_other_databases(make_pairwise, tmp_path):
    file = tmp_path / "console.backup"
    with postgres() as url:
        with psycopg.connect(url, autocommit=True) as session:
            for name in ("pairwise_log", "other", "other_log"):
                session.execute(f"CREATE DATABASE {name}")
        other = f"{url.rpartition('/')[0]}/other"
        first = make_pairwise("first", cold=True, PAIRWISE_DATABASE_URL=url, PAIRWISE_LOG_DATABASE_URL=f"{url}_log")
        first.start()
        first.manage("users", "add", "bob", "--role", "Support")
        mark = first.manage("verify_history").stdout.split()[-1]
        command(first, "backup", str(file))
        stop(first)
        second = make_pairwise("second", cold=True)
        take_its_place(second, first)
        assert "set PAIRWISE_DATABASE_URL to an empty database" in command(second, "restore", str(file), code=2)
        second.environment |= {"PAIRWISE_DATABASE_URL": url, "PAIRWISE_LOG_DATABASE_URL": f"{url}_log"}
        assert "is not empty" in command(second, "restore", str(file), code=2)
        second.environment |= {"PAIRWISE_DATABASE_URL": other, "PAIRWISE_LOG_DATABASE_URL": f"{other}_log"}
        command(second, "restore", str(file))
        second.start()
        assert "bob" in second.manage("users", "list").stdout
        second.manage("verify_history", "--expect", mark)
        # Keys are given away where they were.
        second.manage("users", "add", "carol", "--role", "Support")
        stop(second)


def test_the_pair_of_a_console_that_comes_back_unchanged_goes_on_by_itself(make_pairwise, tmp_path):
    run, file = make_pairwise(), tmp_path / "console.backup"
    run.start()
    make_pair(run)
    command(run, "backup", str(file))
    run.end_asked()
    run.kill_up()
    command(run, "restore", str(file), "--over")
    run.start()
    wait_whole(run)

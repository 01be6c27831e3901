"""A console is backed up while it runs, and comes back from that file: here, elsewhere, on PostgreSQL."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.documented import commands

from .desk import COMMAND_S, Desk, Page
from .harness import ROOT, Pairwise, wait_for
from .moves import Place, require_whole
from .services import postgres, why_none
from .test_moved import MEMBERS, make_pair, wait_whole

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
KEY = "a long enough key of a backup"
WAY_OUT = re.compile(rf"manage\.py (restored \S+ --server '{MEMBERS[1]}'.*)")
"""As it is told to whoever looks."""
CRON = shutil.which("cron", path=os.environ.get("PATH", "") + ":/usr/sbin")


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
    """By the lines of the document, one after the other; the key is made as it says, too."""
    desk, page, run = Desk(tmp_path / "desk"), Page("backup.md"), make_pairwise()
    backs_up, _, restores, *_ = page.blocks
    file = desk.place("/srv/backup/pairwise-monday")
    desk.make_key(page)
    run.start()
    make_pair(run)
    assert "read back and whole" in desk.type(run, backs_up)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "is there already" in desk.type(run, backs_up, code=2)
    assert "already runs" in desk.type(run, f"{restores} --over", code=2)
    fails(run)
    assert "add --over" in desk.type(run, restores, code=2)
    assert "is encrypted" in desk.type(run, f"{restores.partition(' ')[2]} --over", code=2)
    assert "Restored Database" in desk.type(run, f"{restores} --over")
    # Nothing has come to be since, so the pair goes on by itself.
    run.start()
    wait_whole(run)
    run.manage("users", "add", "carol", "--role", "Support")
    run.manage("switchover", MEMBERS[0], "--wait")
    fails(run)
    desk.type(run, f"{restores} --over")
    asides = [{path.name for path in aside.iterdir()} for aside in run.data_dir.glob("before-restore-*")]
    assert len(asides) == 2
    assert all({"pairwise.sqlite3", "control.sqlite3", "secret_key"} <= names for names in asides)
    assert not list(run.data_dir.glob(".restore-*"))
    run.start()
    assert "carol" not in run.manage("users", "list").stdout
    desk.type(run, page.named("./run manage verify_history"))
    leads_out(run, desk, page)


def fails(run: Pairwise) -> None:
    """Servers go on, and know more than any backup."""
    run.end_asked()
    run.kill_up()


def leads_out(run: Pairwise, desk: Desk, page: Page) -> None:
    """As the page says, and what that says: the member that has served since the switchover goes on."""
    line = page.named("./run manage restored NAME").replace("NAME", MEMBERS[0])
    wait_for(lambda: json.loads(run.manage("restored", "--json", check=False).stdout)["disputed"], 60, "a dispute")
    said: list[str] = []

    def both_have_told() -> bool:
        said.append(desk.type(run, line, code=1))
        return said[-1].count(": connected, records") == len(MEMBERS)

    wait_for(both_have_told, 60, "what both members have")
    desk.type(run, f"./run manage {WAY_OUT.search(said[-1])[1]}")
    wait_for(lambda: run.status()["pairs"][0]["in_sync"], 60, "the pair whole again", 1.0)
    assert run.status()["pairs"][0]["active"] == MEMBERS[1]
    desk.type(run, page.named("./run manage restored --confirm"))
    assert json.loads(desk.type(run, "./run manage restored --json"))["doubted"] == 0


def test_a_console_comes_back_in_another_directory(make_pairwise, tmp_path):
    first, second, file = make_pairwise("first"), make_pairwise("second", cold=True), tmp_path / "console.backup"
    desk, page = Desk(tmp_path / "desk"), Page("backup.md")
    first.start()
    make_pair(first)
    mark = first.manage("verify_history").stdout.split()[-1]
    assert "--without-log" in page.text
    desk.keep_settings(first)
    line = page.named("pairwise backup FILE").replace("FILE", str(file))
    assert "holds every secret" in desk.type(first, f"{line} --without-log")
    stop(first)
    take_its_place(second, first)
    desk.keep_settings(second)
    desk.type(second, page.named("pairwise restore FILE").replace("FILE", str(file)))
    assert (second.data_dir / "secret_key").read_text() == (first.data_dir / "secret_key").read_text()
    kept = (second.data_dir / "restored-settings/settings.env").read_text()
    assert f"PAIRWISE_PORT={first.port}" in kept
    assert "PAIRWISE_ADMIN_PASSWORD" not in kept
    second.start()
    assert names(second) == set(MEMBERS)
    second.manage("verify_history", "--expect", mark)


@pytest.mark.skipif(CRON is None or os.geteuid() != 0, reason="needs the package cron, and root for its directory")
def test_the_line_for_cron_makes_a_backup_that_comes_back(at_rest, make_pairwise, tmp_path):
    desk, page, second = Desk(tmp_path / "desk"), Page("backup.md"), make_pairwise("second", cold=True)
    _, nightly, restores, *_ = page.blocks
    assert "/etc/cron.d/" in page.text
    desk.make_key(page)
    desk.keep_settings(at_rest, PAIRWISE_BACKUP_KEY_FILE=str(desk.place("/etc/pairwise/backup_key")))
    when, whom, command = re.fullmatch(r"((?:\S+ ){5})(\S+) (.+)", nightly).groups()
    assert all(field == "*" or field.isdigit() for field in when.split())
    with cron(tmp_path, f"* * * * * {whom} {desk.line(command).replace('PATH=', f'PATH={desk.commands}:')}\n"):
        # It is linked to its name when it is whole.
        [file] = wait_for(lambda: [*desk.place("/srv/backup").glob("pairwise-2???-??-??")], 130, "the backup")
    second.data_dir.mkdir()
    desk.type(second, restores.replace("pairwise-monday", file.name))
    assert (second.data_dir / "secret_key").read_text() == (at_rest.data_dir / "secret_key").read_text()


@contextlib.contextmanager
def cron(directory: Path, line: str):
    """The machine's cron, with this one line in /etc/cron.d and nothing else to do; all that it started ends with it.
    """
    tables, nothing = directory / "cron.d", directory / "nothing"
    tables.mkdir()
    nothing.mkdir()
    (tables / "pairwise-backup").write_text(line)
    mounts = (f"mount -t tmpfs tmpfs /run && mount --bind {tables} /etc/cron.d && mount --bind /dev/null /etc/crontab "
              f"&& mount --bind {nothing} /var/spool/cron/crontabs")
    with subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec",
                           f"{mounts}\nexec {CRON} -f"], stdin=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.mark.skipif(bool(why_none()), reason=why_none())
def test_a_console_is_moved_to_postgres_and_back_by_the_lines_of_the_document(at_rest, tmp_path):
    desk, page = Desk(tmp_path / "desk"), Page("backup.md")
    *_, moves, back = page.blocks
    with postgres() as url:
        place = Place(url)
        desk.keep_secret("/etc/pairwise/move_password", place.password)
        there = moves.replace("postgres://pairwise@db.example.com/pairwise", place.address)
        assert there != moves
        assert "Add --yes" in desk.type(at_rest, there, code=2)
        assert "(`--yes`: does not)" in page.text
        desk.type(at_rest, f"{there} --yes")
        require_whole(at_rest, place, there=True)
        desk.type(at_rest, f"{back} --yes")
        require_whole(at_rest, place, there=False)


def test_every_line_of_the_document_has_its_scenario():
    verbs = [commands(line)[0][:2] for line in Page("backup.md").blocks]
    assert verbs == [["./run", "backup"], ["pairwise", "backup"], ["./run", "restore"], ["./run", "move"],
                     ["./run", "move"]]


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

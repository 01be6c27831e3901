"""SQLite files while they are moved, and afterwards."""

import contextlib
import sqlite3

import pytest

from console import kept_databases
from console.kept_databases import CONFIGURATION, MOVED, MOVING, RETURNING, SETTLED, Kept
from console.relocation import recovery, target
from console.relocation.files import File, block, frozen, is_blocked, last_keys, tables, unblock

KEPT = Kept(state=MOVING, number="1", addresses={CONFIGURATION: "postgres://pairwise@db/pairwise"}, at="Monday", pid=1,
            started=1)


@pytest.fixture
def file(tmp_path):
    made = File("Configuration Database", tmp_path / "pairwise.sqlite3")
    with contextlib.closing(sqlite3.connect(made.path)) as connection:
        connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE one (id INTEGER PRIMARY KEY AUTOINCREMENT);"
                                 "CREATE TABLE django_migrations (id int); INSERT INTO one VALUES (7);"
                                 "DELETE FROM one; INSERT INTO one VALUES (3)")
    return made


def write(file: File) -> None:
    with contextlib.closing(sqlite3.connect(file.path, timeout=0.05, isolation_level=None)) as connection:
        connection.execute("INSERT INTO one VALUES (NULL)")


def test_nobody_else_writes_while_they_are_frozen_and_reading_goes_on(file):
    with frozen([file]):
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            write(file)
        with contextlib.closing(sqlite3.connect(file.path)) as reader:
            assert reader.execute("SELECT count(*) FROM one").fetchone() == (1,)
    write(file)


def test_what_was_not_committed_is_taken_back(file):
    with frozen([file]) as opened:
        block(opened[file.label], "moved")
    assert not is_blocked(file.path)
    write(file)


@pytest.mark.parametrize("statement", ["INSERT INTO one VALUES (9)", "UPDATE one SET id = 9", "DELETE FROM one"])
def test_a_file_that_was_moved_says_where_to(file, statement):
    with frozen([file]) as opened:
        block(opened[file.label], "it's at db")
        opened[file.label].execute("COMMIT")
    assert is_blocked(file.path)
    with contextlib.closing(sqlite3.connect(file.path)) as connection, \
            pytest.raises(sqlite3.IntegrityError, match="it's at db"):
        connection.execute(statement)
    with frozen([file]) as opened:
        unblock(opened[file.label])
        opened[file.label].execute("COMMIT")
    write(file)


def test_tables_and_the_last_keys(file):
    with frozen([file]) as opened:
        assert tables(opened[file.label]) == ["one"]
        assert last_keys(opened[file.label]) == {"one": 7}


@pytest.mark.parametrize(("state", "blocked", "ends", "takes_changes"), [
    (MOVING, False, None, True), (MOVING, True, None, True), (RETURNING, True, SETTLED, False),
    (RETURNING, False, SETTLED, False), (MOVED, True, SETTLED, False), (SETTLED, True, SETTLED, False)])
def test_what_was_broken_off_ends_whole_however_often(file, monkeypatch, state, blocked, ends, takes_changes):
    removed = []
    monkeypatch.setattr(target, "remove_mark", removed.append)
    data_dir, said = file.path.parent, []
    if blocked:
        with frozen([file]) as opened:
            block(opened[file.label], "moved")
            opened[file.label].execute("COMMIT")
    kept_databases.write(data_dir, Kept(**vars(KEPT) | {"state": state}))
    for _ in range(2):
        recovery.recover(data_dir, said.append)
        kept = kept_databases.read(data_dir)
        assert (kept and kept.state) == ends
        assert is_blocked(file.path) is not takes_changes
    assert len(said) == (state != SETTLED)
    assert len(removed) == (state in (MOVED, RETURNING))


def test_where_the_new_database_is_away_its_mark_is_removed_later(file, monkeypatch):
    def away(_):
        raise target.Unfit("away")

    monkeypatch.setattr(target, "remove_mark", away)
    for state in (MOVED, RETURNING):
        kept_databases.write(file.path.parent, Kept(**vars(KEPT) | {"state": state}))
        recovery.recover(file.path.parent, lambda line: None)
        assert kept_databases.read(file.path.parent).state == MOVED


def test_what_somebody_works_on_is_left_alone(file):
    kept_databases.write(file.path.parent, KEPT.by_us(MOVING))
    recovery.recover(file.path.parent, lambda line: None)
    assert kept_databases.read(file.path.parent).state == MOVING
    assert "being moved by process" in recovery.why_not(file.path.parent)


def test_two_do_not_move_at_once(tmp_path):
    with recovery.alone(tmp_path), pytest.raises(target.Unfit, match="Another process"), recovery.alone(tmp_path):
        pass


def test_nothing_starts_while_a_restore_is_not_finished(tmp_path):
    assert recovery.why_not(tmp_path) == ""
    (tmp_path / recovery.RESTORING).touch()
    assert "run ./run restore FILE again" in recovery.why_not(tmp_path)

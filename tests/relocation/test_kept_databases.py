"""Where the databases are, as the data directory keeps it, and what settings may say beside it."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from console import kept_databases
from console.kept_databases import (
    CONFIGURATION,
    FILE,
    LOG,
    MOVED,
    MOVING,
    RETURNING,
    SETTLED,
    Contradiction,
    Kept,
    addresses,
    place_of,
    read,
    shown,
    with_password,
    write,
)
from tests.sources import ROOT

CONSOLE, RECORDS = "postgres://pairwise:s3cr%2Ft@db/pairwise", "postgres://pairwise:s3cr%2Ft@db/pairwise_log"
KEPT = Kept(state=SETTLED, number="1", addresses={CONFIGURATION: CONSOLE, LOG: RECORDS}, at="2026-11-30T12:00:00+00:00")


def test_what_is_kept_is_private_and_read_again(tmp_path):
    write(tmp_path, KEPT)
    assert read(tmp_path) == KEPT
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    kept_databases.remove(tmp_path)
    assert read(tmp_path) is None


@pytest.mark.parametrize(("state", "counts"), [(MOVING, False), (MOVED, True), (SETTLED, True), (RETURNING, True)])
def test_the_new_ones_count_from_the_moment_of_the_move_on(tmp_path, state, counts):
    write(tmp_path, replace(KEPT, state=state))
    assert addresses(tmp_path, {}) == (KEPT.addresses if counts else {})


@pytest.mark.parametrize("given", ["postgres://other@DB:5432/pairwise", "postgresql://pairwise@db/pairwise"])
def test_a_setting_that_names_the_same_database_is_right(tmp_path, given):
    write(tmp_path, KEPT)
    assert addresses(tmp_path, {CONFIGURATION: given}) == KEPT.addresses


@pytest.mark.parametrize("given", ["postgres://pairwise@db/other", "postgres://pairwise@other/pairwise",
                                   "postgres://pairwise@db:5433/pairwise", "sqlite:////srv/pairwise.sqlite3"])
def test_a_setting_that_names_another_one_is_refused_without_a_password(tmp_path, given):
    write(tmp_path, KEPT)
    with pytest.raises(Contradiction, match=r"unset PAIRWISE_DATABASE_URL, or go back first") as refused:
        addresses(tmp_path, {CONFIGURATION: given})
    assert "s3cr" not in str(refused.value)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"state": "moved"}', '{"a": 1}'])
def test_a_file_that_says_nothing_is_no_reason_to_take_the_former_ones(tmp_path, content):
    (tmp_path / FILE).write_text(content)
    with pytest.raises(Contradiction, match="put it back"):
        addresses(tmp_path, {})


def test_who_moves_them_is_known_as_long_as_he_lives(tmp_path):
    ours = KEPT.by_us(MOVING)
    assert (ours.is_at_work, ours.is_broken_off) == (True, False)
    dead = replace(ours, started=ours.started + 1)
    assert (dead.is_at_work, dead.is_broken_off) == (False, True)
    assert [replace(dead, state=state).is_broken_off for state in (MOVED, RETURNING, SETTLED)] == [True, True, False]
    assert not ours.by_us(MOVED).is_at_work
    assert not ours.now(SETTLED).is_broken_off


def test_addresses_as_people_and_as_the_console_read_them():
    assert shown(CONSOLE) == "postgres://pairwise@db/pairwise"
    assert shown("postgres://db:5433/pairwise?sslmode=require") == "postgres://db:5433/pairwise"
    assert with_password("postgres://pairwise@db:5433/pairwise?sslmode=require", "s3c/r@t") == (
        "postgres://pairwise:s3c%2Fr%40t@db:5433/pairwise?sslmode=require")
    assert with_password("postgres://pairwise@db/pairwise", "") == "postgres://pairwise@db/pairwise"
    assert place_of(CONSOLE) == place_of("postgresql://DB:5432/pairwise")


def test_every_process_takes_the_kept_address_or_ends_with_the_sentence(tmp_path):
    write(tmp_path, KEPT)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PAIRWISE_")}
    say = "from console import settings; print(settings.DATABASES['default']['PASSWORD'], settings.RECORD_IS_APART)"
    for more, code, said in (({}, 0, "s3cr/t False"), ({CONFIGURATION: "postgres://other/x"}, 2, "unset PAIRWISE_D")):
        done = subprocess.run([sys.executable, "-c", say], cwd=ROOT, text=True, capture_output=True, timeout=60,
                              env=clean | {"PAIRWISE_DATA_DIR": str(tmp_path)} | more)
        assert done.returncode == code, done.stderr
        assert said in done.stdout + done.stderr

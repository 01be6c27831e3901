"""Where a console may be moved to, and what is refused before anything is asked."""

import contextlib
import sqlite3

import pytest

from console.kept_databases import CONFIGURATION, LOG
from console.relocation import installation
from console.relocation.target import Unfit
from console.up.emptiness import holds_somebody


@pytest.mark.parametrize(("to", "log_to", "expected"), [
    ("postgres://pairwise@db/pairwise", "", "postgres://pairwise@db/pairwise_log"),
    ("postgres://pairwise@db/pairwise?sslmode=require", "", "postgres://pairwise@db/pairwise_log?sslmode=require"),
    ("postgresql://db:5433/one", "postgres://log@other/records", "postgres://log@other/records"),
])
def test_log_records_go_beside_or_where_they_are_told_to(to, log_to, expected):
    assert installation.addresses(to, log_to) == {CONFIGURATION: to, LOG: expected}


@pytest.mark.parametrize(("to", "log_to", "sentence"), [
    ("postgres://pairwise:pw@db/pairwise", "", "Leave the password out"),
    ("postgres://pairwise@db/pairwise", "postgres://x:pw@db/log", "Leave the password out"),
    ("mysql://db/pairwise", "", "no address of a PostgreSQL database"),
    ("postgres://db", "", "no address of a PostgreSQL database"),
    ("postgres://db:port/x", "", "no address of a database"),
    ("", "", "no address of a PostgreSQL database"),
    ("postgres://db/x", "postgres://db/x", "a database of their own"),
])
def test_what_is_no_address_is_refused_without_its_password(to, log_to, sentence):
    with pytest.raises(Unfit, match=sentence) as refused:
        installation.addresses(to, log_to)
    assert "pw" not in str(refused.value)


@pytest.mark.parametrize("name", ["PAIRWISE_DATABASE_URL", "PAIRWISE_DATABASE_URL_FILE", "PAIRWISE_LOG_DATABASE_URL",
                                  "PAIRWISE_CONTROL_DATABASE_URL"])
def test_a_setting_that_would_count_afterwards_is_to_be_unset_first(name):
    installation.require_unset({})
    with pytest.raises(Unfit, match="unset it, and start"):
        installation.require_unset({name: "sqlite:////srv/pairwise.sqlite3"})


def test_a_file_holds_a_console_once_somebody_may_sign_in(tmp_path):
    file = tmp_path / "pairwise.sqlite3"
    assert not holds_somebody(file)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        assert not holds_somebody(file)
        connection.execute("CREATE TABLE auth_user (id int)")
        assert not holds_somebody(file)
        connection.execute("INSERT INTO auth_user VALUES (1)")
    assert holds_somebody(file)

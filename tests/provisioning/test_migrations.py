"""Whoever is new gets all tables at once, whoever was there goes on from where they were, and both have the same."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BEGIN = """
import django
django.setup()
from tests.former_database import make_former
make_former("{name}")
"""
UPGRADE = """
import json
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

call_command("migrate", verbosity=0)
tables = {}
with connection.cursor() as cursor:
    for table in connection.introspection.table_names(cursor):
        described = connection.introspection.get_table_description(cursor, table)
        constraints = connection.introspection.get_constraints(cursor, table)
        tables[table] = [
            sorted((c.name, c.type_code, c.null_ok, c.default, c.collation) for c in described),
            sorted((name if not name.startswith("__") else "", sorted(found["columns"] or ()), found["unique"],
                    found["foreign_key"], found["check"]) for name, found in constraints.items())]
    cursor.execute("SELECT count(*), max(count), max(digest) FROM provisioning_historyhead")
    heads = cursor.fetchall()
applied = {name for app, name in MigrationRecorder(connection).applied_migrations() if app == "provisioning"}
print(json.dumps({"tables": tables, "heads": heads, "applied": sorted(applied)}, default=str, sort_keys=True))
"""
CHECK = """
import django
django.setup()
from django.core.management import call_command
call_command("makemigrations", check=True, dry_run=True, verbosity=0)
"""
FORMER = sorted(path.stem for path in (ROOT / "provisioning/migrations").glob("0*.py")
                if "squashed" not in path.stem and path.stem >= "0021")
"""Those of versions that somebody may have."""
LAST_SQUASHED = "0029_served_until"


def run(script: str, data: Path):
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "console.settings", "PAIRWISE_DATA_DIR": str(data)}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True,
                          timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout else None


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    return run(UPGRADE, tmp_path_factory.mktemp("new"))


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """``old(name)``: the data of an installation that goes from version to version, up to the last of the migrations
    that are squashed, or of one that began with what they are squashed to."""
    begun = {squashed: tmp_path_factory.mktemp("old") for squashed in (True, False)}
    return lambda name: begun[name <= LAST_SQUASHED]


def test_migrations_make_what_the_models_say(tmp_path):
    run(CHECK, tmp_path)


@pytest.mark.dear
@pytest.mark.parametrize("name", FORMER)
def test_an_installation_of_any_version_is_upgraded_by_migrate_alone(tmp_path, old, new, name):
    # From where the case before left it: each from nothing would be as many installations as there are versions.
    run(BEGIN.format(name=name), old(name))
    shutil.copytree(old(name), tmp_path / "data")
    assert run(UPGRADE, tmp_path / "data") == new

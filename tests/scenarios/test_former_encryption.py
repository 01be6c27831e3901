"""An installation of before the console had an encryption of its own is upgraded: its secrets stay, encrypted anew."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from provisioning.keys import mark_of

pytestmark = [pytest.mark.scenario, pytest.mark.long]
ROOT = Path(__file__).resolve().parents[2]
BEFORE = "0025_sign_ins"
"""The last migration of the versions that used django-fernet-encrypted-fields."""
KEY = "the key of an installation before the change, 50 c"
FORMER = {
    "secret of the host":
        "gAAAAABrDGgz1rxWt8C9AudIDdP6mgNTMOBw_03U3616lOOfSk_Drwf3q4g950ikjlx4Sv7EaVGCILsR8WwXSceJQIVK0Sg9CTog1j9Om1E-"
        "UKM8Z7vGbM0=",
    "secret of the application":
        "gAAAAABrDGgzicJ72UERk3J3wQ_GYKP-IvcEiNaOAXdueUnhRFSrHwoNdXcygHS11z62O7QYM1tj1MhXB--livPThVXmNxXXZV1J6Yilifqp"
        "xZnpfCt_z2s=",
    "passcode ä€":
        "gAAAAABrDGgzGnJJJ4wVH6EnmNqzXJH3wa6lv4DHrwoZY-rG-DAIzbf8SIKl2WO1cZGbGhXEfgySvzqBSJ320_Bj8U8HQtItgw==",
}
"""What EncryptedTextField of django-fernet-encrypted-fields 0.4.0 itself wrote, with KEY as SECRET_KEY and SALT_KEY."""
HOST, APPLICATION, PASSCODE = FORMER
SECRETS = {("provisioning_host", "secret"): HOST, ("provisioning_application", "secret"): APPLICATION,
           ("provisioning_option", "secret_value"): PASSCODE}
MAKE = f"""
from tests.former_database import make_former
models = make_former("{BEFORE}")
make = lambda model, **values: models("provisioning", model).objects.create(**values)
host = make("Host", name="edge")
template = make("ApplicationTemplate", name="Message_Server", type="MessageServer", version="8.5")
row = make("Application", name="MS", type="MessageServer", host=host, template=template)
make("Option", application=row, section="clients", key="bench")
"""
READ = """
import json
from provisioning.models import Application, Host, Option
print(json.dumps([Host.objects.get().secret, Application.objects.get().secret, Option.objects.get().plain]))
"""


class Installation:
    def __init__(self, directory: Path):
        self.directory = directory
        directory.mkdir()
        self.key(KEY)

    def key(self, text: str) -> None:
        """As a console keeps it that was given none."""
        path = self.directory / "secret_key"
        path.write_text(text)
        path.chmod(0o600)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PAIRWISE_")}
        return subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=120,
                              env=environment | {"PAIRWISE_DATA_DIR": str(self.directory)})

    def database(self) -> closing:
        return closing(sqlite3.connect(self.directory / "pairwise.sqlite3", isolation_level=None))

    def stored(self) -> dict[tuple[str, str], str]:
        with self.database() as database:
            return {(table, name): database.execute(f"SELECT {name} FROM {table}").fetchone()[0]
                    for table, name in SECRETS}


@pytest.fixture
def former(tmp_path):
    """Its database as a former version left it."""
    made = Installation(tmp_path / "var")
    done = made.manage("shell", "-v", "0", "-c", MAKE)
    assert done.returncode == 0, done.stderr
    with made.database() as database:
        for (table, name), text in SECRETS.items():
            database.execute(f"UPDATE {table} SET {name} = ?", [FORMER[text]])
    return made


def test_its_secrets_are_read_after_the_upgrade_and_encrypted_anew(former):
    done = former.manage("migrate")
    assert done.returncode == 0, done.stderr
    stored = former.stored()
    assert {text.partition(":")[0] for text in stored.values()} == {mark_of(KEY)}
    assert not set(FORMER.values()) & set(stored.values())
    read = former.manage("shell", "-v", "0", "-c", READ)
    assert json.loads(read.stdout.strip().splitlines()[-1]) == list(FORMER), read.stderr
    assert "E015" not in former.manage("check").stderr
    assert former.manage("migrate").returncode == 0
    assert former.stored() == stored


def test_with_another_key_nothing_is_changed_and_it_is_said(former):
    former.key("another key, which this database was not made with")
    done = former.manage("migrate")
    assert done.returncode != 0
    assert "was encrypted with another PAIRWISE_SECRET_KEY. Nothing was changed" in done.stderr
    assert former.stored() == {place: FORMER[text] for place, text in SECRETS.items()}
    former.key(KEY)
    assert former.manage("migrate").returncode == 0
    assert {text.partition(":")[0] for text in former.stored().values()} == {mark_of(KEY)}

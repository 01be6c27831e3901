"""The commands of docs/upgrading.md on one machine: from a former version to this one, to one to come, and back."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from protocol.version import VERSION

from . import former
from .applications import apply_file, message_server
from .harness import ROOT, Pairwise, wait_for

pytestmark = [pytest.mark.long,
              pytest.mark.skipif(bool(former.why_none()), reason=former.why_none())]
PAGE = (ROOT / "docs/upgrading.md").read_text()
NAME, TO_COME = "MS_Upgraded", "9999_of_a_version_to_come"
MIGRATION = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("provisioning", "{newest}")]
    operations = [migrations.RunSQL("CREATE TABLE of_tomorrow (id integer)")]
"""


class Checkout:
    """A clone of this repository, and a Pairwise that runs from it."""

    def __init__(self, directory: Path, run: Pairwise):
        self.directory, self.run = directory, run
        self._git("clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(directory), cwd=ROOT)
        self.newest = self._git("rev-parse", "HEAD")
        run.program = directory

    def _git(self, *arguments: str, cwd: Path | None = None) -> str:
        return subprocess.run(["git", *arguments], cwd=cwd or self.directory, check=True, capture_output=True,
                              text=True).stdout.strip()

    def take(self, version: str) -> None:
        """Put that version in the place of the one that is there."""
        self._git("checkout", "--quiet", "--force", "--detach", version)
        self._git("clean", "--quiet", "--force", "-d")

    def take_one_to_come(self) -> None:
        migrations = self.directory / "provisioning/migrations"
        newest = max(path.stem for path in migrations.glob("0*.py"))
        (migrations / f"{TO_COME}.py").write_text(MIGRATION.format(newest=newest))

    def manage(self, *arguments: str, code: int = 0) -> str:
        done = self.run.command_line(*arguments, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def server(self) -> tuple[str, int]:
        """(status, pid) of the Message Server."""
        [found] = json.loads(self.run.command_line("status", "--json").stdout)["applications"]
        return found["status"], found["pid"]

    def start_anew(self, pid: int) -> None:
        """``./run`` is killed and started: its server serves on."""
        self.run.kill_up()
        self.run.start()
        wait_for(lambda: self.server() == ("Started", pid), 30, "the server, as it was")


@pytest.fixture
def checkout(make_pairwise, tmp_path):
    return Checkout(tmp_path / "pairwise", make_pairwise(cold=True))


def commands_of(heading: str) -> list[str]:
    """Those in the first block below a heading of the page."""
    return re.search(rf"^###? {heading}\n.*?^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1].splitlines()


@pytest.mark.timeout(900)  # consoles of two versions are started
def test_a_console_is_upgraded_and_brought_back_as_the_page_says(checkout, tmp_path):
    run, before, later = checkout.run, tmp_path / "before", tmp_path / "later"
    assert commands_of("A console on one machine") == ["./run backup /srv/backup/pairwise-before", "git pull", "./run"]
    assert commands_of("Downgrade")[1:] == ["./run restore /srv/backup/pairwise-before --over", "./run"]
    checkout.take(former.COMMIT)
    run.start()
    checkout.manage("apply", apply_file(run, message_server(NAME)), "--yes")
    for verb in ("install", "start"):
        checkout.manage(verb, NAME, "--wait")
    status, pid = checkout.server()
    assert status == "Started"

    # As of who takes the new program before the former one is stopped.
    checkout.take(checkout.newest)
    assert re.search(r"is of an older version: the migration \d{4}_\w+ is missing\. Start Pairwise anew \(\./run\)",
                     checkout.manage("status", code=2))
    assert "read back and whole" in checkout.manage("backup", str(before))
    checkout.start_anew(pid)
    assert run.said("Bringing the database up to date")
    assert checkout.manage("version").strip() == VERSION
    checkout.manage("verify_history")

    # On to a version to come, and back to this one.
    assert "read back and whole" in checkout.manage("backup", str(later))
    checkout.take_one_to_come()
    checkout.start_anew(pid)
    checkout.manage("users", "add", "carol", "--role", "Support")
    run.kill_up()
    checkout.take(checkout.newest)
    run.launch()
    assert run.wait_end() != 0
    assert f"is of a newer version: it has the migration {TO_COME}" in run.text
    assert f"is of a newer version: it has the migration {TO_COME}" in checkout.manage("users", "list", code=2)
    checkout.manage("restore", str(later), "--over")
    run.start()
    wait_for(lambda: checkout.server() == ("Started", pid), 30, "the server, as it was")
    assert "carol" not in checkout.manage("users", "list")

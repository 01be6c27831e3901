"""The console as a service by ./run install-service: on a Debian with its systemd, from nothing to nothing. The machine
has no network, so nothing can be fetched."""

import shutil

import pytest

from console.service import tree
from console.service.environment import LOCK
from tests.sources import ROOT

from .served import TEST_S

pytestmark = pytest.mark.long


def checkout(directory):
    """A checkout with the environment that `./run` makes, by the Python of that machine."""
    tree.write(directory, tree.files((LOCK,), tree.SYSTEM_PYTHON))
    for name in ("run", LOCK, "requirements-dev.txt"):
        shutil.copy(ROOT / name, directory)
    shutil.copy(ROOT / LOCK, directory / ".venv/installed.txt")


@pytest.mark.timeout(TEST_S)
def test_a_checkout_becomes_a_service_is_upgraded_and_taken_away(machine):
    checkout(machine.shared / "checkout")
    install = ("/media/checkout/run", "install-service")
    promised = machine.run(*install, "--dry-run").stdout
    assert "would make the account pairwise" in promised
    assert not machine.has("/opt/pairwise")

    done = machine.run(*install).stdout
    assert [line.strip() for line in promised.splitlines()] == [
        f"would {line.strip()}" for line in done.splitlines() if line.startswith("  ")]
    machine.wait_started()
    assert machine.has("/var/lib/pairwise/first_password")
    assert '"applications"' in machine.says("pairwise", "status", "--json")
    before = machine.main_pid()
    assert "Nothing to do" in machine.says(*install)
    assert machine.main_pid() == before

    (machine.shared / "checkout/docs/openapi.json").write_text("another version")
    machine.run(*install)
    machine.wait_started()
    assert machine.main_pid() != before
    assert machine.says("cat", "/opt/pairwise/docs/openapi.json") == "another version"

    refused = machine.run(*install, "--uninstall", "--purge", "/var/lib", check=False)
    assert (refused.returncode, "names what is lost" in refused.stderr) == (2, True)
    assert "data in /var/lib/pairwise" in machine.says(*install, "--uninstall")
    assert (machine.has("/opt/pairwise"), machine.has("/var/lib/pairwise/secret_key")) == (False, True)
    assert not machine.has("/etc/systemd/system/pairwise-console.service")
    machine.run(*install, "--uninstall", "--purge", "/var/lib/pairwise")
    assert (machine.has("/etc/pairwise"), machine.has("/var/lib/pairwise")) == (False, False)

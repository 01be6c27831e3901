"""The console as a service: on a Debian with its systemd, by its package and by ./run install-service, from nothing to
nothing. The machine has no network, so nothing can be fetched."""

import shutil
import subprocess

import pytest

from console.service import agent_package, deb, layout, package, tree
from console.service.environment import LOCK
from tests.scenarios.debian import Machine, why_no_debian
from tests.sources import ROOT
from tests.waiting import wait_for

pytestmark = pytest.mark.long
UNIT = layout.UNIT
DPKG = ("dpkg", "--force-unsafe-io")
"""What it writes has to outlive no power cut."""
ANSWERS_S, TEST_S = 60.0, 1200
ASK = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000/livez', timeout=5).status)"
SIGN_IN = """
import http.cookiejar, re, sys, urllib.parse, urllib.request as u
page = "http://127.0.0.1:8000/login/"
browser = u.build_opener(u.HTTPCookieProcessor(http.cookiejar.CookieJar()))
form = browser.open("http://127.0.0.1:8000/", timeout=20)
token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.read().decode())[1]
given = {"csrfmiddlewaretoken": token, "username": "admin", "password": sys.stdin.read().strip()}
answer = browser.open(u.Request(form.geturl(), urllib.parse.urlencode(given).encode(), {"Referer": form.geturl()}))
print("login" not in answer.geturl())
"""
OBJECTS = ("from provisioning.core.permissions import command_line_actor as c; from provisioning.models import Host; ")
NEW_HOST = OBJECTS + ("from provisioning.hosts.services.hosts import create_host; "
                      "from provisioning.drafts import HostDraft; create_host(actor=c('test'), "
                      "draft=HostDraft(name='far', ip_address='127.0.0.2', lca_port=5999))")
TOKEN = OBJECTS + ("from provisioning.hosts.services.enrolment import make_token; h = Host.objects.get(name='far'); "
                   "make_token(actor=c('test'), host_id=h.pk); print(h.enrolments.first().token)")
COMMAND = ("from provisioning.hosts.selectors.joining import command_from; "
           "print(command_from('127.0.0.1:8000', packaged=True))")
LEFT = OBJECTS + "print(Host.objects.get(name='far').left_at is not None)"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """(the package of the console, the same as a later version, the agent's)."""
    if why := why_no_debian():
        pytest.skip(why)
    made = tmp_path_factory.mktemp("packages")
    first = package.build(made, (LOCK,))
    return first, later(first, made / "later"), agent_package.build(made)


def later(made, unpacked):
    """The package ``made`` as a later version, with a file that the former one has not and without one that it has."""
    path = made.with_name("later.deb")
    subprocess.run(["dpkg-deb", "-R", made, unpacked], check=True)
    control = unpacked / "DEBIAN/control"
    control.write_text(control.read_text().replace(f"Version: {deb.VERSION}", f"Version: {deb.VERSION}+later"))
    program = unpacked / str(layout.PROGRAM).lstrip("/")
    (program / "docs/openapi.json").rename(program / "docs/later.json")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", unpacked, path], check=True,
                   stdout=subprocess.DEVNULL)
    shutil.rmtree(unpacked)
    return path


@pytest.fixture
def machine(tmp_path):
    if why := why_no_debian():
        pytest.skip(why)
    made = Machine(tmp_path)
    yield made
    made.power_off()


def state(machine):
    return machine.run("systemctl", "is-active", UNIT, check=False).stdout.strip()


def answers(machine):
    return machine.run("python3", "-c", ASK, check=False).stdout.strip() == "200"


def main_pid(machine):
    return machine.says("systemctl", "show", "--value", "-p", "MainPID", UNIT)


def share(machine, *paths):
    for path in paths:
        shutil.copy(path, machine.shared)


@pytest.mark.timeout(TEST_S)
def test_the_package_is_installed_upgraded_removed_and_purged(machine, packages):
    first, second, _ = packages
    share(machine, first, second)
    machine.run(*DPKG, "-i", f"/media/{first.name}")
    wait_for(lambda: answers(machine), ANSWERS_S, "the console")
    wait_for(lambda: state(machine) == "active", ANSWERS_S, "the service")
    assert machine.says("systemctl", "is-enabled", UNIT) == "enabled"

    # The password of admin is for root and the console, and works.
    password = machine.says("cat", "/var/lib/pairwise/first_password")
    journal = machine.says("journalctl", "-u", UNIT, "--no-pager")
    assert password not in journal
    assert "/var/lib/pairwise/first_password" in journal
    assert machine.run("python3", "-c", SIGN_IN, text=password).stdout.strip() == "True"

    # The account owns its data and nothing that runs.
    assert machine.says("stat", "-c", "%U:%G %a", "/var/lib/pairwise") == "pairwise:pairwise 700"
    assert machine.says("stat", "-c", "%U:%G %a", "/etc/pairwise/console.env") == "root:pairwise 640"
    assert machine.says("find", "/opt/pairwise", "(", "-not", "-user", "root", "-o", "-perm", "/022", ")",
                        "-not", "-type", "l") == ""
    assert machine.run("pairwise", "check").stdout.startswith("System check identified no issues")
    assert '"applications"' in machine.says("pairwise", "status", "--json")

    # A later version: settings stay as somebody has them, the console goes on with its data.
    machine.run("sh", "-c", "echo PAIRWISE_TIME_ZONE=Europe/Berlin >>/etc/pairwise/console.env")
    before = main_pid(machine)
    machine.run(*DPKG, "-i", "/media/later.deb")
    wait_for(lambda: state(machine) == "active" and answers(machine), ANSWERS_S, "the console after the upgrade")
    assert main_pid(machine) != before
    assert machine.has("/opt/pairwise/docs/later.json")
    assert not machine.has("/opt/pairwise/docs/openapi.json")
    assert "Europe/Berlin" in machine.says("cat", "/etc/pairwise/console.env")
    assert machine.says("stat", "-c", "%U:%G %a", "/etc/pairwise/console.env") == "root:pairwise 640"
    assert machine.run("python3", "-c", SIGN_IN, text=password).stdout.strip() == "True"

    # What was stopped stays so at an upgrade.
    machine.run("systemctl", "disable", "--now", UNIT)
    machine.run(*DPKG, "-i", "/media/later.deb")
    assert state(machine) == "inactive"

    # Removed: nothing runs and nothing of the program is left; settings and data are, and serve again.
    machine.run(*DPKG, "-r", "pairwise")
    assert not machine.has("/opt/pairwise")
    assert not machine.has("/usr/bin/pairwise")
    assert machine.has("/etc/pairwise/console.env")
    machine.run(*DPKG, "-i", "/media/later.deb")
    wait_for(lambda: answers(machine), ANSWERS_S, "the console that is back")
    assert machine.run("python3", "-c", SIGN_IN, text=password).stdout.strip() == "True"

    machine.run(*DPKG, "-P", "pairwise")
    for path in ("/opt/pairwise", "/etc/pairwise", "/var/lib/pairwise", "/lib/systemd/system/pairwise-console.service",
                 "/etc/systemd/system/multi-user.target.wants/pairwise-console.service"):
        assert not machine.has(path), path
    assert machine.run("pgrep", "-u", "pairwise", check=False).stdout == ""


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
    wait_for(lambda: answers(machine), ANSWERS_S, "the console")
    assert machine.has("/var/lib/pairwise/first_password")
    assert '"applications"' in machine.says("pairwise", "status", "--json")
    before = main_pid(machine)
    assert "Nothing to do" in machine.says(*install)
    assert main_pid(machine) == before

    (machine.shared / "checkout/docs/openapi.json").write_text("another version")
    machine.run(*install)
    wait_for(lambda: state(machine) == "active" and answers(machine), ANSWERS_S, "the console after the upgrade")
    assert main_pid(machine) != before
    assert machine.says("cat", "/opt/pairwise/docs/openapi.json") == "another version"

    refused = machine.run(*install, "--uninstall", "--purge", "/var/lib", check=False)
    assert (refused.returncode, "names what is lost" in refused.stderr) == (2, True)
    assert "data in /var/lib/pairwise" in machine.says(*install, "--uninstall")
    assert (machine.has("/opt/pairwise"), machine.has("/var/lib/pairwise/secret_key")) == (False, True)
    assert not machine.has("/etc/systemd/system/pairwise-console.service")
    machine.run(*install, "--uninstall", "--purge", "/var/lib/pairwise")
    assert (machine.has("/etc/pairwise"), machine.has("/var/lib/pairwise")) == (False, False)


@pytest.mark.timeout(TEST_S)
def test_an_agents_package_joins_is_replaced_and_leaves(machine, packages):
    first, _, agent = packages
    share(machine, first, agent)
    machine.run(*DPKG, "-i", f"/media/{first.name}", f"/media/{agent.name}")
    wait_for(lambda: answers(machine), ANSWERS_S, "the console")
    # A second host on the same machine, at another port than the console's own.
    machine.run("pairwise", "shell", "-v", "0", "-c", NEW_HOST)
    command = machine.says("pairwise", "shell", "-v", "0", "-c", COMMAND)
    joined = machine.run(*command.split(), text=machine.says("pairwise", "shell", "-v", "0", "-c", TOKEN))
    assert "By the package pairwise-agent of this machine" in joined.stdout
    assert "Host far is ready" in joined.stdout
    assert machine.says("systemctl", "is-active", "pairwise-agent.service") == "active"
    before = machine.says("systemctl", "show", "--value", "-p", "MainPID", "pairwise-agent.service")

    machine.run(*DPKG, "-i", f"/media/{agent.name}")
    assert machine.says("systemctl", "is-active", "pairwise-agent.service") == "active"
    assert machine.says("systemctl", "show", "--value", "-p", "MainPID", "pairwise-agent.service") != before

    machine.run(*DPKG, "-r", "pairwise-agent")
    assert machine.run("systemctl", "is-active", "pairwise-agent.service", check=False).stdout.strip() != "active"
    assert machine.says("pairwise", "shell", "-v", "0", "-c", LEFT) == "True"
    machine.run(*DPKG, "-P", "pairwise-agent")
    assert not machine.has("/opt/pairwise-agent")

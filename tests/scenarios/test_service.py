"""The console as a service by its package, and the agent by its own: on a Debian with its systemd, from nothing to
nothing. The machine has no network, so nothing can be fetched."""

import re
import shutil
import subprocess

import pytest

from console.service import agent_package, deb, layout, package
from console.service.environment import LOCK
from tests.sources import ROOT
from tests.waiting import wait_for

from .debian import why_no_debian
from .served import DPKG, SHELL, STARTS_S, TEST_S

pytestmark = pytest.mark.long
AGENT, PORT, PASSWORD = "pairwise-agent.service", 8123, "a lamp beside 7 green doors"
PAGE = (ROOT / "docs/installing.md").read_text()
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
           f"print(command_from('127.0.0.1:{PORT}', packaged=True))")
SERVERS = OBJECTS + "print(Host.objects.get(name='far').runtime.facts.get('service_account'))"
LEFT = OBJECTS + "print(Host.objects.get(name='far').left_at is not None)"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Where packages are made, once."""
    if why := why_no_debian():
        pytest.skip(why)
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module")
def first(made):
    return package.build(made, (LOCK,))


@pytest.fixture(scope="module")
def second(made, first):
    return later(first, made / "later")


@pytest.fixture(scope="module")
def agent(made):
    return agent_package.build(made)


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


@pytest.mark.timeout(TEST_S)
def test_the_package_is_installed_upgraded_removed_and_purged(machine, first, second):
    machine.install(first)
    machine.wait_started()
    assert machine.says("systemctl", "is-enabled", layout.UNIT) == "enabled"

    # The password of admin is for root and the console, and works.
    password = machine.says("cat", "/var/lib/pairwise/first_password")
    journal = machine.journal()
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
    before = machine.main_pid()
    machine.install(second)
    machine.wait_started()
    assert machine.main_pid() != before
    assert machine.has("/opt/pairwise/docs/later.json")
    assert not machine.has("/opt/pairwise/docs/openapi.json")
    assert "Europe/Berlin" in machine.says("cat", "/etc/pairwise/console.env")
    assert machine.says("stat", "-c", "%U:%G %a", "/etc/pairwise/console.env") == "root:pairwise 640"
    assert machine.run("python3", "-c", SIGN_IN, text=password).stdout.strip() == "True"

    # What was stopped stays so at an upgrade.
    machine.run("systemctl", "disable", "--now", layout.UNIT)
    machine.install(second)
    assert machine.state() == "inactive"

    # Removed: nothing runs and nothing of the program is left; settings and data are, and serve again.
    machine.run(*DPKG, "-r", "pairwise")
    assert not machine.has("/opt/pairwise")
    assert not machine.has("/usr/bin/pairwise")
    assert machine.has("/etc/pairwise/console.env")
    machine.install(second)
    machine.wait_started()
    assert machine.run("python3", "-c", SIGN_IN, text=password).stdout.strip() == "True"

    machine.run(*DPKG, "-P", "pairwise")
    for path in ("/opt/pairwise", "/etc/pairwise", "/var/lib/pairwise", "/lib/systemd/system/pairwise-console.service",
                 "/etc/systemd/system/multi-user.target.wants/pairwise-console.service"):
        assert not machine.has(path), path
    assert machine.run("pgrep", "-u", "pairwise", check=False).stdout == ""


def commands_before_the_first_start():
    """Of the page, as root gives them; what an editor is opened for is left out."""
    part = re.search(r"^## Settings before the first start\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)[1]
    lines = [line for block in re.findall(r"^```\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
             for line in block.splitlines()]
    assert lines
    assert all(line.startswith(("sudo ", "sudoedit /etc/pairwise/")) for line in lines)
    return [line.removeprefix("sudo ") for line in lines if not line.startswith("sudoedit ")]


def write(machine, path, text):
    """As an editor does, which leaves owner and mode as they are."""
    assert machine.has(path)
    machine.run("sh", "-c", f"cat >{path}", text=text)


@pytest.mark.timeout(TEST_S)
def test_settings_of_before_the_first_start_count_from_it_on(machine, first, agent):
    for command in commands_before_the_first_start():
        machine.run("sh", "-c", command)
    settings, password = "/etc/pairwise/console.env", "/etc/pairwise/admin_password"
    ours = (f"PAIRWISE_PORT={PORT}\nPAIRWISE_ADMIN_PASSWORD_FILE={password}\n")
    write(machine, password, PASSWORD)
    write(machine, settings, f"{ours}PAIRWISE_DATABASE_URL=postgres://pairwise@127.0.0.1:9/pairwise\n"
          "PAIRWISE_LOG_DATABASE_URL=postgres://pairwise@127.0.0.1:9/pairwise_log\n")

    # A database that does not answer yet: nothing is begun in another place, and the package is there.
    machine.install(first, agent)
    wait_for(lambda: "PAIRWISE_DATABASE_URL" in machine.journal(), STARTS_S, "what the console says of its database")
    assert not machine.has("/var/lib/pairwise/pairwise.sqlite3")
    write(machine, settings, ours)
    machine.run("systemctl", "restart", layout.UNIT)
    machine.wait_started(PORT)
    assert machine.run("python3", "-c", SIGN_IN.replace("8000", str(PORT)), text=PASSWORD).stdout.strip() == "True"
    assert not machine.has("/var/lib/pairwise/first_password")
    assert machine.says("cat", settings) == ours.strip()
    for path in (settings, password):
        assert machine.says("stat", "-c", "%U:%G %a", path) == "root:pairwise 640"

    an_agent_joins_is_replaced_and_leaves(machine, agent)


def an_agent_joins_is_replaced_and_leaves(machine, agent):
    """By its package, on the machine of a console, as a second host at another port than the console's own."""
    machine.run(*SHELL, NEW_HOST)
    joined = machine.run(*machine.says(*SHELL, COMMAND).split(), text=machine.says(*SHELL, TOKEN))
    assert "By the package pairwise-agent of this machine" in joined.stdout
    assert "Host far is ready" in joined.stdout
    assert machine.says("systemctl", "is-active", AGENT) == "active"
    before = machine.says("systemctl", "show", "--value", "-p", "MainPID", AGENT)

    # Its servers cannot read what is the console's.
    assert "pairwise-servers was created for servers" in joined.stdout
    for path in ("/etc/pairwise", "/var/lib/pairwise"):
        assert machine.run("runuser", "-u", "pairwise-servers", "--", "ls", path, check=False).returncode != 0
    wait_for(lambda: machine.says(*SHELL, SERVERS) == "pairwise-servers", STARTS_S, "what the host has for servers")

    # As one is upgraded that joined before there was that account.
    machine.run("userdel", "pairwise-servers")
    machine.install(agent)
    assert machine.says("id", "-un", "pairwise-servers") == "pairwise-servers"
    assert machine.says("systemctl", "is-active", AGENT) == "active"
    assert machine.says("systemctl", "show", "--value", "-p", "MainPID", AGENT) != before

    machine.run(*DPKG, "-r", "pairwise-agent")
    assert machine.run("systemctl", "is-active", AGENT, check=False).stdout.strip() != "active"
    assert machine.says(*SHELL, LEFT) == "True"
    machine.run(*DPKG, "-P", "pairwise-agent")
    assert not machine.has("/opt/pairwise-agent")

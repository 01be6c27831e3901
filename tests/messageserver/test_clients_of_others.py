"""Clients that others wrote, each in its own language: what it does in its script is answered as it wants."""

import subprocess
from pathlib import Path

import pytest

from tests.ports import free_port

from .suites import ARCHIVES, LOGINS, NODE, listening, unpacked

pytestmark = pytest.mark.scenario
RUN_S = 60
NODE_SAYS = {
    "stompit": ("stompit-1.0.0.tgz", ["stored", "one first", "one true", "two first", "three", "sent"]),
    "stomp-client": ("stomp-client-0.9.0.tgz", ["1.0 Grüße red", "1.1 Grüße red"]),
    "stomp": ("stomp-0.1.1.tgz", ["receipt string", "message one"]),
    "webstomp-client": ("webstomp-client-1.2.6.tgz", ["Grüße first", "Grüße true", "acknowledged"]),
    "stompjs": ("stompjs-2.3.3.tgz", ["1.1", "Grüße red", "acknowledged"]),
}
PERL = [line for version in ("1.0", "1.1", "1.2") for line in (f"CONNECTED {version}", "11", "one", "two")]
RUBY = ["1.0 CONNECTED", "one red", "bye", *[
    line for version in ("1.1", "1.2") for line in (f"{version} CONNECTED", "one r:\\1", "one true", "bye")]]


def installed(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def said(command: list[str], **settings) -> list[str]:
    """The lines that a script printed, and what it complained of."""
    run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, timeout=RUN_S, **settings)
    return run.stdout.splitlines()


@pytest.fixture
def asked(start_server, port) -> str:
    """The port of a server that the scripts may log in at."""
    start_server(options=LOGINS)
    return str(port)


@pytest.fixture
def asked_by_node(start_server, port, request) -> str:
    """As ``asked``; the port is for browsers where the library needs that."""
    protocol = "stomp-ws" if request.getfixturevalue("name").startswith("webstomp") else "stomp"
    start_server(options=LOGINS, ports=[listening(port, protocol)])
    return str(port)


def modules(name: str, archive: str, directory: Path) -> Path:
    """A folder in which node finds the library, and what that needs of others."""
    found = directory / "node_modules"
    found.mkdir()
    (found / name).symlink_to(unpacked(archive, directory))
    (found / "qs").mkdir()
    (found / "qs/index.js").write_text('module.exports = require("querystring");')
    return found


@pytest.mark.parametrize("name", NODE_SAYS)
def test_a_library_for_node_is_served(name, asked_by_node, tmp_path):
    archive, lines = NODE_SAYS[name]
    folder = modules(name, archive, tmp_path)
    command = [NODE, "--no-deprecation", str(ARCHIVES / f"{name}.js"), asked_by_node, str(free_port())]
    assert sorted(said(command, env={"NODE_PATH": str(folder)})) == sorted(lines)


@pytest.mark.long
@pytest.mark.skipif(not installed("perl", "-MNet::Stomp", "-e1"), reason="Net::Stomp is not installed")
def test_net_stomp_of_perl_is_served(asked):
    assert said(["perl", str(ARCHIVES / "net-stomp.pl"), asked]) == PERL


@pytest.mark.long
@pytest.mark.skipif(not installed("ruby", "-rstomp", "-e1"), reason="ruby-stomp is not installed")
def test_stomp_of_ruby_is_served(asked):
    lines = said(["ruby", str(ARCHIVES / "stomp.rb"), asked])
    assert (lines[:-2], sorted(lines[-2:])) == (RUBY, ["RECEIPT", "receipt wanted"])

"""docs/security.md: what it names exists, its ports are those of the code, and each attacker has what was promised."""

import ast
import re

from hostagent import lca
from provisioning.audit import rules  # noqa: F401 - registers them
from provisioning.audit.registry import RULES
from tests.sources import ROOT, sources
from tests.test_settings_documented import settings_read

TEXT = (ROOT / "docs/security.md").read_text()
TOP = (ROOT / "SECURITY.md").read_text()
FILES = re.compile(
    r"`((?:api|console|control|hostagent|messageserver|protocol|provisioning|tests|deploy|docs)/[\w./-]+)`")


def defaults():
    """{setting: its default} of everything that settings.py reads as a number."""
    found = {}
    for node in ast.walk(ast.parse((ROOT / "console/settings.py").read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "env.int":
            name, default = (ast.literal_eval(each) for each in node.args)
            found[name] = default
    return found


def ports():
    """{setting: row of the table}."""
    rows = re.findall(r"^\| `(PAIRWISE_\w+)` \| (\d+) \| (.*) \|$", TEXT, re.MULTILINE)
    return {name: (int(default), rest.split(" | ")) for name, default, rest in rows}


def test_every_path_exists():
    named = set(FILES.findall(TEXT))
    assert len(named) > 60
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_the_ports_are_those_of_the_code():
    assert {name: default for name, (default, _) in ports().items()} == {
        name: default for name, default in defaults().items() if name.endswith("_PORT")}


def test_the_lca_port_is_on_loopback_only():
    assert ports()["PAIRWISE_LCA_PORT"][1][1] == "loopback, always"
    assert lca.LOOPBACK == "127.0.0.1"


def test_no_other_process_of_ours_listens():
    """Whoever adds a listener adds a row."""
    listening = re.compile(r"\b(start_server|create_server|start_unix_server|create_unix_server|uvicorn\.Config)\(")
    found = {name for name, text in sources().items() if listening.search(text)}
    assert found == {"console/web.py", "control/server.py", "hostagent/lca.py", "messageserver/ports.py"}


def test_every_setting_and_command_exists():
    assert set(re.findall(r"\b(PAIRWISE_[A-Z_]+)", TEXT)) - settings_read() == set()
    commands = {path.stem for path in ROOT.glob("provisioning/management/commands/*.py")} | {"check", "migrate"}
    assert set(re.findall(r"(?:manage\.py|\./run manage) (\w+)", TEXT)) - commands == set()


def test_every_rule_of_the_audit_exists():
    assert set(re.findall(r"\bA\d\d\b", TEXT)) <= RULES.keys()


def test_each_attacker_has_what_is_done_and_what_remains_open():
    parts = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    attackers = [part for part in parts if re.match(r"\d\. ", part)]
    assert [int(part[0]) for part in attackers] == [1, 2, 3, 4, 5, 6, 7]
    for part in attackers:
        assert "**Open**" in part, part.splitlines()[0]
        assert any(path.startswith("tests/") for path in FILES.findall(part)), part.splitlines()[0]
        assert any(not path.startswith("tests/") for path in FILES.findall(part)), part.splitlines()[0]


def test_the_top_level_points_there():
    assert "(docs/security.md)" in TOP
    assert "docs/security.md" in (ROOT / "README.md").read_text()

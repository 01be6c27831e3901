"""One number for the product, in one place; the table of docs/upgrading.md says what the code says."""

import ast
import re
import subprocess
import sys
import tomllib

import pytest
from django.urls import reverse

import hostagent
import messageserver
from api.root import api
from console.backup import maker
from console.up import client_package
from hostagent import bundle, control_link
from messageserver import records
from protocol import jobs, opening_messages
from protocol.version import VERSION
from tests.sources import ROOT

DECLARED = "protocol/version.py"
OTHERS = {
    "messageserver/__init__.py": "the Message Server's own",
    "client/pairwise_client/version.py": "of sources that nobody built",
    "provisioning/audit/exports/sarif.py": "of a format",
}
"""Modules that declare another version of something."""
MAY_NAME_IT = {DECLARED, "CHANGELOG.md", "docs/upgrading.md", "docs/openapi.json"}
ROW = re.compile(r"^\| (\d[\w.]*) \| ([\d.]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)


def files() -> list[str]:
    found = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in found.splitlines() if (ROOT / name).is_file()]


def test_it_is_declared_once():
    declared = set()
    for name in files():
        if name.endswith(".py") and not name.startswith("tests/"):
            for node in ast.parse((ROOT / name).read_text()).body:
                if isinstance(node, ast.Assign) and "VERSION" in [ast.unparse(each) for each in node.targets] \
                        and re.match(r"\d+[.+]", str(getattr(node.value, "value", ""))):
                    declared.add(name)
    assert declared == {DECLARED, *OTHERS}
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["dynamic"] == {
        "version": {"attr": "protocol.version.VERSION"}}


def test_no_other_file_names_it():
    number = re.compile(rf"(?i)pairwise[\"'\w /:=-]{{0,12}}{re.escape(VERSION)}(?![\d.]*\d)")
    written = [name for name in files() if name.endswith((".py", ".md", ".html", ".toml", ".service", ".yaml", ".json"))
               and not name.startswith("static/vendor") and name not in MAY_NAME_IT]
    assert [name for name in written if number.search((ROOT / name).read_text())] == []


def test_console_agent_client_and_api_have_it():
    assert VERSION == maker.VERSION == bundle.VERSION == control_link.VERSION == api.version
    assert f"pairwise_client-{VERSION}-py3-none-any.whl" == client_package.NAME
    assert not hasattr(hostagent, "VERSION")


@pytest.mark.parametrize("command", [
    ["./run", "--version"], [sys.executable, "manage.py", "version"],
    [sys.executable, "manage.py", "--version"], [sys.executable, "-m", "hostagent", "--version"]],
    ids=lambda words: " ".join(words[-2:]))
def test_commands_tell_it(command):
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{VERSION}\n", "")


@pytest.mark.django_db
def test_pages_tell_it(support):
    assert f"Pairwise {VERSION}" in support.get(reverse("host-list")).text


def test_the_table_of_versions_says_what_this_one_has():
    newest = ROW.findall((ROOT / "docs/upgrading.md").read_text())[0]
    assert newest == (VERSION, messageserver.VERSION, *map(str, (
        opening_messages.PROTOCOL_VERSION, opening_messages.SPEAKS, jobs.SIGNATURES, records.SCHEMA_VERSION)))


def test_the_list_of_changes_begins_with_it():
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert newest == VERSION

"""Commands while another program holds the Configuration Database: a sentence and an exit code of its own."""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import DatabaseError, OperationalError

from console.whereabouts import why_nothing_is_there
from provisioning.management import commands
from provisioning.management.commands import audit, status
from provisioning.management.console import BUSY, REFUSED, ServiceCommand
from tests.commands import run
from tests.factories import make_application, make_host, make_pair

ROOT = Path(__file__).parents[3]
SENTENCE = "Another program holds the Configuration Database. Try again later."


@pytest.mark.parametrize("words", [
    ("start", "MS"), ("stop", "MS"), ("users", "add", "sue", "--role", "Support"), ("import_template", "{template}"),
    ("synchronize", "MS_Primary", "--yes"), ("support_bundle", "MS_Primary", "--output", "{out}"),
    ("drill", "MS_Primary"), ("apply", "{manifest}", "--yes")], ids=lambda words: words[0])
def test_a_command_that_cannot_write_says_so(impatient, locked, no_broker, no_control, tmp_path, words):
    make_application("MS", host=make_host("alpha"), installed=True, status="Unknown")
    primary, _ = make_pair()
    type(primary).objects.filter(pk=primary.pk).update(description="differs", startup_timeout=7)
    template = tmp_path / "new.apd"
    template.write_text("[template]\nname = New\ntype = MessageServer\nversion = 1\nformat = 1\n")
    manifest = tmp_path / "site.yaml"
    manifest.write_text("hosts: [{name: beta, ip_address: 192.0.2.9}]")
    given = [word.format(template=template, out=tmp_path / "out.zip", manifest=manifest) for word in words]
    with locked():
        code, _, err = run(*given)
    assert (code, err.strip()) == (BUSY, SENTENCE)


def test_a_script_reads_it_as_json(impatient, locked, no_broker, no_control):
    make_application("MS", host=make_host("alpha"), installed=True)
    with locked():
        code, out, err = run("start", "MS", "--json")
    assert (code, err.strip()) == (BUSY, SENTENCE)
    assert json.loads(out) == {"refusals": [{"field": "", "message": SENTENCE}]}


def test_what_only_reads_is_done(impatient, locked, capsys):
    make_pair()
    with locked():
        assert run("status")[0] == 0
        assert run("verify_history")[0] == 0
        assert run("export")[0] == 0


def test_an_audit_that_could_not_be_made_is_told_as_its_pipelines_expect_it(impatient, locked, no_control, no_broker):
    make_pair()
    with locked():
        code, _, err = run("audit", "--no-look")
    assert (code, err.strip()) == (REFUSED, SENTENCE)
    assert audit.Command.busy == REFUSED


def test_a_fault_of_the_console_is_not_blamed_on_the_database(db, monkeypatch):
    def broken():
        raise OperationalError("no such table: applications")

    monkeypatch.setattr(status, "status_report", broken)
    with pytest.raises(DatabaseError):
        run("status")


def test_every_command_for_people_and_scripts_answers_like_that():
    """The others are started by ./run or by the console itself, and have sentences of their own."""
    own = {"flush", "join_by_ssh", "runcontrol", "setup_local", "up"}
    for found in pkgutil.iter_modules(commands.__path__):
        module = importlib.import_module(f"provisioning.management.commands.{found.name}")
        assert issubclass(module.Command, ServiceCommand) or found.name in own, found.name


def asked_in(directory, *words):
    """Exit code, stdout and stderr of a command whose data directory is this one."""
    done = subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, text=True, capture_output=True,
                          env=os.environ | {"PAIRWISE_DATA_DIR": str(directory)}, timeout=60)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


WORDS = pytest.mark.parametrize("words", [
    ("users", "list"), ("status",), ("start", "MS"), ("export",), ("audit", "MS")], ids=lambda words: words[0])


@pytest.mark.dear
@WORDS
def test_a_database_that_was_never_set_up_is_a_sentence_that_names_it(tmp_path, words):
    file = tmp_path / "pairwise.sqlite3"
    file.touch()
    assert asked_in(tmp_path, *words) == (REFUSED, "", (
        f"The Configuration Database in {file} is empty. Start Pairwise anew (./run), which brings it up to date "
        "(docs/upgrading.md)."))


@WORDS
@pytest.mark.parametrize("exists", [True, False])
def test_a_command_that_looks_in_the_wrong_directory_names_it_and_leaves_nothing_there(tmp_path, words, exists):
    directory = tmp_path / "wrong"
    if exists:
        directory.mkdir()
    code, out, said = asked_in(directory, *words)
    assert (code, out) == (REFUSED, "")
    assert said.startswith(f"There is no Pairwise in {directory}: set PAIRWISE_DATA_DIR to")
    assert list(tmp_path.rglob("*")) == ([directory] if exists else [])


def test_the_sentence_about_the_wrong_directory_is_there_for_scripts_too(tmp_path):
    code, out, said = asked_in(tmp_path / "wrong", "status", "--json")
    assert (code, json.loads(out)) == (REFUSED, {"refusals": [{"field": "", "message": said}]})


@pytest.mark.parametrize(("words", "environment"), [
    ([], {}), (["up"], {}), (["migrate"], {}), (["status", "--help"], {}), (["help", "status"], {}),
    (["../status"], {}), (["status"], {"PAIRWISE_DATABASE_URL": "postgres://h/n"}),
    (["status"], {"PAIRWISE_DATABASE_URL_FILE": "/run/url"}),
])
def test_what_sets_up_a_pairwise_or_needs_none_is_not_held_up(tmp_path, words, environment):
    assert why_nothing_is_there(words, {"PAIRWISE_DATA_DIR": str(tmp_path), **environment}) == ""

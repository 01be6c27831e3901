"""What documents tell people to type can be typed: each command is there and takes what it is given."""

import re
import shlex
from functools import cache, partial

import pytest
from django.core.management import CommandError, get_commands, load_command_class

from bench.__main__ import names as measurements
from console.service.__main__ import options_of as options_of_a_service
from tests.documented import commands, lines
from tests.explore.scopes import SCOPES
from tests.sources import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "client").glob("*.md")])
OF_THE_SHELL = {"test", "bench", "explore", "soak", "format", "help", "up", "install-service", "package", "--version"}
"""Verbs of ``run`` that are no command of manage.py."""
NUMBERS = {"N", "NUMBER", "SECONDS", "DAYS", "COUNT"}
"""What stands for a number."""
NOT_FOR_PEOPLE = {"flush", "join_by_ssh"}
"""Commands of ours that a person does not type: Django's own, and one that a page starts."""
LATER = re.compile(r"arguments are required|one of the arguments .* is required|expected .*argument")
"""What is amiss where a sentence only names a command."""


def wrong(words: list[str], *, whole: bool) -> str:
    """What is amiss with a command; "" for nothing."""
    program, *rest = words
    if program == "./run":
        verb, *rest = rest or ["up"]
        if verb.startswith("-") and verb not in OF_THE_SHELL:
            verb, rest = "up", [verb, *rest]
        if verb not in verbs():
            return f"./run has no {verb}"
        if verb in OF_THE_SHELL - {"up"}:
            return OF_SHELL.get(verb, _nothing)(rest)
        if [verb, *rest] == ["docs", "--screenshots"]:
            return ""  # is for those who write them: done by ``run`` itself
        rest = rest if verb == "manage" else [verb, *rest]
    return managed(rest, whole=whole)


def _nothing(rest: list[str]) -> str:
    return f"it takes no {rest[0]}" if rest else ""


def _tested(rest: list[str]) -> str:
    """Paths that pytest is given."""
    return next((f"there is no {word}" for word in rest if "/" in word and not (ROOT / word).exists()), "")


def _measured(rest: list[str]) -> str:
    name, *options = rest or [""]
    if name not in ("", "NAME", *measurements()):
        return f"there is no measurement {name}"
    source = (ROOT / f"bench/{name}.py").read_text() if options else ""
    return next((f"{name} has no {word}" for word in options if word.startswith("-") and f'"{word}"' not in source), "")


def _explored(rest: list[str]) -> str:
    words = [word for word in rest if not word.isdigit() and word not in NUMBERS]
    return next((f"no scope is called {word}" for word in words if not any(word in name for name in SCOPES)), "")


def _soaked(rest: list[str]) -> str:
    source = (ROOT / "tests/soak/__main__.py").read_text()
    return next((f"it has no {word}" for word in rest if word.startswith("-") and f'"{word}"' not in source), "")


def _served(verb: str, rest: list[str]) -> str:
    """Of a service, by the parser of its program."""
    try:
        options_of_a_service([verb, *rest])
    except SystemExit:
        return "its parser refuses it"
    return ""


OF_SHELL = {"test": _tested, "bench": _measured, "explore": _explored, "soak": _soaked,
            "install-service": partial(_served, "install-service"), "package": partial(_served, "package")}


@cache
def verbs() -> frozenset[str]:
    """Verbs of ``run``, as its last part chooses by them."""
    text = (ROOT / "run").read_text().partition("\nverb=")[2]
    return frozenset(word for line in re.findall(r"^([\w |-]+)\)", text, re.MULTILINE) for word in line.split(" | "))


@cache
def _command(name: str):
    return load_command_class(get_commands()[name], name)


def managed(words: list[str], *, whole: bool) -> str:
    """Of a command of manage.py, by its own parser."""
    if not words or words in (["ARGS"], ["version"]):
        return ""  # the version manage.py says itself
    name, *rest = words
    if name not in get_commands():
        return f"there is no command {name}"
    given = ["7" if word in NUMBERS else "Administrator" if word == "ROLE" else word for word in rest]
    try:
        _command(name).create_parser("manage.py", name).parse_args(given)
    except CommandError as error:
        return "" if not whole and LATER.search(str(error)) else str(error)
    return ""


def shown(path) -> list[tuple[list[str], bool]]:
    return [(words, whole) for line, whole in lines(path.read_text()) for words in commands(line)]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_tells_to_type_can_be_typed(path):
    found = [f"{shlex.join(words)}: {said}" for words, whole in shown(path) if (said := wrong(words, whole=whole))]
    assert not found, "\n".join(["", *found])


def test_commands_are_found():
    assert len([words for path in PAGES for words, _ in shown(path)]) > 200
    assert {"up", "test", "manage", "move", "backup", "restore", "docs", "bench", "help"} <= verbs()


def test_every_verb_of_run_is_told_by_its_help_and_by_the_documents():
    usage = (ROOT / "run").read_text().partition("cat <<'END'")[2].partition("\nEND\n")[0]
    told = {words[1] for path in PAGES for words, _ in shown(path) if words[0] == "./run" and len(words) > 1}
    assert {verb for verb in verbs() - {"up"} if f"./run {verb}" not in usage} <= {"-h", "--help"}
    assert verbs() - {"up", "-h", "--help"} <= told


def test_the_page_of_commands_has_every_command_of_the_console():
    told = {words[1] if words[0] == "manage" else words[0] for words, _ in (
        (words[1:], whole) for words, whole in shown(ROOT / "docs/commands.md") if words[1:])}
    ours = {name for name, package in get_commands().items() if package == "provisioning"}
    assert ours - told <= NOT_FOR_PEOPLE
    assert {"move", "backup", "restore", "docs", "check", "version"} <= told


@pytest.mark.parametrize(("line", "said"), [
    ("./run nowhere", "no nowhere"), ("./run manage nowhere", "no command nowhere"),
    ("./run manage status --nowhere", "unrecognized arguments: --nowhere"),
    ("./run manage switchover", "arguments are required"), ("./run manage users unlok NAME", "invalid choice"),
    ("./run manage tokens add a --expires soon", "invalid int"), ("./run move --to URL --too", "unrecognized"),
    ("./run bench nowhere", "no measurement"), ("./run bench api -nowhere 1", "no -nowhere"),
    ("./run test tests/nowhere", "no tests/nowhere"), ("./run explore nowhere", "no scope"),
    ("sudo pairwise nowhere", "no command nowhere"), ("pairwise move --to URL --too", "unrecognized"),
    ("./run soak 3 --nowhere", "no --nowhere"), ("manage.py chek", "no command chek"), ("./run help me", "no me")])
def test_what_cannot_be_typed_is_found(line, said):
    assert any(said in wrong(words, whole=True) for words in commands(line))


@pytest.mark.parametrize(("line", "words"), [
    ("./run manage logs [--since 1h] [--level alarm]   what happened", ["./run", "manage", "logs", "--since", "1h",
                                                                       "--level", "alarm"]),
    ("PAIRWISE_HOST=192.0.2.1 ./run       one address", ["./run"]),
    ("TOKEN=$(./run manage tokens list)", ["./run", "manage", "tokens", "list"]),
    ("./run manage audit [NAME...] # a comment", ["./run", "manage", "audit", "NAME"]),
    ("./run manage audit --compare-with last | grep x", ["./run", "manage", "audit", "--compare-with", "last"]),
    ("30 2 * * * root PATH=/usr/bin:/bin pairwise backup /srv/a", ["pairwise", "backup", "/srv/a"])])
def test_a_line_is_read_as_a_shell_and_a_person_read_it(line, words):
    assert commands(line) == [words]
    assert commands("manage.py users link|unlink NAME") == [["manage.py", "users", "link", "NAME"],
                                                            ["manage.py", "users", "unlink", "NAME"]]

"""Which part of a run has which test, and which worker of it."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from _pytest.mark.expression import Expression

from tests.conftest import JOURNEYS, LONGEST, SCENARIOS, alone, is_missed
from tests.parts import ALIKE, further, of_their_kind
from tests.shares import CONSOLES, console_of
from tests.sources import ROOT

MARKERS = ("scenario", "browser", "network", "long")


@pytest.mark.parametrize("marked", [{*some} for count in range(len(MARKERS) + 1)
                                    for some in itertools.combinations(MARKERS, count)], ids=lambda some: "-".join(
                                        sorted(some)) or "none")
def test_each_test_is_in_exactly_one_part(marked):
    parts = re.findall(r'-m ("[^"]+"|\w+)$', (ROOT / "run").read_text(), re.MULTILINE)
    assert len(parts) == 7
    fits = [part for part in parts if Expression.compile(part.strip('"')).evaluate(lambda name: name in marked)]
    if {"scenario", "browser"} <= marked:
        pytest.skip("a journey in a browser is not marked as a scenario")
    assert len(fits) == 1, fits


def test_each_test_is_where_its_part_looks_for_it():
    script = (ROOT / "run").read_text()
    for variable, folders in (("SCENARIOS", SCENARIOS), ("JOURNEYS", JOURNEYS)):
        assert f'\n{variable}="{" ".join(f"tests/{folder}" for folder in folders)}"\n' in script


@pytest.mark.parametrize(("folder", "mark", "missed"), [
    ("scenarios", "scenario", False), ("provisioning", "long", False), ("provisioning", "scenario", True),
    ("scenarios", "browser", True), ("provisioning", None, False),
])
def test_a_test_that_no_part_would_find_is_noticed(folder, mark, missed):
    item = SimpleNamespace(path=ROOT / "tests" / folder / "test_it.py",
                           iter_markers=lambda: [SimpleNamespace(name=name) for name in (mark, "django_db") if name])
    assert is_missed(item) is missed


@pytest.mark.parametrize(("number", "marked", "quick"), [
    (1, "django_db", [0]), (4, "django_db", [0]), (4, "scenario", [0]), (1, "browser", [0]),
    (9, "sampled", [*range(9)]), (91, "sampled", [*range(0, 91, 10)]), (90, "", [*range(90)]),
])
def test_a_few_cases_stand_for_many_that_each_take_time(number, marked, quick):
    cases = [SimpleNamespace(place=place, iter_markers=lambda name: iter([name] if name == marked else []))
             for place in range(number)]
    left_to_long = [case.place for case in further(cases)]
    assert sorted([*left_to_long, *quick]) == [*range(number)]


def test_some_tests_of_a_file_stand_for_the_others_of_their_kind():
    name, quick = next(iter(ALIKE.items()))

    def a_test(number, path, marks=()):
        return [SimpleNamespace(number=number, path=ROOT / "tests" / path,
                                get_closest_marker=lambda mark: mark in marks)]

    tests = [a_test(number, name) for number in range(9)]
    left_to_long = [case.number for case in of_their_kind([
        a_test("long before", name, ("long",)), *tests, a_test("of another file", "test_run.py")])]
    assert len(left_to_long) == 9 - quick
    assert {0, 8}.isdisjoint(left_to_long)
    assert all((ROOT / "tests" / each).exists() for each in ALIKE)


def test_the_long_files_that_come_first_are_there():
    assert {*LONGEST} <= {path.stem for path in (ROOT / "tests").rglob("test_*.py")}


def using(path: str, fixture: str, scope: str = "session") -> SimpleNamespace:
    """A test of the file ``path`` that uses ``fixture``."""
    found = {fixture: [SimpleNamespace(scope=scope)]}
    return SimpleNamespace(path=ROOT / "tests" / path, _fixtureinfo=SimpleNamespace(name2fixturedefs=found))


def test_files_that_use_the_same_console_are_one_workers():
    named = [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if console_of(path)]
    assert len(named) == sum(len(names) for files in CONSOLES.values() for names in files.values())
    assert console_of(Path("tests/scenarios/test_alarms.py")) == "site"
    assert console_of(Path("tests/browser/test_alarms.py")) == "web_environment"


def test_a_file_with_a_console_that_nobody_else_of_its_worker_uses_is_noticed():
    new, named = using("scenarios/test_new.py", "site"), using("scenarios/test_audit.py", "site")
    assert alone([named, new, using("browser/test_layout.py", "site", "module")]) == [new.path]
    assert alone([named, using("scenarios/test_audit.py", "pairwise")]) == []


@pytest.mark.long
@pytest.mark.timeout(300)
def test_every_process_collects_the_same_tests_in_the_same_order(tmp_path):
    """Workers that do not agree run nothing at all."""
    def collected(seed: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", f"cache_dir={tmp_path}",
             "-o", "addopts=-p no:schemathesis --strict-markers", "tests"],
            cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": seed})
        assert done.returncode == 0, done.stdout[-2000:]
        return [line for line in done.stdout.splitlines() if "::" in line]

    first = collected("1")
    assert len(first) > 1000
    assert collected("2") == first

"""The registry of job kinds: it is whole, the host's side agrees, and nobody keeps a table of kinds beside it."""

import ast
import importlib
import re

import pytest

from hostagent.jobs import frame
from protocol.jobs import STEPS
from provisioning.core import permissions
from provisioning.jobs.kinds import ASK, EFFECT, FAULT, KINDS, Hook, Need
from provisioning.jobs.worker import outcome  # noqa: F401 - its owners register what they do
from provisioning.states import JobKind
from provisioning.verbs.services import jobs  # noqa: F401 - and so do the services
from tests.sources import ROOT, sources

OWNED = {JobKind.INSTALL, JobKind.MAKE_CERTIFICATES, JobKind.COLLECT_FACTS}
"""Kinds whose success changes what the console holds."""


def test_every_kind_has_a_row_steps_a_module_on_the_host_and_a_service():
    every = set(JobKind.values)
    assert set(KINDS) == set(STEPS) == set(frame.KINDS) == set(ASK) == every
    assert set(FAULT) == set(EFFECT) == OWNED


@pytest.mark.parametrize("kind", JobKind.values)
def test_the_row_and_the_host_agree(kind):
    row, module = KINDS[kind], importlib.import_module(f"hostagent.jobs.{kind}")
    assert frame.KINDS[kind] is module
    assert callable(module.work)
    assert callable(module.undo)
    assert row.steps == STEPS[kind]
    assert row.permission in permissions.VERBS
    assert Need.HOST in row.needs
    assert row.label == JobKind(kind).label


def test_a_kind_has_one_owner():
    hook = Hook()
    hook.of(JobKind.STOP)(len)
    hook.of(JobKind.STOP)(len)
    with pytest.raises(ValueError, match="stop has len already, max comes too"):
        hook.of(JobKind.STOP)(max)


# --- no second table


def kinds_in(node) -> int:
    """How many different kinds an expression names."""
    return len({each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)
                and isinstance(each.value, ast.Name) and each.value.id == "JobKind"})


def chains(tree):
    """The parts of every chain of conditions and every table, together."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield node.lineno, sum(kinds_in(key) for key in node.keys if key is not None)
        elif isinstance(node, ast.FunctionDef):
            yield node.lineno, sum(kinds_in(part) for part in ast.walk(node) if isinstance(part, ast.Compare))


def test_no_other_module_keeps_a_table_or_a_chain_of_kinds():
    wrong = [f"{path}:{line}" for path, text in sources("provisioning", "console", "control", saying="JobKind").items()
             if "/migrations/" not in path and not path.endswith(("/jobs/kinds.py", "/states/__init__.py"))
             for line, count in chains(ast.parse(text)) if count > 1]
    assert not wrong, "\n".join(["", *wrong])


def test_tables_and_chains_are_found():
    source = ("T = {JobKind.STOP: 1, JobKind.START: 2}\n"
              "def f(k):\n  if k == JobKind.STOP: return\n  return k in (JobKind.START,)")
    assert [count for _, count in chains(ast.parse(source)) if count > 1] == [2, 2]


def test_no_template_asks_for_a_kind():
    asks = re.compile(rf'job\.kind\s*[!=]=|kind\s*[!=]=\s*"(?:{"|".join(JobKind.values)})"')
    wrong = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "templates").rglob("*.html"))
             if asks.search(path.read_text())]
    assert not wrong

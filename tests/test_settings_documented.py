"""docs/settings.md lists every setting that the code reads, with its default, and no other."""

import ast
import re

import pytest

from provisioning.models.hosts import LCA_PORT_MAX, LCA_PORT_MIN
from tests.sources import ROOT, sources

READ = re.compile(r"""["'](PAIRWISE_[A-Z_]+)["']""")
DOCUMENTED = re.compile(r"^\| `(PAIRWISE_[A-Z_]+)` \|", re.MULTILINE)


def settings_read() -> set[str]:
    return {name for text in sources().values() for name in READ.findall(text)}


def test_the_settings_documented_are_the_settings_read():
    assert set(DOCUMENTED.findall((ROOT / "docs/settings.md").read_text())) == settings_read()


def test_no_setting_is_documented_twice():
    names = DOCUMENTED.findall((ROOT / "docs/settings.md").read_text())
    assert len(names) == len(set(names))


@pytest.mark.parametrize("page", ["README.md", "docs/settings.md"])
def test_a_setting_that_takes_few_numbers_says_which(page):
    [line] = [line for line in (ROOT / page).read_text().splitlines() if line.startswith("| `PAIRWISE_LCA_PORT` |")]
    assert f"{LCA_PORT_MIN} to {LCA_PORT_MAX}" in line


def defaults() -> dict[str, object]:
    """{setting: its default} of those whose default is written out where the console reads it."""
    calls = [node for node in ast.walk(ast.parse((ROOT / "console/settings.py").read_text()))
             if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("env.") and node.args]
    given = {ast.literal_eval(call.args[0]): [*call.args[1:], *(word.value for word in call.keywords)]
             for call in calls if isinstance(call.args[0], ast.Constant)}
    return {name: ast.literal_eval(values[0]) for name, values in given.items()
            if values and isinstance(values[0], ast.Constant | ast.List)
            and all(isinstance(node, ast.Constant) for node in getattr(values[0], "elts", ()))}


def is_told(default: object, cell: str) -> bool:
    if default is False:
        return cell in ("off", "`0`")
    if default in ("", []):
        return "`" not in cell or " " in cell or cell.startswith("`PAIRWISE_")  # what counts then, in words
    return cell == f"`{','.join(default) if isinstance(default, list) else default}`"


def test_the_defaults_documented_are_the_defaults():
    cells = dict(re.findall(r"^\| `(PAIRWISE_[A-Z_]+)` \| (.*?) ?\|", (ROOT / "docs/settings.md").read_text(),
                            re.MULTILINE))
    assert len(defaults()) > 40
    assert {name: cells[name] for name, default in defaults().items() if not is_told(default, cells[name])} == {}


@pytest.mark.parametrize("page", ["README.md", "docs/security.md"])
def test_other_tables_say_the_same(page):
    cells = dict(re.findall(r"^\| `(PAIRWISE_[A-Z_]+)` \| `?([^|`]*?)`? \|", (ROOT / page).read_text(), re.MULTILINE))
    told = {name: str(default) for name, default in defaults().items() if name in cells and default not in ("", [])}
    assert len(told) > 3
    assert {name: cells[name] for name in told} == told

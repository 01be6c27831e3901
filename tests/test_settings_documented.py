"""docs/operating.md lists every setting that the code reads, and no other."""

import re

import pytest

from provisioning.models.hosts import LCA_PORT_MAX, LCA_PORT_MIN
from tests.sources import ROOT, sources

READ = re.compile(r"""["'](PAIRWISE_[A-Z_]+)["']""")
DOCUMENTED = re.compile(r"^\| `(PAIRWISE_[A-Z_]+)` \|", re.MULTILINE)


def settings_read() -> set[str]:
    return {name for text in sources().values() for name in READ.findall(text)}


def test_the_settings_documented_are_the_settings_read():
    assert set(DOCUMENTED.findall((ROOT / "docs/operating.md").read_text())) == settings_read()


def test_no_setting_is_documented_twice():
    names = DOCUMENTED.findall((ROOT / "docs/operating.md").read_text())
    assert len(names) == len(set(names))


@pytest.mark.parametrize("page", ["README.md", "docs/operating.md"])
def test_a_setting_that_takes_few_numbers_says_which(page):
    [line] = [line for line in (ROOT / page).read_text().splitlines() if line.startswith("| `PAIRWISE_LCA_PORT` |")]
    assert f"{LCA_PORT_MIN} to {LCA_PORT_MAX}" in line

"""docs/operating.md lists every setting that the code reads, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READ = re.compile(r"""["'](PAIRWISE_[A-Z_]+)["']""")
DOCUMENTED = re.compile(r"^\| `(PAIRWISE_[A-Z_]+)` \|", re.MULTILINE)
SOURCES = ("console", "control", "hostagent", "messageserver", "protocol", "provisioning")


def settings_read() -> set[str]:
    files = [path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")]
    return {name for path in files for name in READ.findall(path.read_text())}


def test_the_settings_documented_are_the_settings_read():
    assert set(DOCUMENTED.findall((ROOT / "docs/operating.md").read_text())) == settings_read()


def test_no_setting_is_documented_twice():
    names = DOCUMENTED.findall((ROOT / "docs/operating.md").read_text())
    assert len(names) == len(set(names))

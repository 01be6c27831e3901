"""docs/message-protocol.md says what the server does: numbers and names in it are the real ones."""

import re

from messageserver.exits import ExitCode
from messageserver.options import OPTIONS

from .conftest import ROOT

TEXT = (ROOT / "docs" / "message-protocol.md").read_text()


def test_every_limit_is_documented_with_its_default():
    for option in OPTIONS:
        if option.section == "limits":
            assert f"| `{option.key}` | {option.default} |" in TEXT


def test_every_exit_code_is_documented():
    assert [int(n) for n in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)] == [code.value for code in ExitCode]

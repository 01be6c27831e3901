"""Every example of the client's README does what it says, as it stands but for the addresses."""

import re
import subprocess
import sys
from fnmatch import fnmatch

import pytest

from console.up import client_package
from tests.messageserver.conftest import ROOT

pytestmark = pytest.mark.scenario
PAGE = (ROOT / "client" / "README.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SAYS = [r"1\n", r"1000\n", r"1 hello\n(.*\n){999}1001 order 999\n", r"hello\n(.*\n){999}order 999\n", "", r"hello\n"]
"""What each prints, one after the other with one server."""


def test_every_example_runs(served):
    assert len(EXAMPLES) == len(SAYS)
    for example, says in zip(EXAMPLES, SAYS, strict=True):
        program = example.replace("ms-a.example:7000", "127.0.0.1:1").replace(
            "ms-b.example:7000", f"127.0.0.1:{served.port}")
        done = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT / "client",
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert re.fullmatch(says, done.stdout), (example, done.stdout[-300:])


def test_the_wheel_that_it_names_is_the_one_that_is_built():
    [named] = re.findall(r"`pip install (\S+)`", PAGE)
    assert fnmatch(client_package.NAME, named)

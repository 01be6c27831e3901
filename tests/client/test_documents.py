"""The examples in Python of docs/clients.md do what they say, as they stand but for the addresses."""

import re
import subprocess
import sys

import pytest

from tests.messageserver.conftest import ROOT

pytestmark = pytest.mark.scenario
PAGE = (ROOT / "docs" / "clients.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_examples_in_python_run(served):
    assert len(EXAMPLES) == 2
    for example in EXAMPLES:
        program = (example.replace("ms-a.example:7000", "127.0.0.1:1")
                   .replace("ms-b.example:7000", f"127.0.0.1:{served.port}")
                   .replace('"ms-a.example", 7000', '"127.0.0.1", 1')
                   .replace('"ms-b.example", 7000', f'"127.0.0.1", {served.port}'))
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT / "client", capture_output=True, text=True,
                              timeout=60)
        assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr


def test_what_no_test_runs_says_so():
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    assert len(sections) == 7
    assert all(("Not run here." in section) != ("```python" in section) for section in sections)

"""The package: what it may import, which Python reads it, and the wheel that the console offers."""

import ast
import io
import subprocess
import venv
import zipfile

import pytest

from console.up import client_package
from protocol.version import VERSION
from tests.messageserver.conftest import ROOT

SOURCES = sorted((ROOT / "client" / "pairwise_client").glob("*.py"))


def test_its_licence_is_ours():
    assert (ROOT / "client" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_python_3_9_can_read_it(path):
    parsed = ast.parse(path.read_text(), feature_version=(3, 9))
    late = [node for node in ast.walk(parsed) if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert late or path.stem == "__init__"


def test_the_wheel_is_the_same_each_time_and_holds_what_is_there():
    data = client_package.wheel()
    assert data == client_package.wheel()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert {f"pairwise_client/{path.name}" for path in SOURCES} | {"pairwise_client/py.typed"} < set(names)
        assert names[-1].endswith("/RECORD")
        assert archive.testzip() is None


def test_a_start_replaces_the_wheel_of_another_version(tmp_path):
    (tmp_path / "pairwise_client-0.0.1-py3-none-any.whl").write_bytes(b"old")
    built = client_package.build(tmp_path)
    assert list(tmp_path.iterdir()) == [built]


@pytest.mark.long
def test_pip_installs_it_without_a_network(tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    done = subprocess.run([python, "-m", "pip", "install", "--no-index", "--disable-pip-version-check", "-q",
                           client_package.build(tmp_path / "built")], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    said = subprocess.run([python, "-I", "-c", "import pairwise_client; print(pairwise_client.VERSION)"],
                          capture_output=True, text=True, timeout=30, cwd=tmp_path)
    assert said.stdout.strip() == VERSION

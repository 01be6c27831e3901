"""Whatever umask a program of ours was started under: accounts of servers come through, and nobody else may write."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hostagent import bundle, enrol, join
from hostagent.files import make_open

ROOT = Path(__file__).resolve().parents[2]
UMASKS = [0o022, 0o077, 0, 0o277]


@pytest.fixture(params=UMASKS, ids=oct)
def umask(request):
    former = os.umask(request.param)
    yield request.param
    os.umask(former)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(directory: Path) -> list[str]:
    """What others than its owner may write to, below ``directory``."""
    return [str(path) for path in directory.rglob("*") if not path.is_symlink() and mode_of(path) & 0o022]


@pytest.mark.parametrize("make", [make_open, lambda directory: join.prepare(directory, "alpha")], ids=["files", "join"])
def test_accounts_of_servers_come_through_to_what_is_newly_made_and_what_was_there_stays(tmp_path, umask, make):
    own = tmp_path / "own"
    own.mkdir()
    own.chmod(0o701)
    make(own / "opt" / "pairwise-agent")
    assert [mode_of(own / name) for name in ("", "opt", "opt/pairwise-agent")] == [0o701, 0o755, 0o755]
    (own / "opt").chmod(0o711)
    make(own / "opt" / "pairwise-agent")
    assert mode_of(own / "opt") == 0o711


ENROLLER = f"""
import json, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.hostagent.test_umask import enrolled
enrolled(json.load(sys.stdin))
"""


def enrolled(given) -> None:
    directory = Path(given["directory"])
    assert given["token"] == "token"
    enrol.point_current(directory, given["bundle"]["name"])
    enrol.trust_in(directory, {"ca": "authority", "console_ca": "authority"})
    enrol.start_in_background(directory).wait(20)


def joined(directory: str) -> None:
    """Paste the line in a process of its own, up to the exchange of the token; the console answers from memory."""
    class Console(join.Console):
        def report(self, *_):
            return {"host": "alpha", "now": time.time(), "within_s": 300}

        def get(self, path, within_s=0):
            return data

    data, about = bundle.archive({"agent.py": b"", "enrol.py": ENROLLER.encode(), "lib/hostagent/a.py": b""})
    join.BUNDLE, join.Console = {**about, "console_ca": "", "ca": ""}, Console
    sys.exit(join.main(["--console", "http://192.0.2.1", "--directory", directory]))


@pytest.mark.parametrize("number", UMASKS, ids=oct)
def test_a_line_that_was_pasted_under_any_umask_makes_what_others_may_not_write(tmp_path, number):
    program = "import sys; from tests.hostagent.test_umask import joined; joined(sys.argv[1])"
    directory = tmp_path / "opt" / "pairwise-agent"
    done = subprocess.run([sys.executable, "-c", program, str(directory)], cwd=ROOT, umask=number, text=True,
                          input="token\n", capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert open_to_others(tmp_path) == []
    assert mode_of(directory) == mode_of(directory.parent) == 0o755
    assert mode_of(directory / "control-ca.pem") == 0o644
    assert mode_of(directory / "agent.log") == 0o640


@pytest.mark.parametrize("number", UMASKS[:3], ids=oct)
def test_containers_come_through_to_their_secrets_and_put_none_there(tmp_path, number):
    if os.geteuid() != 0:
        pytest.skip("only root gives files to the accounts of containers")
    subprocess.run([sys.executable, str(ROOT / "deploy" / "make_secrets.py"), "192.0.2.1", "--directory",
                    str(tmp_path / "deploy" / "secrets")], check=True, capture_output=True, umask=number)
    directories = [path for path in tmp_path.rglob("*") if path.is_dir()]
    assert {mode_of(path) for path in directories} == {0o711}, directories
    assert open_to_others(tmp_path) == []


@pytest.mark.parametrize("number", UMASKS[:3], ids=oct)
def test_the_data_directory_of_a_console_lets_accounts_through(tmp_path, number):
    directory = tmp_path / "srv" / "pairwise"
    subprocess.run([sys.executable, "-c", "import console.settings"], cwd=ROOT, check=True, umask=number,
                   env={**os.environ, "PAIRWISE_DATA_DIR": str(directory)})
    assert mode_of(directory) == mode_of(directory.parent) == 0o755
    assert open_to_others(tmp_path) == []

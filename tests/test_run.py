"""The `run` script itself: what it says when something is missing, and what it hands over to.

Each test runs a copy of the script in an empty directory, with only the programs on PATH that the test puts there.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.models.hosts import LCA_PORT_MAX, LCA_PORT_MIN

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ("sh", "dirname", "cat", "cmp", "cp", "rm", "id", "sed", "env", "find", "head", "awk", "df", "cut", "mktemp",
         "flock", "ls", "mkdir", "chmod", "nice")
STYLE_TOOLS = ("ruff", "mypy", "djangofmt")
"""Without Biome, which there is not for every machine."""
REGISTRY = "registry.example.net"


class Sandbox:
    def __init__(self, directory: Path):
        self.directory, self.bin = directory / "checkout", directory / "bin"
        self.bin.mkdir()
        self.directory.mkdir()
        shutil.copy(ROOT / "run", self.directory / "run")
        for name in ("requirements.txt", "requirements-dev.txt", "requirements-bench.txt"):
            (self.directory / name).write_text(f"# {name}\n")
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))

    def program(self, name: str, script: str, *, where: Path | None = None) -> Path:
        path = (where or self.bin) / name
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def python(self, refuses: str = "-") -> None:
        """A python3 that is this one, except that code or arguments with ``refuses`` in them fail."""
        self.program("python3", f'case "$*" in *"{refuses}"*) echo "https://{REGISTRY}/x" >&2; exit 1;; esac\n'
                                f'exec "{sys.executable}" "$@"' if refuses != "-" else f'exec "{sys.executable}" "$@"')

    def venv(self, lock: str, *, name: str = ".venv") -> None:
        """A virtual environment made from ``lock``, whose python tells how it was called."""
        self.program("python", '[ "$1" = -c ] || { echo "python $*"; env | grep ^PAIRWISE_ | sort; }',
                     where=self.directory / name / "bin")
        for tool in {"grep", "sort"} - set(os.listdir(self.bin)):
            (self.bin / tool).symlink_to(shutil.which(tool))
        shutil.copy(self.directory / lock, self.directory / name / "installed.txt")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run([self.directory / "run", *arguments], env={"PATH": str(self.bin), **environment},
                              text=True, cwd="/", capture_output=True, timeout=60, stdin=subprocess.DEVNULL)

    def sentence(self, *arguments: str, **environment: str) -> str:
        """The last line of a run that fails; nothing it prints names a registry."""
        done = self.run(*arguments, **environment)
        assert done.returncode == 1, done
        assert REGISTRY not in done.stdout + done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        return done.stderr


@pytest.fixture
def sandbox(tmp_path):
    return Sandbox(tmp_path)


def test_help_names_every_verb(sandbox):
    done = sandbox.run("help")
    assert done.returncode == 0
    for verb in ("./run test", "./run bench", "./run explore", "./run soak", "./run manage"):
        assert verb in done.stdout


def test_an_unknown_verb_is_refused_with_the_page_of_help(sandbox):
    done = sandbox.run("fly")
    assert done.returncode == 1
    assert './run does not know "fly"' in done.stderr
    assert "./run manage" in done.stderr


def test_no_python_at_all(sandbox):
    assert "Python 3.11 or newer is needed" in sandbox.sentence()


@pytest.mark.parametrize(("refuses", "said"), [
    pytest.param("version_info", "Python 3.11 or newer is needed", id="too old"),
    pytest.param("import sqlite3", "was built without the module sqlite3", id="without sqlite3"),
    pytest.param("import ssl", "was built without the module ssl", id="without ssl"),
    pytest.param("ensurepip", "there is no apt-get to install them: python3-venv", id="without venv and no apt-get"),
])
def test_what_python_lacks_is_said(sandbox, refuses, said):
    sandbox.python(refuses=refuses)
    assert said in sandbox.sentence()


@pytest.mark.parametrize("sudo", ["", "exit 1"])
def test_no_right_to_install_what_is_missing(sandbox, sudo):
    sandbox.python(refuses="ensurepip")
    sandbox.program("apt-get", "exit 0")
    sandbox.program("id", "echo 1000")
    _ = sudo and sandbox.program("sudo", sudo)
    assert "Ask an administrator to run: apt-get install -y python3-venv" in sandbox.sentence()


def test_apt_fails(sandbox):
    sandbox.python(refuses="ensurepip")
    sandbox.program("id", "echo 0")
    sandbox.program("apt-get", f'echo "E: http://{REGISTRY}/ failed" >&2; exit 100')
    assert "apt-get could not install python3-venv: check the network" in sandbox.sentence()


def test_no_network_for_the_python_packages(sandbox):
    sandbox.program("python3", 'case "$*" in "-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python;; '
                               f'"-m pip"*) echo "no route to https://{REGISTRY}/simple"; exit 1;; esac')
    sentence = sandbox.sentence()
    assert "The Python packages could not be installed: check the network" in sentence
    assert REGISTRY in (sandbox.directory / ".venv/install.log").read_text()


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_a_plain_run_takes_either_lock_as_it_is(sandbox, lock):
    sandbox.python()
    sandbox.venv(lock)
    assert sandbox.run().stdout.splitlines()[0] == "python manage.py up"


def test_tests_need_the_lock_of_the_tests(sandbox):
    sandbox.python()
    sandbox.venv("requirements.txt")
    sandbox.program("id", "echo 0")
    sandbox.program("apt-get", "exit 0")
    done = sandbox.run("test", "tests/x")
    assert "Installing Python packages (requirements-dev.txt)" in done.stdout
    assert "python -m pytest tests/x" in done.stdout
    assert (sandbox.directory / ".venv/installed.txt").read_text() == "# requirements-dev.txt\n"


def test_benchmarks_have_a_lock_and_an_environment_of_their_own(sandbox):
    made_ready(sandbox, "exit 1")
    sandbox.venv("requirements-dev.txt", name=".venv-bench")
    done = sandbox.run("bench", "fleet")
    assert "Installing Python packages (requirements-bench.txt)" in done.stdout
    assert "python -m bench fleet" in done.stdout
    assert (sandbox.directory / ".venv-bench/installed.txt").read_text() == "# requirements-bench.txt\n"
    assert (sandbox.directory / ".venv/installed.txt").read_text() == "# requirements-dev.txt\n"
    assert "Installing" not in sandbox.run("bench", "fleet").stdout


def test_tests_install_nothing_that_only_benchmarks_need():
    own = re.findall(r"^([\w.-]+)~=", (ROOT / "requirements-bench.in").read_text(), re.MULTILINE)
    locked = re.findall(r"^([\w.-]+)==", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE)
    assert own
    assert not {*own} & {*locked}


def test_manage_hands_over_its_arguments_and_adds_no_output(sandbox):
    sandbox.python()
    sandbox.venv("requirements.txt")
    done = sandbox.run("manage", "status", "--json", "two words")
    assert (done.stdout, done.stderr, done.returncode) == ("python manage.py status --json two words\n", "", 0)


def test_docs_are_written_by_a_plain_run_and_their_pictures_are_taken_by_the_tests(sandbox):
    made_ready(sandbox, '[ "$1" = -c ] || echo "python $* ${PAIRWISE_PORT:-} ${PICTURES:-}"')
    assert sandbox.run("docs", "x", PAIRWISE_PORT="9000").stdout == "python manage.py docs x 9000 \n"
    assert sandbox.run("docs", "--screenshots", PAIRWISE_PORT="9000").stdout == (
        f"python -m pytest -q -m  tests/browser/test_pictures.py  {sandbox.directory}/docs/images\n")


def test_manage_takes_over_the_settings_of_the_running_console(sandbox):
    sandbox.python()
    sandbox.venv("requirements.txt")
    data = sandbox.directory / "data"
    data.mkdir()
    (data / "run.env").write_text("PAIRWISE_PORT=9000\nPAIRWISE_HOST=$(touch owned)`touch owned`\n"
                                  "PAIRWISE_X;touch owned=1\nPATH=/nowhere\nPAIRWISE_CONTROL_PORT=9001\n")
    done = sandbox.run("manage", "status", PAIRWISE_DATA_DIR=str(data), PAIRWISE_CONTROL_PORT="7")
    assert done.stdout.splitlines()[1:] == [
        "PAIRWISE_CONTROL_PORT=7", f"PAIRWISE_DATA_DIR={data}", "PAIRWISE_HOST=$(touch owned)`touch owned`",
        "PAIRWISE_PORT=9000"]
    assert not list(sandbox.directory.rglob("owned"))


@pytest.mark.parametrize(("running", "given"), [
    ("PAIRWISE_SECRET_KEY_FILE=/of/the/run", {"PAIRWISE_SECRET_KEY": "own"}),
    ("PAIRWISE_SECRET_KEY=of-the-run", {"PAIRWISE_SECRET_KEY_FILE": "/own"}),
])
def test_a_secret_of_this_shell_counts_and_is_not_given_twice(sandbox, running, given):
    sandbox.python()
    sandbox.venv("requirements.txt")
    data = sandbox.directory / "data"
    data.mkdir()
    (data / "run.env").write_text(f"{running}\n")
    done = sandbox.run("manage", "status", PAIRWISE_DATA_DIR=str(data), **given)
    [line] = [line for line in done.stdout.splitlines() if "SECRET" in line]
    assert line == "=".join(*given.items())


def test_a_full_disk_is_said_before_python_starts(sandbox):
    sandbox.python()
    sandbox.venv("requirements.txt")
    sandbox.program("df", 'echo "Filesystem blocks Used Available"; echo "disk 1000000 998000 2000 99% /"')
    assert "The disk of / is full (1 MB free" in sandbox.sentence(PAIRWISE_DATA_DIR="/no/such/directory")


ONE_PORT = {"PAIRWISE_PORT": (1, 65535), "PAIRWISE_CONTROL_PORT": (1, 65535), "PAIRWISE_REDIS_PORT": (1, 65535),
            "PAIRWISE_LCA_PORT": (LCA_PORT_MIN, LCA_PORT_MAX)}


@pytest.mark.parametrize("name", ONE_PORT)
def test_a_port_that_cannot_be_one_is_said_before_anything_is_installed(sandbox, name):
    """Nothing is on this machine yet, not even a Python."""
    least, most = ONE_PORT[name]
    for wrong in (f"{least}a", "-1", str(least - 1), str(most + 1), "9" * 30, "0x1F40"):
        assert sandbox.sentence(**{name: wrong}) == (
            f'{name} is "{wrong}": set it to a port, a number from {least} to {most}.\n')


@pytest.mark.parametrize("name", ONE_PORT)
def test_the_first_and_the_last_port_are_taken(sandbox, name):
    sandbox.python()
    sandbox.venv("requirements.txt")
    for right in (*map(str, ONE_PORT[name]), ""):
        assert sandbox.run(**{name: right}).stdout.splitlines()[0] == "python manage.py up"


def made_ready(sandbox, python: str) -> None:
    """Everything that `./run test` needs is there; ``python`` is what the interpreter of its .venv does."""
    sandbox.python()
    sandbox.venv("requirements-dev.txt")
    sandbox.program("python", python, where=sandbox.directory / ".venv/bin")
    for tool in STYLE_TOOLS:
        sandbox.program(tool, "exit 0", where=sandbox.directory / ".venv/bin")
    sandbox.program("redis-server", "exit 0")
    sandbox.program("id", "echo 1000")
    (sandbox.bin / "seq").symlink_to(shutil.which("seq"))
    for tool in ("chromium", "cc", "ip", "ps", "crontab", "sshd", "ldconfig", "grep"):
        (sandbox.bin / tool).unlink(missing_ok=True)
        sandbox.program(tool, "exit 0")


@pytest.mark.parametrize("wrong", STYLE_TOOLS)
def test_the_style_is_wrong_when_one_of_its_tools_says_so_and_the_others_still_speak(sandbox, wrong):
    made_ready(sandbox, "exit 0")
    for tool in STYLE_TOOLS:
        sandbox.program(tool, f"echo {tool} spoke; exit {int(tool == wrong)}", where=sandbox.directory / ".venv/bin")
    done = sandbox.run("test", "fast")
    assert done.returncode == 1, done
    assert {tool for tool in STYLE_TOOLS if f"{tool} spoke\n" in done.stdout} == {*STYLE_TOOLS}
    wrong_part = "types" if wrong == "mypy" else "style"
    parts = {name: "FAILED" if name == wrong_part else "passed" for name in ("style", "fast tests", "types")}
    assert f"--- {' '.join(f'{name}: {how}.' for name, how in parts.items())}\n" in done.stdout


@pytest.mark.parametrize(("tried_again", "code"), [(0, 0), (2, 0), (3, 1)])
def test_what_passes_only_at_the_second_try_is_told_and_has_a_budget(sandbox, tried_again, code):
    made_ready(sandbox, 'case "$*" in\n'
               f'  *--last-failed*) for n in $(seq {tried_again}); do echo "test_$n" >>"$SECOND_TRY"; done ;;\n'
               f'  *"-m scenario and not long"*) exit {1 if tried_again else 0} ;;\nesac')
    done = sandbox.run("test")
    assert done.returncode == code, done
    assert ("test_1\n" in done.stdout) is (tried_again > 0)
    assert ("More than 2 tests of a run needed a second try." in done.stdout) is bool(code)


def test_what_failed_is_tried_again_whatever_else_is_marked(sandbox):
    """Alone, the case that failed is not one of many any more, and so not a long one."""
    made_ready(sandbox, 'case "$*" in *--last-failed*) echo "$@" ;; *"-m scenario and not long"*) exit 1 ;; esac')
    done = sandbox.run("test")
    [again] = [line for line in done.stdout.splitlines() if "--last-failed" in line]
    assert again.index("-m scenario and not long") < again.index("-n 0 -m  --last-failed"), again
    assert "-o cache_dir=.pytest_cache/scenarios " in again


def test_long_tests_beside_the_others_are_told_and_tried_again_after_them(sandbox):
    alone = "-m long and not scenario and not browser"
    made_ready(sandbox, f"""case "$*" in
  *--last-failed*) echo "again: $*"; echo one >>"$SECOND_TRY" ;;
  *"{alone}"*) echo "the first time"; exit 1 ;;
  *"not network"*) echo "journeys" ;;\nesac""")
    for tool in ("rabbitmq", "prometheus", "rsyslog", "directory", "proxies", "ansible"):
        begin, script = f"\ninstall_{tool}() {{", sandbox.directory / "run"
        script.write_text(script.read_text().replace(begin, f"{begin} return 0"))
    done = sandbox.run("test", "all")
    assert done.returncode == 0, done
    told = done.stdout.split("--- long journeys\n")[1]
    assert told.startswith("journeys\n--- long tests\nthe first time\n--- once more, one at a time"), told
    [again] = [line for line in told.splitlines() if line.startswith("again: ")]
    assert again.index(alone) < again.index("-n 0 -m  --last-failed"), again


def test_a_test_that_passes_when_it_is_tried_again_is_noted(tmp_path):
    noted = tmp_path / "second"
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_run.py", "-k",
                    "test_no_python_at_all"], cwd=ROOT, env={**os.environ, "SECOND_TRY": str(noted)}, check=True,
                   capture_output=True)
    assert noted.read_text() == "tests/test_run.py::test_no_python_at_all\n"


def test_the_scripts_are_executable_and_the_checks_call_the_tests():
    for path in (ROOT / "run", ROOT / ".ci/run"):
        assert path.stat().st_mode & stat.S_IXUSR
        assert os.access(path, os.X_OK)
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("\n./run test")

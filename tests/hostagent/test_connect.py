"""Before a package is put in place its program reads its configuration: only one that says so has done it."""

from types import SimpleNamespace

import pytest

from hostagent.jobs import install
from hostagent.jobs.errors import JobFailed
from hostagent.opened import Directory
from messageserver.arguments import _TELLS

SERVER = {"host": "control.example", "port": 2020}
KNOWS = "The Configuration Server at control.example:2020 knows MS: 2 listening ports."


@pytest.fixture
def connect(tmp_path):
    """``connect(text, code)`` asks a program that says ``text`` and ends with ``code``; the lines of the job's log."""
    def asked(text: str, code: int = 0) -> list[str]:
        (tmp_path / "said").write_text(text)
        (tmp_path / "MessageServer").write_text(f"#!/bin/sh\ncat said\nexit {code}\n")
        (tmp_path / "MessageServer").chmod(0o755)
        lines = []
        run = SimpleNamespace(application="MS", log=lambda line, level="info": lines.append(line),
                              context=SimpleNamespace(config=SimpleNamespace(ca_file="")))
        with Directory.at(tmp_path) as staging:
            install._connect(run, staging, SERVER, None)
        return lines

    return asked


@pytest.mark.parametrize("text", [f"{KNOWS}\n", f"a warning\n{KNOWS}\na last word", KNOWS.replace("MS", "a\u2028b: c")])
def test_a_program_that_says_what_it_read_is_connected(connect, text):
    assert connect(text)[1:] == [line.rstrip() for line in text.splitlines()]


@pytest.mark.parametrize("text", [
    "", "done", *_TELLS.values(), KNOWS.replace("control.example", "control-example"), KNOWS.replace(":2020", ":20200"),
    KNOWS.partition(" knows")[0], f"I do not say: {KNOWS}"])
def test_a_program_that_ends_well_and_did_not_read_its_configuration_is_not_connected(connect, text):
    with pytest.raises(JobFailed, match="did not say that MS can read its configuration from control") as failed:
        connect(text)
    last = text.splitlines()[-1] if text else ""
    assert failed.value.reason.endswith(f" It said: {last}" if last else ":2020.")
    assert "Choose the package" in failed.value.advice


def test_a_program_that_fails_is_believed_whatever_it_said_before(connect):
    with pytest.raises(JobFailed, match="exit code 9"):
        connect(f"{KNOWS}\n", 9)

"""The first administrator's password is shown to whoever starts the console, and not to whoever reads the journal."""

import os
import sys

import pytest

from console.up import first_password
from console.up.first_password import JOURNAL, goes_to_the_journal, sentence


@pytest.mark.parametrize(("said", "is_it"), [("8:42", True), ("8:43", False), ("", False)])
def test_the_journal_is_known_by_what_systemd_says_of_it(said, is_it):
    assert goes_to_the_journal({JOURNAL: said}, 8, 42) is is_it
    assert not goes_to_the_journal({}, 8, 42)


class Output:
    """Of a process, a file that is as good as any."""

    def __init__(self, path):
        self.file = path.open("w")

    def fileno(self):
        return self.file.fileno()

    @property
    def named(self):
        about = os.fstat(self.fileno())
        return f"{about.st_dev}:{about.st_ino}"


def said_to(output, monkeypatch, data_dir):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        return sentence("swordfish", data_dir)


@pytest.fixture
def output(tmp_path):
    made = Output(tmp_path / "output")
    yield made
    made.file.close()


def test_on_a_terminal_it_is_shown(output, tmp_path, monkeypatch):
    monkeypatch.delenv(JOURNAL, raising=False)
    assert "swordfish (shown only this once)" in said_to(output, monkeypatch, tmp_path)
    assert not (tmp_path / first_password.NAME).exists()


def test_in_the_journal_stands_where_it_is(output, tmp_path, monkeypatch):
    monkeypatch.setenv(JOURNAL, output.named)
    said, path = said_to(output, monkeypatch, tmp_path), tmp_path / first_password.NAME
    assert "swordfish" not in said
    assert str(path) in said
    assert path.read_text() == "swordfish\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_is_shown_as_nobody_could_sign_in_otherwise(output, tmp_path, monkeypatch):
    monkeypatch.setenv(JOURNAL, output.named)
    assert "swordfish" in said_to(output, monkeypatch, tmp_path / "no such directory")

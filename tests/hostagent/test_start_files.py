"""The start files: what they hold, and what a shell makes of them."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostagent.jobs.startfiles import run_sh, start_server_bat
from protocol.files import write_atomically
from protocol.start_line import arguments_of, command_line_arguments

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=60)


def test_a_name_with_blanks_is_in_double_quotes_as_in_the_guide():
    assert command_line_arguments("h", 2020, "MS_Primary") == "-host h -port 2020 -app MS_Primary"
    assert command_line_arguments("h", 2020, "MS Primary") == '-host h -port 2020 -app "MS Primary"'
    assert start_server_bat("h", 1, "50% MS").splitlines()[-1] == 'MessageServer.exe -host h -port 1 -app "50%% MS"'


@given(NAMES)
def test_whatever_the_name_the_agent_reads_the_arguments_back(name):
    assert shlex.split(command_line_arguments("h", 2020, name)) == arguments_of("h", 2020, name)


@pytest.mark.parametrize("name", ["plain", "with blanks", "$(touch x) `touch x`", "it's \"quoted\" \\ \\n", "; ls",
                                  "-x"])
def test_run_sh_gives_the_server_exactly_the_name(tmp_path, name):
    directory = tmp_path / "a directory"
    directory.mkdir()
    write_atomically(directory / "run.sh", run_sh("h", 2020, name).encode(), mode=0o750)
    echo = b'#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done; pwd\n'
    write_atomically(directory / "MessageServer", echo, mode=0o755)
    done = subprocess.run(["sh", str(directory / "run.sh")], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout == "\n".join([*arguments_of("h", 2020, name), str(directory)]) + "\n"
    assert sorted(path.name for path in directory.iterdir()) == ["MessageServer", "run.sh"]


@pytest.mark.parametrize("place", ["MS", "-MS", "MS [log] $HOME"])
def test_run_sh_starts_the_server_beside_it_whatever_the_cdpath(tmp_path, place):
    for above in ("here", "there"):
        directory = tmp_path / above / place
        directory.mkdir(parents=True)
        write_atomically(directory / "run.sh", run_sh("h", 2020, "MS").encode(), mode=0o750)
        write_atomically(directory / "MessageServer", b"#!/bin/sh\npwd\n", mode=0o755)
    done = subprocess.run(["sh", "--", f"{place}/run.sh"], cwd=tmp_path / "here", capture_output=True, text=True,
                          check=True, env={**os.environ, "CDPATH": str(tmp_path / "there")})
    assert done.stdout == f"{tmp_path / 'here' / place}\n"


def test_no_shell_text_changes_its_directory_by_a_cdpath():
    """The kind: a launcher, a script or a line that people are told to type, where ``cd`` may go elsewhere."""
    root = Path(__file__).resolve().parents[2]
    texts = [path for folder in ("hostagent", "messageserver", "provisioning", "console", "deploy", "docs", "templates",
                                 "bench")
             for path in (root / folder).rglob("*") if path.suffix in (".py", ".md", ".html", ".service", ".yaml")]
    changes = re.compile(r"(?<![\w./-])cd (?!/d )(?=[^ ])(.*)")
    found = [f"{path.relative_to(root)}: {line.strip()}" for path in [*texts, root / "README.md", root / "run"]
             for line in path.read_text().splitlines()
             if (match := changes.search(line)) and "CDPATH=" not in line and not match[1].startswith(("./", "/", "~"))]
    assert found == []

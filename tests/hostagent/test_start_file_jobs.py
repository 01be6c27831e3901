"""Checking and repairing start files, in the real frame of jobs on a real directory."""

import json
import os
import time
import uuid

import pytest

from hostagent.config import load
from hostagent.jobs import frame, repair_start_files
from hostagent.jobs.context import Context
from hostagent.jobs.journal import Journal
from hostagent.jobs.placement import carry_out
from hostagent.jobs.refusals import Refusals
from hostagent.jobs.startfacts import LIMIT
from hostagent.jobs.startfiles import run_sh, start_server_bat
from protocol.jobs import sign_job

from .doubles import HOST, SECRET, items_of, write_config

SERVER = {"host": "cfg1", "port": 2020}
RIGHT = {"run.sh": run_sh("cfg1", 2020, "MS Backup"), "startServer.bat": start_server_bat("cfg1", 2020, "MS Backup")}
MODES = {"run.sh": 0o750, "startServer.bat": 0o640}


class Host:
    """A host with one installed application; jobs run in this process, their reports are kept."""

    def __init__(self, path):
        self.directory = path / "apps" / "ms"
        self.directory.mkdir(parents=True)
        self.config = load(write_config(path), {})
        for each in (self.config.state_dir, self.config.jobs_dir):
            each.mkdir(parents=True, exist_ok=True)
        self.reports = []
        refusals = Refusals(host=self.config.host, secret=self.config.secret, make_sender=lambda: self)
        self.context = Context(self.config, Journal(self.config.jobs_dir), lambda: self, refusals)
        for name, text in RIGHT.items():
            self.write(name, text)

    def __call__(self, report, signature):
        self.reports.append(json.loads(json.dumps(report)))

    def close(self):
        """As a sender."""

    def write(self, name, text, mode=None):
        path = self.directory / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode or MODES[name])

    def payload(self, kind, **arguments):
        return {"job": str(uuid.uuid4()), "kind": kind, "host": HOST, "application": "MS Backup",
                "issued_at": time.time(), "arguments": {"directory": str(self.directory), "log_on_as": "",
                                                        "configuration_server": SERVER, **arguments}}

    def run(self, payload):
        """The finished report of a job."""
        frame.run_job(self.context, payload, sign_job(SECRET, payload))
        return next(each for each in self.reports if each["job"] == payload["job"] and each["kind"] == "finished")

    def check(self, **arguments):
        final = self.run(self.payload("check_start_files", **arguments))
        assert final["state"] == "succeeded", final
        return final["result"]["start_files"]

    def repair(self, seen=None):
        seen = {file["name"]: file["sha256"] for file in self.check()["files"]} if seen is None else seen
        return self.run(self.payload("repair_start_files", seen=seen))

    def log(self):
        return [line[2] for report in items_of(self.reports) if report["kind"] == "log" for line in report["lines"]]

    def files(self):
        return {path.relative_to(self.directory).as_posix(): path.read_bytes()
                for path in self.directory.rglob("*") if path.is_file()}


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_files_as_install_writes_them_are_equal(host):
    before = time.time()
    facts = host.check()
    assert (facts["equal"], facts["starts"], facts["application"]) == (True, True, "MS Backup")
    assert before - 1 < facts["checked_at"] < time.time() + 1
    file = facts["files"][0]
    assert (file["name"], file["content"], file["expected"]) == ("run.sh", RIGHT["run.sh"], RIGHT["run.sh"])
    assert (file["mode"], file["differs"], file["diff"]) == ("0750", [], "")
    assert file["owner"] == file["expected_owner"]
    assert [(each["name"], each["state"]) for each in file["parameters"]] == [
        ("-host", "right"), ("-port", "right"), ("-app", "right")]
    assert [each["sentence"] for each in facts["files"]] == ["run.sh is as it should be.",
                                                             "startServer.bat is as it should be."]


def test_what_is_missing_is_named_and_the_difference_shown(host):
    host.write("run.sh", "#!/bin/sh\n./MessageServer -host cfg1 -port <port>\n", 0o755)
    facts = host.check()
    file = facts["files"][0]
    assert (facts["equal"], facts["starts"], file["differs"]) == (False, False, ["content", "mode"])
    assert file["sentence"] == ("In run.sh: -port still holds the placeholder <port>; it should be 2020. "
                                "-app is missing; it should be MS Backup.")
    assert file["diff"].splitlines() == [
        "--- run.sh on the host", "+++ run.sh as it should be", "@@ -1,3 +1,4 @@", " #!/bin/sh",
        "-./MessageServer -host cfg1 -port <port>", '+CDPATH= cd -- "$(dirname -- "$0")" || exit 1',
        "+exec ./MessageServer -host cfg1 -port 2020 -app 'MS Backup'", " "]
    assert "-./MessageServer -host cfg1 -port <port>" in host.log()


def test_a_file_of_somebodys_own_that_passes_the_right_parameters_starts_the_server(host):
    host.write("run.sh", './MessageServer -host cfg1 -port 2020 -app "MS Backup" -l lic\n')
    facts = host.check()
    assert (facts["equal"], facts["starts"]) == (False, True)
    assert facts["files"][0]["sentence"] == ("run.sh passes the right -host, -port and -app; its content differs from "
                                             "what Install writes.")


def test_a_long_difference_is_cut_in_the_log_only(host):
    host.write("run.sh", "\n" * 1000)
    assert len(host.check()["files"][0]["diff"].split("\n")) > 1000
    assert len(host.log()) < 250
    assert any(line.startswith("… and ") for line in host.log())


def absent(path):
    path.unlink()


def link_out(path):
    path.unlink()
    path.symlink_to("/etc/passwd")


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def directory(path):
    path.unlink()
    path.mkdir()


def too_long(path):
    path.write_bytes(b"#" * (LIMIT + 1))


def binary(path):
    path.write_bytes(b"\0\xff./MessageServer\0")


@pytest.mark.parametrize(("spoil", "sentence"), [
    (absent, "run.sh is not there."),
    (link_out, "run.sh is a symbolic link (to /etc/passwd), which is not followed."),
    (pipe, "run.sh is no plain file."), (directory, "run.sh is no plain file."),
    (too_long, "run.sh is longer than 16 KB; only its beginning was read."),
    (binary, "run.sh does not start MessageServer."),
])
def test_what_is_no_start_file_is_said_and_repaired_and_kept(host, spoil, sentence):
    spoil(host.directory / "run.sh")
    facts = host.check()
    file = facts["files"][0]
    assert (file["sentence"], file["starts"], facts["equal"]) == (sentence, False, False)
    assert len(file["content"]) <= LIMIT
    assert "\0" not in json.dumps(facts)
    assert "root:" not in file["content"]
    final = host.repair()
    assert final["state"] == "succeeded", final
    result = final["result"]
    assert (result["start_files"]["equal"], result["written"]) == (True, ["run.sh"])
    assert bool(result["backup"]) == (spoil is not absent)
    if result["backup"]:
        assert os.path.lexists(os.path.join(result["backup"], "run.sh"))


def test_repair_writes_what_differs_and_keeps_the_former_files(host):
    host.write("run.sh", "old", 0o777)
    (host.directory / "data").mkdir()
    (host.directory / "data" / "messages.db").write_text("messages")
    final = host.repair()
    backup = final["result"]["backup"].removeprefix(f"{host.directory}/")
    assert backup.startswith("backup_")
    assert host.files() == {**{name: text.encode() for name, text in RIGHT.items()}, "data/messages.db": b"messages",
                            f"{backup}/run.sh": b"old"}
    assert (host.directory / "run.sh").stat().st_mode & 0o777 == 0o750
    steps = [(each["number"], each["state"]) for each in items_of(
        report for report in host.reports if report["job"] == final["job"]) if each["kind"] == "step"]
    assert steps == [(number, state) for number in range(3) for state in ("running", "done")]


def test_repair_of_files_that_are_right_writes_nothing(host):
    before = host.files()
    result = host.repair()["result"]
    assert (result["written"], result["backup"], result["start_files"]["equal"]) == ([], "", True)
    assert host.files() == before


def test_repair_refuses_what_nobody_was_shown(host):
    host.write("run.sh", "old")
    seen = {file["name"]: file["sha256"] for file in host.check()["files"]}
    host.write("run.sh", "changed meanwhile")
    before = host.files()
    final = host.repair(seen)
    assert final["state"] == "failed"
    assert final["reason"] == ("run.sh on this host is not what was shown: somebody has changed it since. Nothing was "
                               "written.")
    assert final["advice"] == "Check the start files again, look at the difference, then repair them."
    assert host.files() == before
    assert host.repair({})["state"] == "failed"


def test_a_file_that_is_changed_in_the_last_moment_comes_back(host, monkeypatch):
    """Somebody who saves an editor just then: not to be caused from outside."""
    def save_just_then(plan):
        host.write("run.sh", "saved just then")
        carry_out(plan)

    host.write("run.sh", "old")
    monkeypatch.setattr(repair_start_files, "carry_out", save_just_then)
    final = host.repair()
    assert final["state"] == "failed"
    assert "The start files are as they were before." in final["reason"]
    assert host.files() == {"run.sh": b"saved just then", "startServer.bat": RIGHT["startServer.bat"].encode()}


def test_a_repair_whose_worker_was_killed_is_undone(host):
    host.write("run.sh", "old")
    before = host.files()
    payload = host.payload("repair_start_files", seen={file["name"]: file["sha256"] for file in host.check()["files"]})

    class Killed(BaseException):
        """The process ends here."""

    def die(*_):
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repair_start_files, "fingerprints", die)
        with pytest.raises(Killed):
            frame.run_job(host.context, payload, sign_job(SECRET, payload))
    assert host.files() != before
    frame.run_job(host.context, payload, sign_job(SECRET, payload))
    final = host.reports[-1]
    assert (final["kind"], final["state"]) == ("finished", "lost")
    assert final["reason"].endswith("in the step “Write them as they should be”. The start files are as they were "
                                    "before.")
    assert host.files() == before


@pytest.mark.parametrize("kind", ["check_start_files", "repair_start_files"])
@pytest.mark.parametrize(("place", "sentence"), [
    ("/no/such/place", "The Working Directory /no/such/place does not exist on this host."),
    ("relative", "'relative' is not an absolute path"), ("/srv/../etc", "is not an absolute path without")])
def test_a_directory_that_is_none_is_a_failure_in_words(host, kind, place, sentence):
    final = host.run(host.payload(kind, directory=place, seen={}))
    assert final["state"] == "failed"
    assert sentence in final["reason"]


def test_repair_stays_out_of_the_systems_and_the_agents_directories(host):
    for place in ("/etc", str(host.config.jobs_dir), str(host.config.state_dir)):
        final = host.run(host.payload("repair_start_files", directory=place, seen={}))
        assert final["state"] == "failed"
        assert "directory of the operating system" in final["reason"] or "agent" in final["reason"]


def test_an_account_that_does_not_exist_is_a_failure_in_words(host):
    if os.geteuid() != 0:
        pytest.skip("only the superuser gives files to others")
    final = host.run(host.payload("check_start_files", log_on_as="nobody-of-this-name"))
    assert (final["state"], "nobody-of-this-name (Log On As) does not exist" in final["reason"]) == ("failed", True)
    assert host.check(log_on_as="nobody")["files"][0]["differs"] == ["owner"]

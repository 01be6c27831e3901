"""A log-on account that was taken over, against the jobs that work as root in its directory: it never gets them to
change or tell anything outside of it, nor to wait for ever, and each ends with a sentence."""

import dataclasses
import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from hostagent import removal
from hostagent.config import load
from hostagent.jobs import collect_facts, frame
from hostagent.jobs.archive import CHECKSUMS, DESCRIPTION
from protocol.jobs import sign_job
from tests.certificates import Certificates

from .doubles import SECRET, write_config
from .hostile import ACCOUNT, Outside, attacking, give, in_time, place_of_all, swap
from .packages import ConsoleDouble, build_package, files_of
from .test_start_file_jobs import SERVER, Host

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root works in the directories of other accounts")

PROGRAM = b"""#!/bin/sh
if [ "$1" = -V ]; then echo MessageServer 8.5.100.01; exit 0; fi
echo "The Configuration Server at $2:$4 knows $6: 1 listening ports."
"""
MANY = 1500
NESTS = b"#!/bin/sh\np=d\ni=0\nwhile [ $i -lt 1200 ]; do p=$p/d; i=$((i+1)); done\nmkdir -p $p\nexit 4\n"
TALKS = b"#!/bin/sh\nexec yes\n"


class Attacked(Host):
    """A host with an application that belongs to the account, and a directory of root's beside it."""

    def __init__(self, path, console):
        super().__init__(path)
        self.root = path
        self.config = load(write_config(path, console_url=console.url), {})
        self.context = dataclasses.replace(self.context, config=self.config)
        self.console = console
        self.config.packages_dir.mkdir()
        self.outside = Outside(path / "outside", ["port.pem"])
        for name in (DESCRIPTION, CHECKSUMS):
            # Of a former installation: another directory is not installed into.
            (self.directory / name).touch()
        give(self.directory)

    def payload(self, kind, **arguments):
        return super().payload(kind, **{"log_on_as": ACCOUNT, **arguments})

    def install_payload(self, program=PROGRAM, **more):
        package = build_package(self.root / "p.tar.gz", {**files_of(), "MessageServer": program, **more})
        self.console.files["/secret"] = b"the application's secret"
        return self.payload("install", package=self.console.serve(package), directory_name="ms",
                            taken_directories=[], application_secret_path="/secret")

    def ends(self, payload):
        """The finished report, which says something that people can use."""
        def work():
            frame.run_job(self.context, payload, sign_job(SECRET, payload))
            return next(each for each in self.reports if each["job"] == payload["job"] and each["kind"] == "finished")

        final = in_time(work)
        assert final["state"] in ("succeeded", "failed"), final
        assert bool(final["reason"]) == (final["state"] == "failed"), final
        assert self.outside.changes() == {}
        return final


@pytest.fixture
def host():
    with place_of_all() as path, ConsoleDouble() as console:
        yield Attacked(path, console)


def test_install_moves_nothing_into_a_directory_that_is_put_in_the_place_of_its_backup(host):
    for number in range(MANY):
        (host.directory / f"a{number}").touch()
    give(host.directory)

    def attack(number):
        swap(time.strftime("backup_%Y-%m-%d_%H-%M-%S"), number, host.outside.path)

    payload = host.install_payload()
    with attacking(attack, host.directory):
        host.ends(payload)


def test_install_gives_nothing_away_that_is_put_in_the_place_of_what_it_unpacked(host):
    host.outside = Outside(host.root / "outside2", [f"f{number}" for number in range(MANY)])
    payload = host.install_payload(**{f"lib/f{number}": b"x" for number in range(MANY)})
    staging = f".ms.new-{payload['job']}"
    with attacking(lambda number: swap(f"{staging}/lib", number, host.outside.path), host.directory.parent):
        host.ends(payload)


def test_install_into_a_directory_whose_parent_is_the_accounts_follows_no_link_there(host):
    home = host.root / "home"
    (home / "ms").mkdir(parents=True)
    give(home)

    def attack(number):
        for name in os.listdir("."):
            if not name.startswith(".away"):
                swap(name, number, host.outside.path)

    for _ in range(5):
        payload = host.install_payload()
        payload["arguments"]["directory"] = str(home / "ms")
        with attacking(attack, home):
            host.ends(payload)


def test_install_gives_what_stays_to_the_account_that_is_to_run_it_and_takes_it_back_for_root(host):
    (host.directory / "data").mkdir()
    (host.directory / "data" / "messages.db").write_text("messages")
    for account, uid in ((ACCOUNT, 65534), ("", 0)):
        payload = host.install_payload()
        payload["arguments"]["log_on_as"] = account
        assert host.ends(payload)["state"] == "succeeded"
        for name in (".", "MessageServer", "data", "data/messages.db"):
            assert (host.directory / name).stat().st_uid == uid, name


@pytest.mark.parametrize("name", ["data", "logs", "tls", "backup_2026-01-01_00-00-00"])
def test_install_gives_nothing_of_another_program_to_the_account(host, name):
    for left in host.directory.iterdir():
        left.unlink()
    (host.directory / name).mkdir()
    (host.directory / name / "ledger").write_text("of another program")
    for each in (host.directory, *host.directory.rglob("*")):
        os.chown(each, 1234, 1234)
    final = host.ends(host.install_payload())
    assert f"{host.directory} holds what no installation put there: {name}." in final["reason"]
    assert {each.stat().st_uid for each in (host.directory, *host.directory.rglob("*"))} == {1234}
    assert [path.name for path in host.directory.iterdir()] == [name]


def test_install_whose_new_program_makes_a_deep_tree_is_undone(host):
    final = host.ends(host.install_payload(NESTS))
    assert (final["state"], "exit code 4" in final["reason"]) == ("failed", False), final
    assert [path.name for path in host.directory.parent.iterdir()] == ["ms"]


def test_install_reads_no_more_than_a_bit_of_a_program_that_talks_without_end(host):
    assert host.ends(host.install_payload(TALKS))["state"] == "failed"


def test_repair_writes_nothing_into_a_directory_that_is_put_in_the_place_of_its_own(host):
    def attack(number):
        for name in os.listdir("."):
            if name.startswith((".new-", "backup_")):
                swap(name, number, host.outside.path)

    with attacking(attack, host.directory):
        for _ in range(10):
            for name in ("run.sh", "startServer.bat"):
                (host.directory / name).unlink(missing_ok=True)
                (host.directory / name).write_text("another")
            seen = {name: hashlib.sha256(b"another").hexdigest() for name in ("run.sh", "startServer.bat")}
            host.ends(host.payload("repair_start_files", seen=seen))


@pytest.fixture
def made(host):
    certificates = Certificates(host.root / "authority")
    certificate, key = certificates.issue("127.0.0.1", days=50)
    host.console.files["/certificate"] = json.dumps({
        "certificate": certificate.read_text(), "certificate_key": key.read_text(),
        "trusted_ca": certificates.authority.read_text()}).encode()


def make_certificates(host, attack, times):
    with attacking(attack, host.directory):
        for _ in range(times):
            host.ends(host.payload("make_certificates", certificate_path="/certificate"))


def test_make_certificates_writes_nothing_into_a_directory_that_is_put_in_the_place_of_its_own(host, made):
    def attack(number):
        swap("tls", number, host.outside.path)
        time.sleep(0.0005)
        os.unlink("tls")

    make_certificates(host, attack, 10)


def test_make_certificates_waits_for_no_pipe_that_is_put_in_the_place_of_what_it_wrote(host, made):
    def attack(number):
        os.rename("tls/port.pem", ".away")
        os.mkfifo("tls/port.pem")

    make_certificates(host, attack, 5)


# --- look ------------------------------------------------------------------------------------------


def looked(host, **changes):
    asked = {"id": 7, "name": "MS Backup", "directory": str(host.directory), "command_line": "./MessageServer",
             "log_on_as": ACCOUNT, "ports": [], "hosts": {}, **changes}
    payload = {**host.payload("collect_facts"), "application": "",
               "arguments": {"applications": [asked], "configuration_server": SERVER}}
    return host.ends(payload)["result"]["found"]["applications"]


@pytest.fixture
def installed(host, monkeypatch):
    monkeypatch.setattr("hostagent.jobs.lca_client.AGENT_AWAY_S", 0.0)
    host.write("MessageServer", PROGRAM, 0o755)
    (host.directory / "data").mkdir()
    sums = {"MessageServer": hashlib.sha256(PROGRAM).hexdigest(), "secret": hashlib.sha256(b"root's own").hexdigest()}
    host.write("checksums.sha256", "".join(f"{digest}  {name}\n" for name, digest in sums.items()), 0o644)
    host.write("secret", "mine", 0o644)
    host.write("python.path", "/bin/sh\n", 0o644)
    host.write("data/lock", "1\n", 0o644)
    give(host.directory)
    return host


def test_a_look_finds_what_is_there(installed):
    facts, = looked(installed)
    assert (facts["runs"], facts["changed"], facts["directory"]["problem"]) == (True, ["secret"], "")


@pytest.mark.parametrize("name", ["checksums.sha256", "python.path", "data/lock", "run.sh", "MessageServer", "secret"])
def test_a_look_waits_for_no_pipe(installed, name):
    (installed.directory / name).unlink()
    os.mkfifo(installed.directory / name)
    assert len(looked(installed)) == 1


@pytest.mark.parametrize("name", ["checksums.sha256", "python.path", "data/lock", "run.sh", "MessageServer", "secret"])
def test_a_look_reads_no_more_than_it_needs_of_a_file_without_end(installed, name):
    os.truncate(installed.directory / name, 2**42)
    assert len(looked(installed)) == 1


def test_a_look_at_files_that_take_for_ever_leaves_them(installed, monkeypatch):
    monkeypatch.setattr(collect_facts, "APPLICATION_S", 0.5, raising=False)
    names = [f"big{number}" for number in range(300)]
    for name in names:
        (installed.directory / name).touch()
        os.truncate(installed.directory / name, 250 * 1024 * 1024)
    installed.write("checksums.sha256", "".join(f"{'0' * 64}  {name}\n" for name in names), 0o644)
    assert looked(installed) == []


def test_a_look_tells_nothing_of_what_a_link_leads_to(installed):
    for name in ("secret", "data", "logs"):
        path = installed.directory / name
        if path.is_dir():
            path.rename(installed.directory / "was-data")
        path.unlink(missing_ok=True)
        path.symlink_to(installed.outside.path / ("secret" if name == "secret" else ""))
    facts, = looked(installed)
    assert facts["changed"] == ["secret"]
    assert "outside" not in json.dumps(facts)


def test_a_look_at_a_directory_that_is_swapped_for_links_all_the_time_changes_nothing(installed):
    def attack(number):
        for name in ("data", "MessageServer", "checksums.sha256", "secret"):
            os.rename(name, f"{name}.away")
            os.symlink(installed.outside.path / ("secret" if name == "secret" else ""), name)
            os.rename(f"{name}.away", name) if name != "data" else (os.unlink(name), os.rename("data.away", "data"))

    with attacking(attack, installed.directory):
        for _ in range(10):
            for facts in looked(installed):
                assert "outside" not in json.dumps(facts)
                # A file of root's with this content is none of the application's.
                assert facts["changed"] is None or "secret" in facts["changed"]


def test_a_look_runs_nothing_as_root_that_the_account_can_change(installed):
    facts, = looked(installed, log_on_as="")
    assert (facts["runs"], str(installed.directory) in facts["runs_problem"]) == (False, True)


# --- remove ----------------------------------------------------------------------------------------


def test_remove_leaves_the_applications_and_follows_nothing_in_them(host):
    def attack(number):
        os.symlink(host.outside.path, f"link{number}")

    (host.root / "state" / "link").symlink_to(host.outside.path)
    _make_deep(host.root / "state", 1100)
    with attacking(attack, host.directory):
        in_time(lambda: {"state": str(removal.remove_files(host.root / "state"))})
    assert list((host.root / "state").iterdir()) == []
    assert host.outside.changes() == {}
    assert (host.directory / "run.sh").is_file()


def _make_deep(path: Path, count: int) -> None:
    at = os.open(path, os.O_RDONLY)
    for _ in range(count):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)


def test_nothing_that_root_runs_is_installed_where_others_can_put_something_in_its_place(host):
    given = host.directory.parent
    give(given)
    payload = host.install_payload()
    payload["arguments"]["log_on_as"] = ""
    payload["arguments"]["directory"] = str(given / "of_root" / "ms")
    final = host.ends(payload)
    assert f"would run as root, but others than root can change {given}" in final["reason"]
    assert final["advice"].startswith("Choose an account of its own as Log On As")
    assert not (given / "of_root").exists()

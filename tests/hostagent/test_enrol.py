"""The second half of joining: agent.json, the agent in the background, its service, and taking it away."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hostagent import boot, enrol, join, removal, surroundings
from hostagent.jobs.accounts import account_named, refuse_consoles
from hostagent.jobs.errors import JobFailed
from protocol import auth
from tests.ports import free_port
from tests.scenarios.harness import wait_for

GIVEN = {"host": "alpha", "secret": "new", "control": [{"host": "192.0.2.1", "port": 2020}],
         "broker_url": "redis://192.0.2.1:2021/0", "lca_port": 4999}


class Console(enrol.HostConsole):
    """Answers without a network and keeps what it was asked with."""

    def _send(self, method, path, body, within_s):
        self.asked = {"path": path, **self.proof(method, path, json.dumps(body).encode())}
        return json.dumps(GIVEN).encode()


@pytest.fixture
def console():
    return Console("http://192.0.2.1:8000/", "token")


def test_a_new_machine_proves_itself_with_the_token_alone(console, tmp_path):
    enrol.exchange(console, tmp_path)
    assert console.asked == {"path": "/join/exchange", "Authorization": "Bearer token"}
    assert (tmp_path / "agent.json").stat().st_mode & 0o777 == 0o600
    kept = json.loads((tmp_path / "agent.json").read_text())
    assert kept["console_url"] == "http://192.0.2.1:8000"
    assert kept["install_root"] == str(tmp_path / "apps")
    assert kept.items() >= GIVEN.items()


def test_from_then_on_it_signs(console, tmp_path):
    enrol.exchange(console, tmp_path)
    console.report("start", "done", "")
    assert "Authorization" not in console.asked
    assert console.asked["X-Pairwise-Host"] == "alpha"
    at = int(console.asked["X-Pairwise-At"])
    said = json.dumps({"stage": "start", "state": "done", "text": ""}).encode()
    assert console.asked.items() >= auth.request_headers("new", host="alpha", method="POST", path="/join/stage", at=at,
                                                         body=said).items()


def test_a_machine_that_joined_before_proves_its_secret_too(console, tmp_path):
    (tmp_path / "agent.json").write_text(json.dumps({**GIVEN, "secret": "old"}))
    enrol.exchange(console, tmp_path)
    assert console.asked["Authorization"] == "Bearer token"
    assert console.asked["X-Pairwise-Host"] == "alpha"


def test_the_service_leaves_servers_alone_when_the_agent_ends(tmp_path):
    text = enrol.unit_text(tmp_path, "alpha")
    assert f"ExecStart={sys.executable} -I {tmp_path}/current/agent.py --config {tmp_path}/agent.json" in text
    assert "KillMode=process" in text
    assert "Restart=always" in text


def test_each_directory_has_a_service_of_its_own(tmp_path):
    assert enrol.unit_name(join.DIRECTORY) == "pairwise-agent.service"
    assert enrol.unit_name(tmp_path) != enrol.unit_name(tmp_path / "other")


def test_a_service_of_roots_makes_an_account_for_servers_unless_it_is_there(monkeypatch):
    asked = []
    monkeypatch.setattr(enrol.subprocess, "run", lambda command, **_: asked.append(command))
    monkeypatch.setattr(enrol, "SERVERS_ACCOUNT", "root")
    assert (enrol.provide_account(), asked) == ("", [])
    monkeypatch.setattr(enrol, "SERVERS_ACCOUNT", "pairwise-of-no-machine")
    assert enrol.provide_account() == " The account pairwise-of-no-machine was created for servers."
    assert [(command[0], command[-1]) for command in asked] == [("/usr/sbin/useradd", "pairwise-of-no-machine")]

    def fails(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(enrol.subprocess, "run", fails)
    assert "could not be created" in enrol.provide_account()


def accounts_of_a_machine(monkeypatch, directory, **uids):
    """The machine has these and no others; what is in ``directory`` is a console's."""
    entries = {name.replace("_", "-"): pwd.struct_passwd((name, "x", uid, uid, "", "/nonexistent", "/bin/false"))
               for name, uid in uids.items()}
    monkeypatch.setattr(surroundings.pwd, "getpwnam", entries.__getitem__)
    monkeypatch.setattr(surroundings, "CONSOLE_DATA", str(directory))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may take every account")
@pytest.mark.parametrize(("uids", "wanted"), [
    ({"pairwise_servers": 998}, "pairwise-servers"), ({"pairwise": 998}, "pairwise"), ({"pairwise": 0}, ""),
    ({"pairwise": 998, "pairwise_servers": 997}, "pairwise-servers"),
    ({"pairwise": 998, "pairwise_servers": 0}, "pairwise"),
    ({"pairwise": 4242}, ""), ({"pairwise": 4242, "pairwise_servers": 4242}, "")])
def test_the_account_for_servers_is_neither_roots_by_another_name_nor_a_consoles(monkeypatch, tmp_path, uids, wanted):
    os.chown(tmp_path, 4242, 4242)
    accounts_of_a_machine(monkeypatch, tmp_path, **uids)
    assert surroundings.service_account() == wanted


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may take every account")
def test_nothing_is_installed_as_the_account_of_a_console_on_the_same_machine(monkeypatch, tmp_path):
    os.chown(tmp_path, 4242, 4242)
    accounts_of_a_machine(monkeypatch, tmp_path, pairwise=4242, pairwise_servers=998)
    assert surroundings.accounts(["pairwise", "pairwise-servers", "else"]) == {
        "pairwise": "console", "pairwise-servers": "ok", "else": "missing"}
    refuse_consoles(account_named("pairwise-servers"))
    with pytest.raises(JobFailed, match="secrets the server could read"):
        refuse_consoles(account_named("pairwise"))
    monkeypatch.setattr(surroundings, "CONSOLE_DATA", str(tmp_path / "nothing"))
    refuse_consoles(account_named("pairwise"))


def test_a_taken_lca_port_is_said_before_the_agent_is_started():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(join.Stop, match="is taken by another"):
        enrol.check_port(taken.getsockname()[1])


def test_an_agent_that_ends_at_once_is_told_by_the_end_of_its_log(tmp_path):
    log = tmp_path / "agent.log"
    log.write_text("one\nThe disk is full.\n")
    with pytest.raises(join.Stop, match=r"did not start\. .* ends with: The disk is full\."):
        enrol.wait_listens(free_port(), lambda: False, log)


@pytest.fixture
def directory(tmp_path):
    """A joined directory whose agent is a program that writes down what ended it."""
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "agent.py").write_text(
        "import pathlib, signal, sys\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})\n"
        "home = pathlib.Path(sys.argv[2]).parent\n"
        "(home / 'apps').mkdir(exist_ok=True)\n"
        "(home / 'ready').touch()\n"
        "(home / 'apps' / 'ended').write_text(str(int(signal.sigwait({signal.SIGINT, signal.SIGTERM}))))\n")
    (tmp_path / "agent.json").write_text(json.dumps(GIVEN))
    enrol.point_current(tmp_path, "v1")
    yield tmp_path
    enrol.stop_in_background(tmp_path, signal.SIGKILL)


def started(directory):
    process = enrol.start_in_background(directory)
    wait_for((directory / "ready").exists, 10, "the agent ready for signals")
    return process


def test_an_upgrade_ends_the_agent_and_leaves_its_servers(directory):
    process = started(directory)
    assert enrol.running_agent(directory) == process.pid
    enrol.stop_in_background(directory, signal.SIGTERM)
    assert process.wait(10) == 0
    assert (directory / "apps" / "ended").read_text() == str(int(signal.SIGTERM))
    assert enrol.running_agent(directory) == 0


def test_removing_stops_agent_and_servers_and_leaves_what_was_installed(directory):
    process = started(directory)
    removal.remove(directory)
    assert process.wait(10) == 0
    assert [path.name for path in directory.iterdir()] == ["apps"]
    assert (directory / "apps" / "ended").read_text() == str(int(signal.SIGINT))


@pytest.fixture
def systemd(tmp_path_factory, monkeypatch):
    """A systemctl that writes down what it is asked, with the unit as it is then; the directory of units."""
    home = tmp_path_factory.mktemp("systemd")
    program = home / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n{{ echo "$@"; cat {home}/*.service; }} >>{home}/asked\n'
                       f'[ "$1" != "$(cat {home}/fails)" ] || {{ echo No. >&2; exit 1; }}\n')
    program.chmod(0o755)
    (home / "fails").touch()
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")
    for module in (enrol, removal):
        monkeypatch.setattr(module, "UNITS", home)
        monkeypatch.setattr(module, "SYSTEMD", home)
    return home


def test_systemd_waits_for_the_servers_of_an_agent_that_is_removed(directory, systemd):
    unit = systemd / enrol.unit_name(directory)
    unit.write_text(enrol.unit_text(directory, "alpha"))
    assert "SIGINT" not in unit.read_text()
    removal.remove(directory)
    asked = (systemd / "asked").read_text()
    at_its_stop = asked.partition(f"stop {unit.name}\n")[2]
    assert "KillSignal=SIGINT\nTimeoutStopSec=infinity\n" in at_its_stop
    assert at_its_stop.count("TimeoutStopSec") == 1
    assert asked.index("daemon-reload") < asked.index("stop ")
    assert not unit.exists()


def test_where_systemd_does_not_run_its_unit_is_removed_all_the_same(directory, systemd, monkeypatch):
    monkeypatch.setattr(removal, "SYSTEMD", directory / "none")
    (systemd / enrol.unit_name(directory)).write_text(enrol.unit_text(directory, "alpha"))
    removal.remove(directory)
    assert [path.name for path in systemd.iterdir() if path.suffix == ".service"] == []
    assert not (systemd / "asked").exists()


def test_nothing_is_removed_below_servers_of_an_agent_that_does_not_stop(directory, systemd, capsys):
    (systemd / enrol.unit_name(directory)).write_text(enrol.unit_text(directory, "alpha"))
    (systemd / "fails").write_text("stop")
    before = sorted(directory.rglob("*"))
    assert removal.remove_main(directory) == 1
    assert "failed: No. Run journalctl -u" in capsys.readouterr().err
    assert sorted(directory.rglob("*")) == before


def test_a_pid_that_another_process_has_now_is_not_ended(directory):
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        (directory / "agent.pid").write_text(f"{other.pid} 1\n")
        enrol.stop_in_background(directory, signal.SIGKILL)
        assert other.poll() is None
    finally:
        other.communicate(b"\n", timeout=10)


def test_two_versions_are_kept_and_the_one_in_use_and_that_of_a_package(tmp_path):
    for name in (enrol.PACKAGE, *(f"v{number}" for number in range(4))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "agent.py").touch()
    os.utime(tmp_path / enrol.PACKAGE, (0, 0))
    shutil.copytree(tmp_path / "v0", tmp_path / "apps" / "v9")
    enrol.remove_old_versions(tmp_path, "v0")
    left = {path.name for path in tmp_path.iterdir()}
    assert {"v0", "apps", enrol.PACKAGE} <= left
    assert len(left) <= 5


# --- after a restart of the machine


@pytest.fixture
def crontab(tmp_path, monkeypatch):
    """A crontab program whose table is the file that is given back; the machine's own is left alone."""
    table = tmp_path / "table"
    program = tmp_path / "bin" / "crontab"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nif [ "$1" = -l ]; then exec cat {table}; fi\nexec cat > {table}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")
    monkeypatch.setattr(boot, "DAEMONS", frozenset({boot._name(Path("/proc/self/comm"))}))
    return table


def test_cron_is_given_one_line_and_keeps_the_others(crontab):
    crontab.write_text("5 4 * * * something\n")
    home = join.DIRECTORY
    for _ in range(2):
        assert boot.keep(home) == ("cron starts it again after a restart of the machine.", True)
    assert crontab.read_text() == f"5 4 * * * something\n{boot.line(home)}\n"
    boot.keep(home.parent / "other")
    boot.forget(home)
    assert crontab.read_text().splitlines() == ["5 4 * * * something", boot.line(home.parent / "other")]


def test_without_cron_it_is_said_that_nothing_brings_the_agent_back(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert boot.keep(join.DIRECTORY) == ("There is no cron on this machine.", False)
    boot.forget(join.DIRECTORY)


def test_a_cron_that_does_not_run_is_no_help_and_is_given_nothing(crontab, monkeypatch):
    monkeypatch.setattr(boot, "DAEMONS", frozenset())
    assert boot.keep(join.DIRECTORY) == ("cron is installed, but its daemon does not run.", False)
    assert not crontab.exists()


def test_a_path_that_crons_line_cannot_carry_is_told(crontab, tmp_path):
    sentence, comes_back = boot.keep(tmp_path / "50% of it")
    assert not comes_back
    assert "cron cannot be given" in sentence


def test_what_cron_runs_starts_the_agent_unless_it_runs(directory):
    process = enrol.boot(directory)
    wait_for((directory / "ready").exists, 10, "the agent ready for signals")
    assert enrol.boot(directory) is None
    assert enrol.running_agent(directory) == process.pid
    enrol.stop_in_background(directory, signal.SIGTERM)
    assert process.wait(10) == 0

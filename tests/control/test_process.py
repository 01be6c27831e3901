"""``manage.py runcontrol`` as a process of its own, with a real Message Server."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connections

from control.main import CannotStart, locked
from provisioning.core import control_client
from provisioning.models import Application, RuntimeStatus
from provisioning.record.models import ALIAS, ControlBeat, Leadership, PairRecord
from tests.locks import held
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 30.0
"""A lock is waited for twice as long when nothing bounds that."""

pytestmark = pytest.mark.scenario


def until(found, message: str):
    return wait_for(found, PATIENCE_S, f"{message}: it", every=0.02)


class Processes:
    """Starts processes and ends them, by pid, with the test."""

    def __init__(self, folder: Path):
        self._folder, self._started = folder, []

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        path = self._folder / f"{len(self._started)}.log"
        with path.open("wb") as log:
            process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT,
                                       env=os.environ | environment)
        process.log = path
        self._started.append(process)
        return process

    def end(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()


@pytest.fixture
def processes(tmp_path):
    processes = Processes(tmp_path)
    yield processes
    processes.end()


@pytest.fixture
def port(settings, unused_tcp_port) -> int:
    settings.PAIRWISE_CONTROL_HOST, settings.PAIRWISE_CONTROL_PORT = "127.0.0.1", unused_tcp_port
    return unused_tcp_port


@pytest.fixture
def runcontrol(processes, settings, tmp_path, port, transactional_db):
    """``runcontrol()`` starts control on the tests' database and returns its process."""
    def start(**environment) -> subprocess.Popen:
        return processes.start("manage.py", "runcontrol", **{
            "PAIRWISE_DATA_DIR": str(tmp_path), "PAIRWISE_SECRET_KEY": settings.SECRET_KEY,
            "PAIRWISE_CONTROL_HOST": "127.0.0.1", "PAIRWISE_CONTROL_PORT": str(port),
            "PAIRWISE_REDIS_URL": f"unix://{tmp_path}/no-redis.sock",
            "PAIRWISE_DATABASE_URL": f"sqlite:///{connections['default'].settings_dict['NAME']}",
            "PAIRWISE_CONTROL_DATABASE_URL": f"sqlite:///{connections[ALIAS].settings_dict['NAME']}", **environment})
    return start


def answers() -> bool:
    try:
        return bool(control_client.ping(timeout_s=1.0))
    except control_client.ControlUnavailable:
        return False


def test_control_answers_beats_and_ends_cleanly_on_sigterm(runcontrol):
    process = runcontrol()
    until(answers, "control never answered")
    first = ControlBeat.objects.get(name="control")
    assert first.facts["pid"] == process.pid
    until(lambda: ControlBeat.objects.get(name="control").at > first.at, "its heart beats once only")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert "Traceback" not in process.log.read_text()


def test_a_taken_port_is_one_sentence_and_exit_code_2(runcontrol, port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        process = runcontrol()
        assert process.wait(PATIENCE_S) == 2
    [line] = process.log.read_text().splitlines()
    assert f"127.0.0.1:{port}" in line
    assert "PAIRWISE_CONTROL_PORT" in line


def test_a_second_control_of_the_same_folder_is_refused(runcontrol, unused_tcp_port_factory):
    runcontrol()
    until(answers, "control never answered")
    beside = runcontrol(PAIRWISE_CONTROL_PORT=str(unused_tcp_port_factory()))
    assert beside.wait(PATIENCE_S) == 2
    assert "Control is already at work" in beside.log.read_text()


needs_sqlite = pytest.mark.skipif(connections[ALIAS].vendor != "sqlite", reason="only SQLite has one lock for all")


@needs_sqlite
def test_control_answers_though_another_program_holds_the_configuration_database(runcontrol):
    with held(connections["default"].settings_dict["NAME"]):
        runcontrol()
        began = time.monotonic()
        until(answers, "control never answered")
        waits_s = connections["default"].settings_dict["OPTIONS"]["timeout"]
        assert time.monotonic() - began < waits_s, "it waited for that database"
        until(lambda: control_client.ping()["unwritten_since"], "it does not say that nothing can be written")
    until(lambda: not control_client.ping()["unwritten_since"], "it never wrote what waited")


@needs_sqlite
@pytest.mark.long
def test_a_control_whose_own_database_is_held_says_so_until_it_is_free(runcontrol):
    runcontrol()
    until(answers, "control never answered")
    with held(connections[ALIAS].settings_dict["NAME"]):
        trouble = until(lambda: control_client.ping()["trouble"], "it does not say that nothing can be recorded")
        assert trouble.startswith("Control's database does not answer")
    until(lambda: not control_client.ping()["trouble"], "it never wrote again")


@pytest.fixture
def two_controls(runcontrol, settings, port, tmp_path, unused_tcp_port_factory):
    """The leader, and one that stands by."""
    other_port = unused_tcp_port_factory()
    addresses = f"127.0.0.1:{port},127.0.0.1:{other_port}"
    settings.PAIRWISE_CONTROLS = (("127.0.0.1", port), ("127.0.0.1", other_port))
    leader = runcontrol(PAIRWISE_CONTROLS=addresses)
    until(leading, "control never answered")
    standby = runcontrol(PAIRWISE_CONTROLS=addresses, PAIRWISE_CONTROL_PORT=str(other_port),
                         PAIRWISE_DATA_DIR=str(tmp_path / "other"))
    until(lambda: ControlBeat.objects.filter(name="control-standby").exists(), "the other one does not stand by")
    return leader, standby


def leading() -> int:
    """The term of the control that leads, 0 while none answers."""
    try:
        return control_client.ping(timeout_s=1.0)["term"]
    except control_client.ControlUnavailable:
        return 0


@pytest.mark.long
def test_a_leader_that_is_frozen_is_replaced_and_writes_nothing_when_it_thaws(two_controls, objects):
    leader, standby = two_controls
    leader.send_signal(signal.SIGSTOP)
    until(lambda: leading() == 2, "nobody took over")
    term = Leadership.objects.get()
    leader.send_signal(signal.SIGCONT)
    until(lambda: "does not lead any more" in leader.log.read_text(), "it does not know that it was deposed")
    until(lambda: ControlBeat.objects.get(name="control-standby").facts["pid"] == leader.pid,
          "the former leader does not stand by")
    assert (Leadership.objects.get().term, Leadership.objects.get().holder) == (2, term.holder)
    standby.send_signal(signal.SIGTERM)
    assert standby.wait(10) == 0
    until(lambda: leading() == 3, "the former leader does not take over again")
    assert "Traceback" not in leader.log.read_text() + standby.log.read_text()


def test_a_lock_is_free_again_when_its_holder_is_gone(tmp_path):
    with locked(tmp_path / "control.lock"), pytest.raises(CannotStart, match=str(os.getpid())):
        locked(tmp_path / "control.lock").__enter__()
    with locked(tmp_path / "control.lock"):
        pass


def test_a_real_message_server_starts_survives_controls_kill_and_gets_a_new_epoch_when_restarted(
        runcontrol, processes, objects, port, tmp_path, unused_tcp_port_factory):
    pytest.importorskip("messageserver.main")
    objects.server.ports.update(port=unused_tcp_port_factory())
    Application.objects.filter(id=objects.server.id).update(host=None)
    folder = tmp_path / "MS"
    folder.mkdir()
    (folder / "application.secret").write_text(objects.server.secret)
    (folder / "application.secret").chmod(0o600)

    def start_server() -> subprocess.Popen:
        return processes.start("-m", "messageserver", "-host", "127.0.0.1", "-port", str(port), "-app", "MS",
                               "-workdir", str(folder))

    def is_started(process, epoch) -> bool:
        row = RuntimeStatus.objects.filter(application=objects.server).first()
        return row is not None and (row.status, row.pid, row.epoch) == ("Started", process.pid, epoch)

    control = runcontrol()
    until(answers, "control never answered")
    server = start_server()
    until(lambda: is_started(server, 1), "the server was never started")

    beside = start_server()
    assert beside.wait(PATIENCE_S) == 5
    assert "already running" in beside.log.read_text()

    control.kill()
    control.wait()
    before = RuntimeStatus.objects.get().heard_at
    runcontrol()
    until(lambda: is_started(server, 1) and RuntimeStatus.objects.get().heard_at > before, "the server did not return")
    assert PairRecord.objects.get().version == 1

    server.kill()
    server.wait()
    again = start_server()
    until(lambda: is_started(again, 2), "the server was not granted again")
    again.send_signal(signal.SIGTERM)
    assert again.wait(10) == 0
    until(lambda: RuntimeStatus.objects.get().status == "Stopped", "its end was not seen")

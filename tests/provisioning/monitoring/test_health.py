"""``/healthz`` up and down."""

import contextlib
import socket
import sqlite3
import threading
import time
from datetime import timedelta

import psycopg
import psycopg_pool
import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from provisioning.core import control_client, database, database_trouble
from provisioning.core import health as rules
from provisioning.core.database_trouble import trouble_of
from provisioning.core.health import DOWN, OK, UNKNOWN
from provisioning.models import ComponentHeartbeat, HostRuntime
from provisioning.monitoring.services import health
from provisioning.record.models import ControlBeat
from provisioning.states import HostStatus
from tests import factories
from tests.locks import held
from tests.waiting import wait_for

NOW = timezone.now()


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


# --- what counts as answering


@pytest.mark.parametrize(("beat_at", "status"), [(ago(0), OK), (ago(8), OK), (ago(9), DOWN), (None, DOWN)])
def test_the_console_worker_answers_while_its_heartbeat_is_fresh(beat_at, status):
    assert rules.worker_health(beat_at, NOW).status == status


@pytest.mark.parametrize(("status", "heard_at", "agent", "worker"), [
    (HostStatus.RUNNING, ago(1), OK, OK), (HostStatus.RUNNING, ago(11), DOWN, UNKNOWN),
    (HostStatus.DISCONNECTED, ago(1), DOWN, UNKNOWN), (HostStatus.RUNNING, None, DOWN, UNKNOWN),
])
def test_the_agent_answers_while_control_hears_it(status, heard_at, agent, worker):
    runtime = HostRuntime(status=status, heard_at=heard_at, worker_alive=True)
    assert rules.agent_health(runtime, NOW).status == agent
    assert rules.host_worker_health(runtime, NOW).status == worker


def test_a_host_worker_that_does_not_run_is_down_though_its_agent_answers():
    runtime = HostRuntime(status=HostStatus.RUNNING, heard_at=NOW, worker_alive=False)
    assert rules.agent_health(runtime, NOW).status == OK
    assert rules.host_worker_health(runtime, NOW).reason == "The host worker of localhost does not run."


@pytest.mark.parametrize("status", [HostStatus.RUNNING, HostStatus.DISCONNECTED])
def test_nobody_is_blamed_for_a_word_that_could_not_arrive(status):
    runtime = HostRuntime(status=status, heard_at=ago(45), worker_alive=True)
    found = rules.agent_health(runtime, NOW, blind="control, which hears of it, does not answer.")
    assert (found.status, found.age_s) == (UNKNOWN, 45)
    assert found.reason == "Not known: control, which hears of it, does not answer."
    assert rules.worker_health(ago(45), NOW, blind="locked.").status == UNKNOWN


def test_what_is_fresh_is_known_whatever_else_is_wrong():
    assert rules.worker_health(ago(2), NOW, blind="locked.").as_dict() == {"status": "ok", "age_s": 2.0}


# --- what is wrong with a database


def failed(connection, *statements):
    """What the last of these raises."""
    for each in statements[:-1]:
        connection.execute(each)
    try:
        connection.execute(statements[-1])
    except sqlite3.Error as error:
        return error
    raise AssertionError("it was done")


@pytest.fixture
def sqlite(tmp_path):
    connection = sqlite3.connect(tmp_path / "some.sqlite3", isolation_level=None, timeout=0)
    connection.execute("CREATE TABLE some (text)")
    yield connection
    connection.close()


def test_real_errors_of_sqlite_are_told_apart(sqlite, tmp_path):
    full = failed(sqlite, "PRAGMA max_page_count = 3", f"INSERT INTO some VALUES ('{'x' * 99_999}')")
    read_only = failed(sqlite, "PRAGMA query_only = ON", "INSERT INTO some VALUES (1)")
    fault = failed(sqlite, "SELECT * FROM nothing")
    with held(tmp_path / "some.sqlite3"):
        locked = failed(sqlite, "PRAGMA query_only = OFF", "BEGIN IMMEDIATE")
    (tmp_path / "text").write_text("This is no database at all." * 99)
    with contextlib.closing(sqlite3.connect(tmp_path / "text")) as text:
        broken = failed(text, "SELECT * FROM sqlite_master")
    found = [each and each.code for each in map(trouble_of, (full, read_only, locked, broken, fault))]
    assert found == ["full", "read-only", "locked", "failing", None]


@pytest.mark.parametrize(("error", "code"), [
    (psycopg.errors.LockNotAvailable("x"), "locked"), (psycopg.errors.QueryCanceled("x"), "locked"),
    (psycopg.errors.DeadlockDetected("x"), "locked"), (psycopg.errors.DiskFull("x"), "full"),
    (psycopg.errors.ReadOnlySqlTransaction("x"), "read-only"), (psycopg.errors.AdminShutdown("x"), "away"),
    (psycopg.errors.TooManyConnections("x"), "away"), (psycopg.OperationalError("connection failed"), "away"),
    (psycopg_pool.PoolTimeout("x"), "away"), (psycopg.InterfaceError("the connection is closed"), "away"),
    (psycopg.errors.UndefinedTable("x"), None), (psycopg.errors.UniqueViolation("x"), None),
    (ValueError("x"), None),
])
def test_errors_of_postgresql_are_told_apart_also_as_django_raises_them(error, code):
    wrapped = OperationalError("x")
    wrapped.__cause__ = error
    for each in (error, wrapped):
        assert (trouble_of(each) and trouble_of(each).code) == code


def test_every_trouble_is_a_sentence():
    said = {rules.unwritten(database_trouble.Trouble(code, "0042_x"), 12.4) for code in database_trouble.SENTENCES}
    assert said == {
        "Locked: another program has held the Configuration Database for 12 s at least.",
        "The disk of the Configuration Database is full, for 12 s at least. Make room on it.",
        "The Configuration Database is read-only, for 12 s at least.",
        "The file of the Configuration Database cannot be read or written, for 12 s at least.",
        "The Configuration Database does not answer, for 12 s at least.",
        "The Configuration Database is being moved, and takes no changes until that has ended, for 12 s at least.",
        "The Configuration Database is of an older version: the migration 0042_x is missing, for 12 s at least.",
        "The Configuration Database is of a newer version: it has the migration 0042_x, which this program does not "
        "know, for 12 s at least.",
        "The Configuration Database is empty, for 12 s at least."}


# --- a write that proves it


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


class Disk:
    """What a write meets."""

    def __init__(self):
        self.error, self.writes = None, 0

    def write(self):
        self.writes += 1
        if self.error:
            raise self.error


@pytest.fixture
def proof():
    disk, clock = Disk(), Clock()
    found = database.WriteProof(disk.write, clock)
    found.disk, found.clock = disk, clock
    return found


def look(proof, at):
    proof.clock.now = 100.0 + at
    proof.look()
    return proof.component


def test_a_proof_counts_for_two_seconds_however_often_it_is_asked_for(proof):
    assert [look(proof, at).age_s for at in (0, 0.5, 1.9)] == [0, 0.5, pytest.approx(1.9)]
    assert proof.disk.writes == 1
    assert look(proof, 2.0).age_s == 0
    assert proof.disk.writes == 2


def test_a_failure_is_told_with_how_long_it_lasts_and_is_not_tried_again_at_once(proof):
    look(proof, 0)
    locked = OperationalError("x")
    locked.__cause__ = psycopg.errors.LockNotAvailable("x")
    proof.disk.error = locked
    found = [look(proof, at) for at in (3, 3.5, 4.5)]
    assert proof.disk.writes == 3
    assert {each.status for each in found} == {DOWN}
    assert found[-1].reason == "Locked: another program has held the Configuration Database for 1.5 s at least."
    assert found[-1].age_s == 4.5
    proof.disk.error = None
    assert look(proof, 6) == rules.Component(OK, 0)


def test_who_asks_in_the_middle_of_a_failure_hears_of_it():
    class Watched(database.WriteProof):
        def __setattr__(self, name, value):
            super().__setattr__(name, value)
            if name == "trouble" and value is not None:
                self.seen = self.component

    disk = Disk()
    disk.error = OperationalError("x")
    proof = Watched(disk.write, Clock())
    proof.look()
    assert proof.seen.status == DOWN


def test_a_write_that_does_not_come_back_is_told(proof):
    seen = []

    def hang():
        proof.clock.now += 0.8
        seen.append(proof.component)

    proof.disk.write = hang
    proof._write = hang
    proof.look()
    assert (seen[0].status, seen[0].reason) == (DOWN, "The Configuration Database has not confirmed a write for 0.8 s.")


# --- the whole answer


@pytest.fixture
def all_up(transactional_db, broker, monkeypatch):
    host = factories.make_host("localhost")
    for name in ("console-worker", "log-reader"):
        ComponentHeartbeat.objects.create(name=name, at=timezone.now())
    # Control is a process of its own; that its line works is tested in tests/control.
    monkeypatch.setattr(control_client, "ping", lambda timeout_s: {"since": 1})
    monkeypatch.setattr(health, "proof", database.WriteProof(health._write))
    return host


def test_everything_answers(client, all_up):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    parts = answer.json()["components"]
    assert set(parts) == set(health.COMPONENTS) - {"broker_accounts"}
    assert all(part.keys() == {"status", "age_s"} and part["status"] == "ok" and 0 <= part["age_s"] < 5
               for part in parts.values()), parts


def test_what_does_not_answer_is_named_and_the_rest_is_still_told(client, all_up):
    HostRuntime.objects.update(worker_alive=False)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "down"
    assert {name for name, part in answer.json()["components"].items() if part["status"] != "ok"} == {"worker"}


def test_who_sends_requests_is_told_of_what_pages_need_alone(client, all_up):
    HostRuntime.objects.update(worker_alive=False)
    answer = client.get("/readyz")
    assert (answer.status_code, set(answer.json()["components"])) == (200, {"database", "control"})


def test_who_restarts_the_process_is_told_of_it_alone(client, all_up, locked):
    with locked():
        assert client.get("/readyz").status_code == 503
        assert client.get("/livez").json() == {"status": "ok", "components": {}}


def test_a_database_that_another_program_holds_is_named_and_nobody_else_is_blamed(client, all_up, locked):
    old = timezone.now() - timedelta(seconds=45)
    HostRuntime.objects.update(heard_at=old)
    ComponentHeartbeat.objects.update(at=old)
    ControlBeat.objects.update(at=old)

    def asked():
        began = time.monotonic()
        answer = client.get("/healthz")
        assert (answer.status_code, time.monotonic() - began < 1.5) == (503, True)
        found = answer.json()["components"]
        assert found["database"]["status"] == "down"
        # On a busy machine an answer may be due before all have looked.
        return found if all(found[name]["age_s"] for name in ("console_worker", "agent")) and \
            "Locked" in found["database"]["reason"] else None

    with locked():
        parts = wait_for(asked, 10, "a whole answer")
    assert parts["database"]["reason"].startswith("Locked: another program has held the Configuration Database for ")
    for name in ("console_worker", "agent"):
        assert (parts[name]["status"], parts[name]["age_s"] >= 45) == ("unknown", True)
        assert parts[name]["reason"] == (
            "Not known: the Configuration Database takes no write, so nothing newer is in it.")
    assert parts["redis"]["status"] == "ok"


def test_it_is_well_again_once_the_other_program_has_ended(client, all_up, locked, monkeypatch):
    monkeypatch.setattr(database, "TRIED_S", 0.0)
    with locked():
        assert client.get("/healthz").status_code == 503
    # A look that began before is shared.
    wait_for(lambda: client.get("/healthz").status_code == 200, 10, "health")


def test_many_monitors_at_once_write_once(client, all_up, monkeypatch):
    writes = []
    monkeypatch.setattr(health, "proof", database.WriteProof(lambda: writes.append(1)))
    for _ in range(5):
        assert client.get("/healthz").status_code == 200
    assert writes == [1]


def test_without_redis_only_redis_is_down(client, all_up, no_broker):
    parts = client.get("/healthz").json()["components"]
    assert {name for name, part in parts.items() if part["status"] != "ok"} == {"redis"}


def test_a_control_that_cannot_record_is_down_and_says_why(client, transactional_db, all_up, monkeypatch):
    monkeypatch.setattr(control_client, "ping", lambda timeout_s: {"trouble": "Control's database does not answer."})
    parts = client.get("/healthz").json()["components"]
    assert parts["control"]["status"] == "down"
    assert parts["control"]["reason"] == "Control's database does not answer. Pairs cannot fail over."


def test_without_control_only_control_is_down(client, transactional_db, all_up, monkeypatch, settings, closed_port):
    monkeypatch.undo()
    settings.PAIRWISE_CONTROL_PORT = closed_port
    parts = client.get("/healthz").json()["components"]
    assert (parts["control"]["status"], parts["control"]["reason"]) == ("down", "Control does not answer.")
    assert {name for name, part in parts.items() if part["status"] != "ok"} == {"control"}


def test_it_works_without_a_database_without_a_login_and_says_nothing_of_the_inside(client, monkeypatch):
    # No database fixture: every query raises, as it does when the database is away.
    answer = client.get("/healthz")
    assert answer.status_code == 503
    parts = answer.json()["components"]
    assert set(parts) == set(health.COMPONENTS)
    assert parts["database"]["status"] == "down"
    assert parts["database"]["reason"] == "The Configuration Database does not answer."
    assert parts["agent"]["reason"] == "Not known without the Configuration Database."
    assert "Traceback" not in answer.text
    assert "redis://" not in answer.text


def test_a_peer_that_hangs_does_not_hold_the_answer_up(client, all_up, monkeypatch, settings):
    monkeypatch.undo()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings.PAIRWISE_CONTROL_PORT = silent.getsockname()[1]
        settings.PAIRWISE_REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        began = time.monotonic()
        parts = client.get("/healthz").json()["components"]
    assert time.monotonic() - began < 1.5
    assert {name for name, part in parts.items() if part["status"] != "ok"} == {"redis", "control"}


def test_a_check_that_never_ends_has_one_thread_however_often_it_is_asked(client, all_up, monkeypatch):
    release, started = threading.Event(), []

    def hang():
        started.append(1)
        release.wait(30)
        return {"redis": rules.Component(OK, 0.0)}

    monkeypatch.setitem(health.CHECKS, "redis", (hang, "Redis does not answer."))
    answers = [client.get("/healthz").json()["components"]["redis"] for _ in range(3)]
    release.set()
    health._flights["redis"].join(5)
    assert [(each["status"], each["reason"]) for each in answers] == [("down", "Redis does not answer.")] * 3
    assert len(started) == 1


@pytest.mark.parametrize("name", health.CHECKS)
def test_a_check_leaves_no_connection_to_a_database_open_behind_its_thread(all_up, name):
    left = []

    def check() -> None:
        with contextlib.suppress(Exception):
            health.CHECKS[name][0]()
        left.extend(each.alias for each in connections.all(initialized_only=True) if each.connection is not None)

    thread = threading.Thread(target=check)
    thread.start()
    thread.join()
    assert left == []

"""``/healthz`` up and down."""

import socket
import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning import control_client
from provisioning.models import ComponentHeartbeat, HostRuntime
from provisioning.selectors import health
from provisioning.states import HostStatus
from tests import factories

NOW = timezone.now()


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


# --- what counts as answering


@pytest.mark.parametrize(("beat_at", "ok"), [(ago(0), True), (ago(8), True), (ago(9), False), (None, False)])
def test_the_console_worker_answers_while_its_heartbeat_is_fresh(beat_at, ok):
    assert (health.worker_health(beat_at, NOW) == health.OK) is ok


@pytest.mark.parametrize(("status", "heard_at", "ok"), [
    (HostStatus.RUNNING, ago(1), True), (HostStatus.RUNNING, ago(11), False), (HostStatus.DISCONNECTED, ago(1), False),
    (HostStatus.RUNNING, None, False),
])
def test_the_agent_answers_while_control_hears_it(status, heard_at, ok):
    runtime = HostRuntime(status=status, heard_at=heard_at, worker_alive=True)
    assert (health.agent_health(runtime, NOW) == health.OK) is ok
    assert (health.host_worker_health(runtime, NOW) == health.OK) is ok


def test_a_host_worker_that_does_not_run_is_down_though_its_agent_answers():
    runtime = HostRuntime(status=HostStatus.RUNNING, heard_at=NOW, worker_alive=False)
    assert health.agent_health(runtime, NOW) == health.OK
    assert health.host_worker_health(runtime, NOW).reason == "The host worker of localhost does not run."


# --- the whole answer


@pytest.fixture
def all_up(transactional_db, broker, monkeypatch):
    host = factories.make_host("localhost")
    ComponentHeartbeat.objects.create(name="console-worker", at=timezone.now())
    # Control is a process of its own; that its line works is tested in tests/control.
    monkeypatch.setattr(control_client, "ping", lambda timeout_s: {"since": 1})
    return host


def test_everything_answers(client, all_up):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "components": {name: {"status": "ok"} for name in health.COMPONENTS}}


def test_what_does_not_answer_is_named_and_the_rest_is_still_told(client, all_up):
    HostRuntime.objects.update(worker_alive=False)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "down"
    assert {name for name, part in answer.json()["components"].items() if part["status"] != "ok"} == {"worker"}


def test_without_redis_only_redis_is_down(client, all_up, no_broker):
    parts = client.get("/healthz").json()["components"]
    assert {name for name, part in parts.items() if part["status"] != "ok"} == {"redis"}


def test_without_control_only_control_is_down(client, transactional_db, all_up, monkeypatch, settings, closed_port):
    monkeypatch.undo()
    settings.PAIRWISE_CONTROL_PORT = closed_port
    parts = client.get("/healthz").json()["components"]
    assert parts["control"] == {"status": "down", "reason": "Control does not answer."}


def test_it_works_without_a_database_without_a_login_and_says_nothing_of_the_inside(client, monkeypatch):
    # No database fixture: every query raises, as it does when the database is away.
    answer = client.get("/healthz")
    assert answer.status_code == 503
    parts = answer.json()["components"]
    assert set(parts) == set(health.COMPONENTS)
    assert parts["database"] == {"status": "down", "reason": "The Configuration Database does not answer."}
    assert parts["agent"]["reason"] == "Not known while the Configuration Database does not answer."
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
        return {"redis": health.OK}

    monkeypatch.setitem(health.CHECKS, "redis", (hang, "Redis does not answer."))
    answers = [client.get("/healthz").json()["components"]["redis"] for _ in range(3)]
    release.set()
    health._flights["redis"].join(5)
    assert answers == [{"status": "down", "reason": "Redis does not answer."}] * 3
    assert len(started) == 1

"""Every command that waits says what it waits for, and ends with a reason where nothing moves."""

import argparse

import pytest
from django.core.management import get_commands, load_command_class
from django.utils import timezone

from provisioning.jobs.selectors import waiting
from provisioning.models import ComponentHeartbeat, Drill, HostRuntime, Job
from tests import factories


def commands():
    """{name: command} of those of the console that have --wait."""
    for name, app in get_commands().items():
        if app in ("provisioning", "console"):
            command = load_command_class(app, name)
            parser = argparse.ArgumentParser()
            command.add_arguments(parser)
            if "--wait" in parser._option_string_actions:
                yield name, parser


WAITING = dict(commands())
OF_PAIRS = {"switchover", "drill"}


def test_it_is_known_which_commands_wait():
    assert WAITING.keys() > OF_PAIRS
    assert {"install", "start", "stop"} < WAITING.keys()


@pytest.mark.parametrize("name", WAITING)
def test_waiting_is_bounded(name):
    assert WAITING[name].parse_args(["MS", "--wait"]).timeout > 0


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(waiting, "STANDS_S", 0.0)


@pytest.fixture
def console_worker(transactional_db):
    for name in ("console-worker", "report-reader"):
        ComponentHeartbeat.objects.create(name=name, at=timezone.now())


def server_for(name):
    """What the job of this command can be made for; the agent of its host is connected, and its worker does not run."""
    row = factories.make_application("MS", host=factories.make_host("op1"), installed=name != "install",
                                     status="Started" if name == "stop" else "Stopped", ports={"default": 7001})
    row.ports.update(transport_parameters="tls=1")
    factories.make_package()
    HostRuntime.objects.update(worker_alive=False)


@pytest.mark.usefixtures("broker", "impatient", "console_worker")
@pytest.mark.parametrize("name", sorted(WAITING.keys() - OF_PAIRS))
def test_a_job_of_a_host_whose_worker_is_away_is_told_and_left(name, run, settings):
    settings.PAIRWISE_WEB_TLS = True
    server_for(name)
    result = run(name, "MS", "--wait", *(["--log-on-as", "pairwise"] if name == "install" else []))
    assert result.code == 1, result.err
    job = Job.objects.get()
    first, second = result.out.splitlines()
    assert first == f"{job} on op1 is job {job.pk}. Waiting for its end, 3600 s at most."
    assert second.startswith("Queued: The agent of op1 is connected, but its worker does not run.")
    assert f"{job} has not ended yet (Queued). The agent of op1 is connected, but its worker does not run" in result.err
    assert "It is carried out when op1 takes it within 15 minutes" in result.err
    assert f"see job {job.pk}." in result.err


@pytest.mark.usefixtures("broker", "impatient", "console_worker")
def test_json_stays_json_and_says_why(run):
    server_for("start")
    result = run("start", "MS", "--wait", "--json")
    assert (result.code, result.json["state"], result.json["stuck"]) == (1, "queued", True)
    assert "its worker does not run" in result.json["waits_for"]
    assert "Queued: The agent of op1" in result.err


@pytest.mark.usefixtures("broker", "impatient", "transactional_db")
def test_a_drill_that_nobody_takes_is_told_and_left(run, no_control):
    factories.make_pair()
    result = run("drill", "MS_Primary", "--wait")
    assert result.code == 1, result.err
    drill = Drill.objects.get()
    assert result.out.splitlines()[0].startswith(f"{drill} of MS_Primary and MS_Backup. Waiting for its end")
    assert "Running: The console worker has never reported." in result.out
    assert f"{drill} has not ended yet. The console worker has never reported." in result.err


@pytest.mark.usefixtures("broker", "impatient", "transactional_db")
def test_status_says_why_a_job_is_queued(run):
    server_for("start")
    run("start", "MS")
    [told] = run("status", "--json").json["jobs"]
    assert (told["name"], told["state"], told["stuck"]) == ("Start MS", "queued", True)
    assert told["waits_for"] in run("status").out

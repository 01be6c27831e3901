"""The host worker with a real broker, a real agent, a real console server and small real packages."""

import asyncio
import json
import os
import shutil
import signal
import time
import uuid

import psutil
import pytest
from kombu import Connection

from hostagent.jobs.lca_client import LcaClient
from protocol.identity import start_ticks
from protocol.jobs import RUN_JOB, STEPS, TAKE_WITHIN_S
from protocol.messages import ApplicationStatus
from provisioning.broker.rules import password_of
from tests.ports import free_port

from .doubles import HOST, SECRET, until
from .site import APP, grant, running_site


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory, broker):
    with running_site(tmp_path_factory.mktemp("shared"), broker, 0) as site:
        yield site


@pytest.fixture
async def site(shared_site):
    """The shared host, with nothing installed and nothing running."""
    async with shared_site.control:
        await shared_site.control.met()
        yield shared_site
        shared_site.server.go_on.set()
        client = LcaClient(shared_site.config)
        for verb in ("cancel_start", "wait_stopped"):
            await asyncio.to_thread(client.call, verb, {"application": APP, "timeout_s": 10})
        for path in shared_site.config.install_root.iterdir():
            shutil.rmtree(path)
        shared_site.control.forget()
        shared_site.server.asked.clear()


@pytest.fixture
async def own_site(tmp_path, broker):
    """A host of the test's own, whose processes it may kill."""
    with running_site(tmp_path, broker, 1) as site:
        async with site.control:
            await site.control.met()
            yield site


async def test_a_server_is_installed_started_and_stopped_by_jobs(site):
    installed = await site.finished(site.send(site.install_payload()))
    assert (installed["state"], installed["reason"]) == ("succeeded", "")
    result = installed["result"]
    assert result["working_directory"] == str(site.target)
    assert result["command_line"] == "./MessageServer"
    assert result["command_line_arguments"] == f"-host 127.0.0.1 -port {site.server.port} -app MS_Primary"
    assert (result["version"], result["backup"]) == ("8.5.100.01", "")
    assert (result["start_files"]["equal"], result["start_files"]["starts"]) == (True, True)
    steps = [(report["number"], report["state"]) for report in site.said_of(installed["job"])
             if report["kind"] == "step"]
    assert steps == [(n, state) for n in range(len(STEPS["install"])) for state in ("running", "done")]
    assert site.said_of(installed["job"])[0].items() >= {
        "seq": 1, "kind": "claimed", "worker": f"worker@{HOST}"}.items()

    job = site.send(site.payload("start", name=APP, startup_timeout=10, shutdown_timeout=5, **{
        key: result[key] for key in ("working_directory", "command_line", "command_line_arguments")}))
    running = await site.control.change("running")
    await site.server_ready()
    await site.control.say(ApplicationStatus(application=APP, status="Started", mode="Primary", pid=running.pid))
    started = await site.finished(job)
    assert (started["state"], started["result"]) == ("succeeded", {"pid": running.pid, "mode": "Primary"})

    heard = len(site.control.changes)
    again = site.send(site.payload("restart", name=APP, startup_timeout=10, shutdown_timeout=5, graceful=False, **{
        key: result[key] for key in ("working_directory", "command_line", "command_line_arguments")}))
    next_one = await site.control.change("running", after=heard)
    await site.server_ready(2)
    await site.control.say(ApplicationStatus(application=APP, status="Started", mode="Backup", pid=next_one.pid))
    restarted = await site.finished(again)
    assert (restarted["state"], restarted["result"]) == (
        "succeeded", {"exit_code": 0, "pid": next_one.pid, "mode": "Backup"})
    assert [report["number"] for report in site.said_of(again) if report["kind"] == "step"
            if report["state"] == "done"] == [0, 1, 2, 3]
    assert not start_ticks(running.pid)

    stopped = await site.finished(site.send(site.payload("stop", graceful=False, shutdown_timeout=5)))
    assert (stopped["state"], stopped["result"]) == ("succeeded", {"exit_code": 0})
    assert not start_ticks(next_one.pid)


async def test_a_job_delivered_twice_is_run_once_and_its_final_report_is_sent_again(site):
    payload = site.install_payload()
    job = site.send(payload)
    first = await site.finished(job)
    fetched = len(site.console.ranges)
    site.send(payload, task_id=str(uuid.uuid4()))
    await until(lambda: len([each for each in site.reports_of(job) if each["kind"] == "finished"]) == 2)
    assert site.reports_of(job)[-1] == first
    assert len(site.console.ranges) == fetched


@pytest.mark.long
async def test_a_job_whose_end_the_console_did_not_hear_is_told_again_and_nobody_is_blamed(own_site):
    payload = own_site.payload("check_start_files", directory=str(own_site.target), log_on_as="", configuration_server={
        "host": "127.0.0.1", "port": own_site.server.port})
    job = own_site.send(payload)
    await own_site.finished(job)
    own_site.send({**payload, "again": True}, task_id=str(uuid.uuid4()))
    await until(lambda: len([each for each in own_site.reports_of(job) if each["kind"] == "finished"]) == 2)
    assert "delivered again" not in own_site.refused()


@pytest.mark.parametrize(("change", "secret"), [
    ({}, "another secret"), ({"host": "host-b"}, SECRET), ({"issued_at": time.time() - 49 * 3600}, SECRET),
    ({"kind": "format"}, SECRET), ({"job": "../../etc/passwd"}, SECRET)])
async def test_a_job_that_is_not_for_this_host_is_refused_and_logged(site, change, secret):
    payload = {**site.install_payload(), **change}
    journal, logged = set(site.config.jobs_dir.iterdir()), len(site.worker_log())
    site.send(payload, secret=secret, task_id=str(uuid.uuid4()))
    await until(lambda: "A job was refused and not run" in site.worker_log()[logged:])
    assert set(site.config.jobs_dir.iterdir()) == journal
    assert site.reports_of(payload["job"]) == []


async def test_a_job_that_comes_so_late_that_people_were_told_it_was_not_run_is_not_run(site):
    payload = {**site.install_payload(), "issued_at": time.time() - TAKE_WITHIN_S - 600}
    final = await site.finished(site.send(payload))
    assert (final["state"], final["seq"]) == ("failed", 1)
    assert final["reason"] == (
        f"Job {final['job']} came 25 minutes after it was signed, by this host's clock; it was not run.")
    assert not site.target.exists()


async def test_a_second_job_of_an_application_on_which_one_still_works_does_nothing_and_says_so(site):
    site.server.go_on.clear()
    first = site.send(site.install_payload())
    assert await asyncio.to_thread(site.server.asked.wait, 30)
    second = await site.finished(site.send(site.install_payload()))
    assert (second["state"], second["reason"]) == (
        "failed", f"Another job still works on {APP} on this host. This one did nothing.")
    site.server.go_on.set()
    assert (await site.finished(first))["state"] == "succeeded"
    assert (await site.finished(site.send(site.install_payload())))["state"] == "succeeded"


async def test_when_the_configuration_server_is_away_the_install_fails_and_nothing_changed(site):
    port = free_port()
    final = await site.finished(site.send(site.install_payload(
        configuration_server={"host": "127.0.0.1", "port": port})))
    assert final["state"] == "failed"
    assert f"The Configuration Server at 127.0.0.1:{port} did not answer" in final["reason"]
    assert "The application was left as it was" in final["reason"]
    assert "Start control" in final["advice"]
    assert list(site.config.install_root.iterdir()) == []
    states = [report["state"] for report in site.said_of(final["job"]) if report["kind"] == "step"]
    assert states[-3:] == ["failed", "skipped", "skipped"]


async def test_a_directory_that_no_installation_made_is_not_installed_into(site):
    (site.target / "sub").mkdir(parents=True)
    (site.target / "notes.txt").write_text("somebody's own")
    final = await site.finished(site.send(site.install_payload()))
    assert final["state"] == "failed"
    assert f"{site.target} holds what no installation put there: notes.txt, sub." in final["reason"]
    assert "Choose another Working Directory" in final["advice"]
    assert sorted(path.name for path in site.target.iterdir()) == ["notes.txt", "sub"]
    (site.target / "notes.txt").unlink()
    (site.target / "sub").rmdir()


async def test_a_cancelled_install_ends_on_the_host_and_leaves_nothing(site):
    site.server.go_on.clear()
    job = site.send(site.install_payload())
    assert await asyncio.to_thread(site.server.asked.wait, 30)
    assert site.leftovers()
    site.celery.control.revoke(job, terminate=True, signal="SIGUSR1")
    final = await site.finished(job)
    assert final["state"] == "cancelled"
    assert list(site.config.install_root.iterdir()) == []
    site.server.go_on.set()
    assert (await site.finished(site.send(site.install_payload())))["state"] == "succeeded"


async def test_start_files_are_checked_and_repaired_by_jobs(site):
    await site.finished(site.send(site.install_payload()))
    about = {"directory": str(site.target), "log_on_as": "",
             "configuration_server": {"host": "127.0.0.1", "port": site.server.port}}
    (site.target / "run.sh").write_text("./MessageServer -host <host>\n")
    found = (await site.finished(site.send(site.payload("check_start_files", **about))))["result"]["start_files"]
    assert (found["equal"], found["starts"]) == (False, False)
    seen = {file["name"]: file["sha256"] for file in found["files"]}
    repaired = (await site.finished(site.send(site.payload("repair_start_files", seen=seen, **about))))["result"]
    assert (repaired["start_files"]["equal"], repaired["written"]) == (True, ["run.sh"])
    assert f"-port {site.server.port} -app MS_Primary" in (site.target / "run.sh").read_text()


async def test_a_cancelled_start_stops_the_server_again(site):
    result = (await site.finished(site.send(site.install_payload())))["result"]
    job = site.send(site.payload("start", startup_timeout=30, shutdown_timeout=5, **{
        key: result[key] for key in ("working_directory", "command_line", "command_line_arguments")}))
    running = await site.control.change("running")
    await until(lambda: "Waiting until it is ready" in site.log_of(job))
    site.celery.control.revoke(job, terminate=True, signal="SIGUSR1")
    assert (await site.finished(job))["state"] == "cancelled"
    assert (await site.control.change("exited")).planned
    assert not start_ticks(running.pid)


async def test_a_start_that_is_refused_leaves_the_running_server_alone(site):
    result = (await site.finished(site.send(site.install_payload())))["result"]
    fields = {key: result[key] for key in ("working_directory", "command_line", "command_line_arguments")}
    first = site.send(site.payload("start", startup_timeout=30, **fields))
    running = await site.control.change("running")
    await site.control.say(ApplicationStatus(application=APP, status="Started", mode="Primary", pid=running.pid))
    await site.finished(first)
    final = await site.finished(site.send(site.payload("start", startup_timeout=30, **fields)))
    assert final["state"] == "failed"
    assert f"already running (pid {running.pid})" in final["reason"]
    assert start_ticks(running.pid)


@pytest.mark.long
async def test_a_queued_job_that_is_revoked_never_runs(site):
    site.server.go_on.clear()
    for other in ("one", "two"):
        site.send({**site.install_payload(directory_name=uuid.uuid4().hex), "application": other})
    assert await asyncio.to_thread(site.server.asked.wait, 30)
    queued = site.send(site.install_payload())
    site.celery.control.revoke(queued, terminate=True, signal="SIGUSR1")
    # Control messages are handled in order: the answer comes after the revoke.
    assert await asyncio.to_thread(site.celery.control.ping, timeout=5)
    site.server.go_on.set()
    await until(lambda: f"Discarding revoked task: {RUN_JOB}[{queued}]" in site.worker_log())
    assert site.reports_of(queued) == []


@pytest.mark.long
async def test_when_the_pool_child_is_killed_the_job_is_lost_and_rolled_back(own_site):
    own_site.target.mkdir(parents=True)
    for name in ("MessageServer", "ip_description.xml", "checksums.sha256"):
        (own_site.target / name).write_text("the former program")
    own_site.server.go_on.clear()
    job = own_site.send(own_site.install_payload())
    assert await asyncio.to_thread(own_site.server.asked.wait, 30)
    os.kill(own_site.pool_child_of(job), signal.SIGKILL)
    final = await own_site.finished(job)
    assert final["state"] == "lost"
    assert "in the step “Connect to the Configuration Server”" in final["reason"]
    assert "The former installation, if there was one, is in place" in final["reason"]
    assert (own_site.target / "MessageServer").read_text() == "the former program"
    assert own_site.leftovers() == []


@pytest.mark.long
async def test_when_the_whole_worker_is_killed_the_next_one_finds_the_job_and_rolls_it_back(own_site):
    own_site.server.go_on.clear()
    job = own_site.send(own_site.install_payload())
    assert await asyncio.to_thread(own_site.server.asked.wait, 30)
    worker, child = own_site.worker_pid, own_site.pool_child_of(job)
    os.killpg(worker, signal.SIGKILL)
    await until(lambda: not start_ticks(child))
    final = await own_site.finished(job)
    assert final["state"] == "lost"
    assert own_site.leftovers() == []
    assert own_site.worker_pid != worker
    assert start_ticks(own_site.worker_pid)


@pytest.mark.long
async def test_pool_children_do_not_outlive_their_worker(own_site):
    worker = own_site.worker_pid
    children = [child.pid for child in psutil.Process(worker).children()]
    assert len(children) >= 2
    os.kill(worker, signal.SIGKILL)
    await until(lambda: not any(start_ticks(child) for child in children))


@pytest.mark.long
async def test_a_killed_agent_takes_its_worker_along_and_the_next_has_one_of_its_own(own_site):
    worker = own_site.worker_pid
    await asyncio.to_thread(own_site.agent.end, signal.SIGKILL)
    await until(lambda: not start_ticks(worker))
    own_site.agent.start()
    await own_site.worker_ready(times=2)
    assert own_site.worker_pid != worker
    assert (await own_site.finished(own_site.send(own_site.install_payload())))["state"] == "succeeded"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.long
async def test_the_agent_leaves_no_worker_behind(own_site, number):
    worker = psutil.Process(own_site.worker_pid)
    group = [worker.pid, *(child.pid for child in worker.children(recursive=True))]
    assert await asyncio.to_thread(own_site.agent.end, number) == 0
    assert not any(start_ticks(pid) for pid in group)


@pytest.mark.long
async def test_reports_wait_for_the_broker_and_arrive_complete(own_site, broker):
    own_site.server.go_on.clear()
    job = own_site.send(own_site.install_payload())
    assert await asyncio.to_thread(own_site.server.asked.wait, 30)
    await until(lambda: [each for each in own_site.said_of(job) if each.get("number") == 3])
    # What is sent after the save is lost with the broker.
    await until(lambda: own_site.said_of(job)[-1]["kind"] in ("log", "alive"))
    broker.client().save()
    broker.stop()
    own_site.server.go_on.set()
    body = own_site.config.jobs_dir / f"{job}.json"
    await until(lambda: json.loads(body.read_text())["state"] == "finished", 20)
    broker.start()
    for database in (0, 1):
        grant(broker.client(), database)
    own_site.connection.release()
    own_site.connection = Connection(own_site.broker)
    assert (await own_site.finished(job))["state"] == "succeeded"


async def test_no_secret_reaches_the_logs_or_the_command_lines(site):
    await site.finished(site.send(site.install_payload()))
    for pid in (site.agent.process.pid, site.worker_pid):
        assert SECRET not in " ".join(psutil.Process(pid).cmdline())
        assert password_of(SECRET) not in " ".join(psutil.Process(pid).cmdline())
    logs = "".join(path.read_text() for path in site.config.log_dir.iterdir())
    journal = "".join(path.read_text() for path in site.config.jobs_dir.iterdir())
    for secret in (SECRET, password_of(SECRET), "the application's secret"):
        assert secret not in logs + journal


async def test_jobs_that_are_forged_foreign_replayed_or_late_are_refused_and_the_console_is_told(own_site):
    site = own_site
    first = {**site.payload("check_start_files", directory=str(site.target), log_on_as="", configuration_server={
        "host": "127.0.0.1", "port": site.server.port}), "number": 7}
    held_back = {**first, "job": str(uuid.uuid4()), "number": 6, "issued_at": first["issued_at"] - 5}
    others = [({**first, "job": str(uuid.uuid4())}, "a guess", "was not made with this host's secret"),
              ({**first, "job": str(uuid.uuid4()), "host": "host-b"}, SECRET, "is for host 'host-b'"),
              ({**first, "job": str(uuid.uuid4()), "issued_at": time.time() - 49 * 3600}, SECRET, "more than 48 hours")]
    final = await site.finished(site.send(first))
    for payload, secret, _ in others:
        site.send(payload, secret=secret)
    site.send(first, task_id=str(uuid.uuid4()))
    late = await site.finished(site.send(held_back))
    assert late["state"] == "failed"
    assert f"came after job {first['job']}" in late["reason"]
    for words in ("A job was refused and not run", "was delivered again", "which was signed later"):
        await until(lambda words=words: words in site.refused(), 20)
    for payload, _, words in others:
        assert words in site.worker_log()
        assert not site.reports_of(payload["job"])
    assert {report["seq"] for report in site.reports_of(first["job"])} == set(range(1, final["seq"] + 1))

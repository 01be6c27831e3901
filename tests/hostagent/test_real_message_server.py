"""The real Message Server, from its real package: installed, started and stopped by jobs, then by hand."""

import asyncio
import socket
import subprocess
from pathlib import Path

import pytest

from console.up.windows_launcher import windows_launcher
from messageserver import packaging
from protocol.identity import start_ticks
from protocol.messages import ApplicationStatus, Watch
from tests.messageserver.conftest import application
from tests.messageserver.control_double import SECRET as APPLICATION_SECRET
from tests.messageserver.control_double import ControlDouble as ConfigurationServer
from tests.ports import free_port

from .doubles import until
from .site import APP, running_site


@pytest.fixture
async def site(tmp_path, broker):
    configuration = ConfigurationServer(application(free_port()))
    with running_site(tmp_path, broker, 2) as site:
        site.configuration = configuration
        site.package = site.console.serve(packaging.build(tmp_path, windows_launcher()))
        site.console.files["/secret"] = APPLICATION_SECRET.encode()
        async with site.control:
            await site.control.met()
            yield site
    configuration.close()


async def test_the_real_package_is_installed_started_stopped_and_started_by_hand(site):
    installed = await site.finished(site.send(site.install_payload(
        configuration_server={"host": "127.0.0.1", "port": site.configuration.port})))
    assert installed["state"] == "succeeded", installed["reason"]
    result = installed["result"]
    assert result["version"] == "8.5.100.01"
    assert (result["start_files"]["equal"], result["start_files"]["starts"]) == (True, True)
    assert site.configuration.hellos[0].purpose == "check"
    fields = {key: result[key] for key in ("working_directory", "command_line", "command_line_arguments")}

    job = site.send(site.payload("start", startup_timeout=20, shutdown_timeout=10, **fields))
    running = await site.control.change("running")
    await asyncio.to_thread(site.configuration.wait_report, state="started")
    assert site.configuration.hellos[-1].pid == running.pid, "the server itself is supervised, not its launcher"
    assert site.configuration.hellos[-1].started == running.started
    assert Path(f"/proc/{running.pid}/comm").read_text() == "MessageServer\n", "what pgrep finds it by"
    await site.control.say(ApplicationStatus(application=APP, status="Started", mode="Primary", pid=running.pid))
    assert (await site.finished(job))["result"] == {"pid": running.pid, "mode": "Primary"}

    stopped = await site.finished(site.send(site.payload("stop", graceful=True, shutdown_timeout=10,
                                                         suspending_wait_timeout=10)))
    assert stopped["result"] == {"exit_code": 0}

    by_hand = subprocess.Popen(["sh", "run.sh"], cwd=site.target, stdout=subprocess.DEVNULL)
    try:
        await until(lambda: site.configuration.hellos[-1].pid == by_hand.pid)
        heard = len(site.control.changes)
        await site.control.say(Watch(application=APP, pid=by_hand.pid, started=start_ticks(by_hand.pid)))
        assert (await site.control.change("running", after=heard)).by_hand
        refused = await site.finished(site.send(site.payload("start", startup_timeout=20, **fields)))
        assert f"already running (pid {by_hand.pid}, started by hand)" in refused["reason"]
        assert (await site.finished(site.send(site.payload("stop", shutdown_timeout=10))))["state"] == "succeeded"
        assert by_hand.wait(10) == 0
    finally:
        by_hand.kill()
        by_hand.wait()


async def test_a_second_installation_keeps_the_messages_and_a_failed_one_changes_nothing(site):
    server = {"host": "127.0.0.1", "port": site.configuration.port}
    await site.finished(site.send(site.install_payload(configuration_server=server)))
    (site.target / "data").mkdir(exist_ok=True)
    (site.target / "data" / "kept").write_text("messages")
    again = await site.finished(site.send(site.install_payload(configuration_server=server)))
    assert (again["state"], (site.target / "data" / "kept").read_text()) == ("succeeded", "messages")
    assert (site.target / again["result"]["backup"].rsplit("/", 1)[1] / "run.sh").is_file()
    before = sorted(path.name for path in site.target.iterdir())
    site.configuration.stop()
    failed = await site.finished(site.send(site.install_payload(configuration_server=server)))
    assert (failed["state"], sorted(path.name for path in site.target.iterdir())) == ("failed", before)
    assert "did not answer" in failed["reason"]
    site.configuration.start()


@pytest.mark.long
async def test_a_configuration_server_that_accepts_and_is_silent_is_named_as_one_that_does_not_answer(site):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel accepts, and nobody speaks
        port = silent.getsockname()[1]
        failed = await site.finished(site.send(site.install_payload(
            configuration_server={"host": "127.0.0.1", "port": port})))
    assert failed["state"] == "failed"
    assert f"The Configuration Server at 127.0.0.1:{port} did not answer." in failed["reason"]
    assert "00-03000" in failed["reason"]
    assert "restart it if it runs and is silent" in failed["advice"]

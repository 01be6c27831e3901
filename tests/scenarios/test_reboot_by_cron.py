"""A machine without systemd, with cron: its agent comes back when the machine was powered off and on."""

import os
import shutil
import subprocess

import pytest

from .harness import PATIENCE, Pairwise, wait_for
from .joining import Machine, console_beside, created, host_of, line_of

CRON = shutil.which("cron", path=os.environ.get("PATH", "") + ":/usr/sbin")
pytestmark = [pytest.mark.long, pytest.mark.skipif(CRON is None, reason="needs the package cron")]
BACK_S = 60 * PATIENCE


class CronMachine(Machine):
    """Has a crontab of its own, which outlives its power, and a cron that starts with it."""

    def boot(self) -> None:
        super().boot()
        tables = self.directory / "crontabs"
        tables.mkdir(exist_ok=True)
        for command in (["mount", "-t", "tmpfs", "tmpfs", "/run"],
                        ["mount", "--bind", str(tables), "/var/spool/cron/crontabs"]):
            subprocess.run([*self.everything, *command], check=True)
        self.cron = subprocess.Popen([*self.everything, CRON, "-f"], stdin=subprocess.DEVNULL)

    def close(self) -> None:
        super().close()
        self.cron.wait(10)


def test_an_agent_in_the_background_comes_back_by_cron(hosts_allowed, tmp_path_factory):
    directory = tmp_path_factory.mktemp("cron")
    with console_beside(directory, "epsilon", kind=CronMachine) as (run, machine):
        joined_and_back(run.start(), machine, directory / "agent")


def joined_and_back(run: Pairwise, machine: CronMachine, home) -> None:
    browser = run.browser()
    page = created(browser, machine)
    done = machine.paste(f"{line_of(page.text)} --directory {home}")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    address = page.url.removeprefix(run.address)
    assert "cron starts it again after a restart of the machine." in browser.get(address).text
    wait_for(lambda: "cron starts the agent." in browser.get(f"{address}ladder/").text, 15, "the agent says so", 0.5)

    machine.power_off()
    machine.cron.wait(10)
    wait_for(lambda: host_of(run, machine.name)["status"] == "Disconnected", BACK_S, "the host off")
    machine.boot()
    wait_for(lambda: host_of(run, machine.name)["worker_alive"], BACK_S, "the agent back")
    removed = machine.paste(f"python3 {home}/current/remove.py")
    assert removed.returncode == 0, removed.stderr
    assert machine.run("crontab", "-l").stdout.strip() == ""

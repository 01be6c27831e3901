"""Agents and Message Servers of the former version go on with this console, and are upgraded one after the other while
their pair serves (docs/upgrading.md)."""

import json
import shutil
from pathlib import Path

import pytest

from protocol.version import VERSION

from . import former
from .harness import ROOT, wait_for
from .pairs import Pair, under_load
from .site import Site

pytestmark = [pytest.mark.long,
              pytest.mark.skipif(bool(former.why_none()), reason=former.why_none())]
FORMER, NEW = "8.5.101.01", "8.5.101.02"
"""Numbers of packages, above that of the package which the console made."""


class Upgraded:
    """A site whose hosts run what ``programs`` leads to: the former version, until it is another one."""

    def __init__(self, site: Site, directory: Path):
        self.site, self.directory = site, directory
        self.former = former.unpacked(directory / "former")
        for host in site.hosts.values():
            host.program = directory / f"program-{host.name}"
            host.program.symlink_to(self.former)

    def import_package(self, programs: Path, number: str) -> None:
        self.site.pairwise.manage("import_package", str(former.package_of(programs, number)))

    def upgrade_agent(self, name: str) -> None:
        """As the pasted line does it: another program in its place, and the agent started anew."""
        host = self.site.hosts[name]
        host.program.unlink()
        host.program.symlink_to(ROOT)
        host.kill_agent()

    def agent(self, name: str) -> str:
        """The version of a host's agent, as the console shows it."""
        return self.site.pairwise.ask("agent", name=name)["version"]

    def new_programs(self) -> Path:
        made = self.directory / "new"
        for each in former.ON_HOSTS:
            shutil.copytree(ROOT / each, made / each, ignore=shutil.ignore_patterns("__pycache__"))
        return made


@pytest.fixture(scope="module")
def upgraded(hosts_allowed, tmp_path_factory):
    directory = tmp_path_factory.mktemp("former")
    with Site(directory / "site", boot=False) as site:
        made = Upgraded(site, directory)
        made.import_package(made.former, FORMER)
        site.boot()
        yield made


@pytest.fixture(scope="module")
def pair(upgraded):
    return Pair(upgraded.site, "upgraded")


def switch_over(pair: Pair) -> None:
    active, other = pair.active, pair.standby
    done = pair.site.pairwise.command_line("switchover", active.name, "--wait", "--json")
    assert json.loads(done.stdout)["active"] == other.name
    pair.wait_whole(by=other)


def versions(pair: Pair) -> set[str]:
    return {member.facts()["version"] for member in pair.members}


@pytest.mark.timeout(600)
def test_agents_and_servers_of_the_former_version_are_started_switched_over_and_stopped(upgraded, pair):
    pair.wait_whole()
    assert versions(pair) == {FORMER}
    assert {upgraded.agent(name) for name in upgraded.site.hosts} != {VERSION}
    with under_load(pair):
        switch_over(pair)
    active = pair.active
    with under_load(pair) as ledger:
        fault = ledger.fault(active.kill)
        fault.outage()
    for member in pair.members:
        member.stop()
        member.wait("Stopped")
    pair.start()


@pytest.mark.timeout(600)
def test_agents_are_upgraded_under_servers_that_go_on(upgraded, pair):
    pair.wait_whole()
    before = {member.name: member.pid() for member in pair.members}
    with under_load(pair):
        for name in upgraded.site.hosts:
            upgraded.upgrade_agent(name)
            wait_for(lambda name=name: upgraded.agent(name) == VERSION, 30, f"the new agent of {name}")
            upgraded.site.wait_host(name)
    assert {member.name: member.pid() for member in pair.members} == before
    assert versions(pair) == {FORMER}


@pytest.mark.timeout(600)
def test_a_pair_is_upgraded_member_by_member_and_serves_on(upgraded, pair):
    upgraded.import_package(upgraded.new_programs(), NEW)
    with under_load(pair):
        for _ in pair.members:
            standby = pair.standby
            standby.stop()
            upgraded.site.run_jobs("install", standby.name)
            standby.start()
            pair.wait_whole()
            assert standby.facts()["version"] == NEW
            # Of two versions either may serve.
            switch_over(pair)
    assert versions(pair) == {NEW}

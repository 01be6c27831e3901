"""Redis, the network or the console is away for a while, with jobs at every point of their work."""

import hashlib
import os
import signal

import pytest
import yaml

from .applications import message_server
from .harness import wait_for
from .outages import OUTAGES, SLOW_KBIT, Customer, HeldJob
from .site import Site

pytestmark = pytest.mark.long

WAIT_STOP = 1
"""Number of the step of a stop in which the server is waited for."""
PORTS = {"bystander": 7900, "victim": 7901, "fetched": 7902, "stopped": 7903, "asked": 7904, "unpacked": 7905,
         "started": 7906, "queued": 7907}
"""Client ports. All but the first two are named by where their job is when the outage begins."""
ON_BETA = ("unpacked", "started", "queued")
RUNS = ("bystander", "victim", "stopped")
BEGUN = {"install": "Installing ", "start": "The process was started", "stop": "Process "}
"""How the first line begins that a job writes into its log."""
NOTICED_S = 40.0
TOLD_S = 15.0
"""A host worker notices within this that its connection to the broker is open at one end only."""
SERVED_S = 2.0
"""A client beside the server waits less than this for a receipt, on a busy machine."""


class Farm:
    """Eight servers on the two hosts of a site; ``reset`` brings them to where every scenario begins."""

    def __init__(self, site: Site):
        self.site = site
        path = site.directory / "farm.yaml"
        path.write_text(yaml.safe_dump({"applications": [
            message_server(name, host=self.host(name).name, auto_restart=name == "victim", startup_timeout=60,
                           ports=[{"id": "default", "port": port, "protocol": "stomp"}])
            for name, port in PORTS.items()]}))
        site.pairwise.manage("apply", str(path), "--yes")
        site.run_jobs("install", *PORTS)
        self.reset()

    def host(self, name: str):
        return self.site.hosts["beta" if name in ON_BETA else "alpha"]

    def facts(self) -> dict[str, dict]:
        return {each["name"]: each for each in self.site.pairwise.status()["applications"] if each["name"] in PORTS}

    def reset(self) -> None:
        facts = self.facts()
        started = {name for name in PORTS if facts[name]["status"] == "Started"}
        self.site.run_jobs("start", *sorted(set(RUNS) - started))
        self.site.run_jobs("stop", *sorted(started - set(RUNS)))
        for package in (self.host("fetched").state / "packages").glob("*"):
            package.unlink()

    def held(self, verb: str, name: str) -> HeldJob:
        return HeldJob(self.site, self.host(name), verb, name)

    def processes(self, name: str) -> list[int]:
        """Of the server of this name, as this machine calls them."""
        return self.host(name).servers(name)

    def files(self, name: str) -> dict[str, str]:
        """What is installed: SHA-256 by name."""
        root = self.host(name).apps / name
        return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in root.rglob("*") if path.is_file() and "backup_" not in str(path)}

    def check_truth(self, running: set[str]) -> None:
        """These run, each as one process, the others do not, and the rows say so once control has heard everybody
        again."""
        wait_for(lambda: all(facts["status"] == ("Started" if name in running else "Stopped")
                             for name, facts in self.facts().items()), TOLD_S, "rows that say what runs")
        for name, facts in self.facts().items():
            processes = self.processes(name)
            assert len(processes) == (name in running), f"{name}: {processes}"
            if processes:
                assert self.host(name).real_pid(facts["pid"]) == processes[0]
        for host in self.site.hosts.values():
            assert not list(host.apps.glob(".*.new-*"))

    @staticmethod
    def check_once(job: HeldJob, log: list[str]) -> None:
        """The host worked on the job one time, and its log is whole."""
        assert job.journal["state"] == "finished"
        begun = [text for text in log if text.startswith(BEGUN[job.verb])]
        assert len(begun) == 1, log
        assert not [text for text in log if "never arrived" in text]

    def logs(self) -> dict[str, str]:
        return self.site.logs()


@pytest.fixture(scope="module")
def farm(site):
    made = Farm(site)
    yield made
    site.run_jobs("stop", *(name for name, facts in made.facts().items() if facts["status"] == "Started"))


@pytest.fixture
def mended(farm):
    """The farm, and everything in its place again after a scenario that failed in the middle."""
    farm.reset()
    yield farm
    site = farm.site
    site.pairwise.process.send_signal(signal.SIGCONT)
    site.redis.mend()
    site.mend()
    for host in site.hosts.values():
        site.lan.slow_down(host.number, 0)
        site.wait_host(host.name)


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_leaves_servers_alone_and_every_job_ends_truthfully_and_once(mended, outage):
    farm, site = mended, mended.site
    customer, before = Customer(farm.host("bystander"), PORTS["bystander"]), farm.processes("bystander")
    files = {name: farm.files(name) for name in ("fetched", "unpacked")}
    jobs = jobs_at_every_point(farm)
    OUTAGES[outage].begin(site)
    jobs["asked"] = farm.held("start", "asked").ask()
    [victim] = farm.processes("victim")
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: set(farm.processes("victim")) - {victim}, 20, "the restart of victim")
    for job in jobs.values():
        job.go_on()
    jobs["stopped"].wait_over_on_the_host()
    OUTAGES[outage].end(site)
    site.lan.slow_down(farm.host("fetched").number, 0)
    ends = {name: site.wait_job(job.job) for name, job in jobs.items()}
    succeeded = {name for name, end in ends.items() if end["state"] == "succeeded"}
    # Where control and console cannot be reached nothing can be started or installed: those jobs fail and say so.
    assert succeeded == set(ends) or outage in ("console-killed", "link-cut"), ends
    assert "stopped" in succeeded
    for name in set(ends) - succeeded:
        assert ends[name]["state"] == "failed", ends
        assert "onfiguration Server" in ends[name]["reason"] or "The console at" in ends[name]["reason"], ends
        assert jobs[name].verb == "start" or farm.files(name) == files[name]
    for host in site.hosts.values():
        site.wait_host(host.name)
    site.pairwise.wait_status("victim", "Started")
    farm.check_truth(running={"bystander", "victim", *(succeeded & {"started", "queued", "asked"})})
    for name, end in ends.items():
        farm.check_once(jobs[name], end["log"])
    assert farm.processes("bystander") == before
    said = customer.leave()
    assert (said["errors"], said["longest_s"] < SERVED_S, said["answers"] > 0) == ([], True, True), said
    farm.reset()
    site.run_jobs("install", "fetched", "unpacked")


def test_a_job_that_a_cut_link_swallowed_runs_once_the_worker_has_noticed_and_the_link_is_back(mended):
    farm, site, host = mended, mended.site, mended.host("asked")
    log = host.state / "logs" / "worker.log"
    read = log.stat().st_size
    host.cut()
    # Redis hands it to a connection whose other end it does not know to be gone.
    job = farm.held("start", "asked").ask()
    wait_for(lambda: b"Connection to broker lost" in log.read_bytes()[read:], NOTICED_S, "the worker's notice")
    host.heal()
    end = site.wait_job(job.job)
    assert end["state"] == "succeeded", end
    farm.check_once(job, end["log"])
    farm.check_truth(running={*RUNS, "asked"})


def jobs_at_every_point(farm) -> dict[str, HeldJob]:
    """One job during the fetch of its package, one while unpacking, one waiting for Started, one that stops a server,
    and one that waits in the queue behind them."""
    jobs = {"stopped": farm.held("stop", "stopped"), "started": farm.held("start", "started"),
            "unpacked": farm.held("install", "unpacked"), "fetched": farm.held("install", "fetched"),
            "queued": farm.held("start", "queued")}
    [server] = farm.processes("stopped")
    jobs["stopped"].freeze(server)
    for name in ("stopped", "started"):
        jobs[name].ask()
    jobs["started"].freeze_server()
    jobs["unpacked"].ask().freeze_work()
    jobs["stopped"].wait_step(WAIT_STOP)
    farm.site.lan.slow_down(farm.host("fetched").number, SLOW_KBIT)
    jobs["fetched"].ask()
    part = farm.host("fetched").state / "packages"
    wait_for(lambda: list(part.glob("*.part")), 20, "the fetch under way", every=0.01)
    jobs["queued"].ask()
    return jobs

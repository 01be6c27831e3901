"""Fifty hosts, each with an agent and a worker: what they cost the console, and whether it slows down.

    python -m bench.fifty_hosts [-hosts 50] [-seconds 20]

The console (web, control, console worker) is measured alone and with all hosts joined and reporting: its memory
(PSS), its processor time, the page of the list of hosts, and a job that asks one host something. The hosts are
namespaces of this machine. Needs root.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.scenarios.browserless import Browserless
from tests.scenarios.harness import Pairwise
from tests.scenarios.hosts import VirtualHost, why_no_hosts
from tests.scenarios.site import Site

HOSTS = "/provisioning/environment/hosts/?size=100"
CONSOLE = ("web", "control", "console-worker")
PAGES = 20


def tree(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def memory_mb(processes: list[psutil.Process]) -> float:
    """Proportional share of memory: what two processes share counts half in each."""
    return sum(process.memory_full_info().pss for process in processes) / 1e6


def cpu_s(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def console(run: Pairwise) -> list[psutil.Process]:
    children = json.loads((run.data_dir / "run.json").read_text())["children"]
    return [process for name in CONSOLE if name in children for process in tree(children[name]["pid"])]


def look(run: Pairwise, browser: Browserless, seconds: float) -> dict:
    """One look at the console: memory, processor time in percent of one core, the list of hosts."""
    processes = console(run)
    before, begun = cpu_s(processes), time.monotonic()
    pages = []
    for _ in range(PAGES):
        start = time.monotonic()
        assert browser.get(HOSTS).status == 200
        pages.append(time.monotonic() - start)
        time.sleep(seconds / PAGES)
    used = cpu_s(processes) - before
    return {"memory_mb": round(memory_mb(processes), 1),
            "cpu_percent": round(100 * used / (time.monotonic() - begun), 1),
            "page_ms": round(statistics.median(pages) * 1000, 1), "page_worst_ms": round(max(pages) * 1000, 1)}


def host_mb(host: VirtualHost) -> float:
    """The agent and its worker; no server runs."""
    return memory_mb(tree(host.agent_pid()))


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.fifty_hosts", allow_abbrev=False)
    parser.add_argument("-hosts", type=int, default=50)
    parser.add_argument("-seconds", type=float, default=20)
    given = parser.parse_args()
    if why := why_no_hosts():
        print(f"bench.fifty_hosts: {why}", file=sys.stderr)
        return 0
    names = tuple(f"host{number:02}" for number in range(1, given.hosts + 1))
    with (tempfile.TemporaryDirectory(prefix="pairwise-bench-") as directory,
          Site(Path(directory), hosts=names, disk_mb=1, boot=False) as site):
        browser = site.pairwise.browser()
        look(site.pairwise, browser, 2)  # what is loaded at the first request is no cost of the hosts
        alone = look(site.pairwise, browser, given.seconds)
        begun = time.monotonic()
        site.boot()
        joined_s = time.monotonic() - begun
        with_hosts = look(site.pairwise, browser, given.seconds)
        memory = sorted(host_mb(host) for host in site.hosts.values())
    print(json.dumps({
        "bench": "fifty_hosts", "hosts": given.hosts, "all_joined_s": round(joined_s, 1), "alone": alone,
        "with_hosts": with_hosts,
        "memory_per_host_mb": round((with_hosts["memory_mb"] - alone["memory_mb"]) / given.hosts, 3),
        "page_ratio": round(with_hosts["page_ms"] / alone["page_ms"], 2),
        "agent_and_worker_mb": {"median": round(statistics.median(memory), 1), "worst": round(memory[-1], 1)}}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Install and start on 1, 5 and 20 hosts: the console beside ansible-playbook doing the same steps over SSH.

    python -m bench.deploy [-hosts 1 5 20] [-rounds 3]

Every host is a set of namespaces of this machine with its own network, agent and sshd; both work on the same hosts, in
turn, on applications of their own. The console: from the POST of Install to the end of the last job, then from the POST
of Start to the last server Started. ansible: one playbook with the steps of Install and Start, 20 forks, pipelining on,
no facts gathered, its SSH connections kept open between tasks. Beside the seconds stand the processor seconds a host by
kind of process, which can be compared on a machine that does other work too. Needs root; without ansible or sshd the
console is measured alone.
"""

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.scenarios.applications import message_server
from tests.scenarios.browserless import Browserless
from tests.scenarios.harness import ROOT, wait_for
from tests.scenarios.hosts import why_no_hosts
from tests.scenarios.site import Site

from . import _ansible, _cpu

LIST = "/provisioning/environment/applications/"
BATCH_S = 300
PROGRAM = """
import json
import django
django.setup()
from provisioning.models import Application
print(json.dumps({row.name: row.secret for row in Application.objects.all()}))
"""
JOB = re.compile(r"/operations/jobs/[0-9a-f-]{36}/")
ENDED = re.compile(r"(\d+) of (\d+) ended, (\d+) succeeded")


@dataclass(frozen=True)
class Took:
    """``seconds`` by the clock, ``processor`` seconds by kind of process, ``busy``: the share of this machine's cores
    that worked, for whomever."""

    seconds: float
    processor: Counter[str]
    busy: float


@contextlib.contextmanager
def measured(results: list[Took]) -> Iterator[None]:
    """Append what the body took."""
    before, busy, begun = _cpu.look(), _cpu.busy_s(), time.monotonic()
    yield
    seconds = time.monotonic() - begun
    busy = (_cpu.busy_s() - busy) / seconds / (os.cpu_count() or 1)
    results.append(Took(seconds, _cpu.spent(before, _cpu.look()), busy))


class Console:
    """What an administrator does in the list: select, Install, Start, Stop, and watch the grid."""

    def __init__(self, site: Site):
        self.site = site
        self.browser: Browserless = site.pairwise.browser()

    def apply(self, entries: list[dict]) -> None:
        path = self.site.directory / "bench.yaml"
        path.write_text(yaml.safe_dump({"applications": entries}))
        self.site.pairwise.manage("apply", str(path), "--yes", timeout=BATCH_S)

    def keys(self) -> dict[str, str]:
        """{name: the id that the list knows it by}."""
        page = self.browser.get(f"{LIST}?size=200").text
        return {name: key for key, name in re.findall(rf'href="{LIST}(\d+)/"[^>]*>([^<]+)</a>', page)}

    def together(self, verb: str, names: list[str]) -> Took:
        """From the POST until the last job has succeeded. Raises RuntimeError when one did not."""
        keys, took = self.keys(), []
        with measured(took):
            self._together(verb, names, keys)
        return took[0]

    def _together(self, verb: str, names: list[str], keys: dict[str, str]) -> None:
        if verb == "install" and len(names) == 1:
            page = self.browser.post(f"{LIST}{keys[names[0]]}/install/", {"path": ""})
        else:
            page = self.browser.post(f"{LIST}action/", {"verb": verb, "confirmed": "1",
                                                        "ids": [keys[name] for name in names]})
        address = page.url.removeprefix(self.browser.address)
        if len(names) > 1:
            self._batch_ended(address)
        else:
            self._job_ended(address if JOB.fullmatch(address) else JOB.search(page.text)[0])

    def _batch_ended(self, address: str) -> None:
        def ended() -> bool:
            found = ENDED.search(self.browser.get(address).text)
            if found[1] == found[2] != found[3]:
                raise RuntimeError(re.sub(r"<[^>]+>|\s+", " ", self.browser.get(address).text)[:3000])
            return found[1] == found[2]

        wait_for(ended, BATCH_S, "the end of the jobs", every=0.2)

    def _job_ended(self, address: str) -> None:
        def ended() -> bool:
            text = self.browser.get(address).text
            if "outcome-broken" in text:
                raise RuntimeError(re.sub(r"<[^>]+>|\s+", " ", text)[:3000])
            return "outcome-ok" in text

        wait_for(ended, BATCH_S, "the end of the job", every=0.05)


def names_of(who: str, size: int, round_: int) -> list[str]:
    return [f"{who}_{size}_{round_}_{number}" for number in range(1, size + 1)]


def report(size: int, console: list[tuple[Took, Took]], peer: list[float]) -> dict:
    """``console``: install and start of each round; ``peer``: seconds of the playbook, empty without it."""
    ours = [install.seconds + start.seconds for install, start in console]
    figures = {"bench": "deploy", "hosts": size, "rounds": len(console), "console_s": round(statistics.median(ours), 2)}
    for verb, each in zip(("install", "start"), zip(*console, strict=True), strict=True):
        processor = sum((took.processor for took in each), Counter())
        figures |= {f"{verb}_s": round(statistics.median(took.seconds for took in each), 2),
                    f"{verb}_busy": round(statistics.median(took.busy for took in each), 2),
                    f"{verb}_cpu_s_a_host": _cpu.per_host(processor, size * len(each))}
    if not peer:
        return figures
    ratios = sorted(theirs / mine for mine, theirs in zip(ours, peer, strict=True))
    return figures | {"ansible_s": round(statistics.median(peer), 2), "ratio": round(statistics.median(ratios), 2),
                      "ratios": [round(ratio, 2) for ratio in ratios]}


def measure(site: Site, console: Console, peer: _ansible.Ansible | None, size: int, rounds: int) -> dict:
    hosts = list(site.hosts.values())[:size]
    ours, theirs = [], []
    for number in range(rounds):
        mine, other = names_of("Console", size, number), names_of("Ansible", size, number)
        entries = [message_server(name, host=host.name) for names in (mine, other)
                   for name, host in zip(names, hosts, strict=True)]
        console.apply(entries)
        ours.append((console.together("install", mine), console.together("start", mine)))
        console.together("stop", mine)
        if peer is None:
            continue
        secrets = read_secrets(site)
        ports = {entry["name"]: entry["ports"][0]["port"] for entry in entries}
        targets = [_ansible.Target(host, name, secrets[name], ports[name])
                   for name, host in zip(other, hosts, strict=True)]
        theirs.append(peer.run(targets))
        peer.stop(targets)
    return report(size, ours, theirs)


def read_secrets(site: Site) -> dict[str, str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, env=site.pairwise.environment, check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


def package_of(site: Site) -> Path:
    return next((site.pairwise.data_dir / "build").glob("IP_*.tar.gz"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.deploy", allow_abbrev=False)
    parser.add_argument("-hosts", type=int, nargs="+", default=[1, 5, 20])
    parser.add_argument("-rounds", type=int, default=3)
    given = parser.parse_args()
    if why := why_no_hosts():
        print(f"bench.deploy: {why}", file=sys.stderr)
        return 0
    if why := _ansible.why_not():
        print(f"bench.deploy: the console alone; {why}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="pairwise-bench-") as directory:
        names = tuple(f"host{number:02}" for number in range(1, max(given.hosts) + 1))
        with Site(Path(directory), hosts=names) as site:
            peer = contextlib.nullcontext() if why else _ansible.ansible(
                Path(directory) / "peer", package_of(site), (site.console.address, site.pairwise.control_port),
                site.pairwise.data_dir / "tls" / "ca.pem", list(site.hosts.values()))
            with peer as other:
                console = Console(site)
                for size in given.hosts:
                    print(json.dumps(measure(site, console, other, size, given.rounds)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

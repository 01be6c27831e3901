"""What can be away for a while, and jobs that are held at one point of their work meanwhile."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .harness import wait_for
from .hosts import VirtualHost
from .site import Site

LOGIN, PASSCODE = "bench", "benchpass"
CUSTOMER = Path(__file__).with_name("customer.py")
SLOW_KBIT = 120
"""With it the package takes some seconds to the host."""
UNPACK = 1
CONSOLE_PARTS = ("web", "control", "console-worker")


@dataclass(frozen=True)
class Outage:
    """``begin`` takes it away, ``end`` brings it back; both return at once."""

    begin: Callable[[Site], None]
    end: Callable[[Site], None]


def _cut_hosts(site: Site) -> None:
    for host in site.hosts.values():
        host.cut()


def _heal_hosts(site: Site) -> None:
    for host in site.hosts.values():
        host.heal()


def _kill_console(site: Site) -> None:
    up = site.pairwise.process
    # Frozen, it does not start them again until the outage is over.
    up.send_signal(signal.SIGSTOP)
    for part in CONSOLE_PARTS:
        os.kill(site.pairwise.child(part), signal.SIGKILL)


def _go_on(site: Site) -> None:
    site.pairwise.process.send_signal(signal.SIGCONT)


OUTAGES = {
    "redis-killed": Outage(lambda site: site.redis.kill(), lambda site: site.redis.start()),
    "redis-frozen": Outage(lambda site: site.redis.freeze(), lambda site: site.redis.thaw()),
    "link-cut": Outage(_cut_hosts, _heal_hosts),
    "console-killed": Outage(_kill_console, _go_on),
}


class HeldJob:
    """A job of one application on one host, to be held at some point of its work and let go."""

    def __init__(self, site: Site, host: VirtualHost, verb: str, application: str):
        self.site, self.host, self.verb, self.application = site, host, verb, application
        self.job = ""
        self._frozen = 0

    def __repr__(self) -> str:
        return f"{self.verb} {self.application}"

    def ask(self) -> "HeldJob":
        answer = self.site.pairwise.ask(self.verb, name=self.application)
        assert answer["ok"], f"{self}: {answer['reason']}"
        self.job = answer["facts"]["job"]
        return self

    # --- the host's truth -------------------------------------------------------------------------------------

    @property
    def journal(self) -> dict:
        """What the host has written down of it, {} before it took it."""
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            return json.loads((self.host.state / "jobs" / f"{self.job}.json").read_text())
        return {}

    def wait_step(self, number: int) -> None:
        wait_for(lambda: self.journal.get("step", -1) >= number, 20, f"step {number} of {self}", every=0.002)

    def wait_over_on_the_host(self) -> None:
        wait_for(lambda: self.journal.get("state") == "finished", 20, f"the end of {self} on its host")

    # --- holding it -------------------------------------------------------------------------------------------

    def freeze(self, pid: int) -> None:
        """Stop a process, as this machine calls it, until ``go_on``."""
        self._frozen = pid
        os.kill(pid, signal.SIGSTOP)

    def freeze_work(self) -> None:
        """The process that works on the job stands still in or soon after the step Check and unpack."""
        self.wait_step(UNPACK)
        self.freeze(self.host.real_pid(self.journal["process"]["pid"]))

    def freeze_server(self) -> None:
        """The server that the job has just started stands still, so it cannot become ready."""
        pid = wait_for(lambda: self.journal.get("notes", {}).get("pid"), 20, f"the process of {self}", every=0.002)
        self.freeze(self.host.real_pid(pid))

    def go_on(self) -> None:
        frozen, self._frozen = self._frozen, 0
        if frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(frozen, signal.SIGCONT)


class Customer:
    """A client beside the server, on its host: whatever the network does, it sends and wants its receipts."""

    def __init__(self, host: VirtualHost, port: int):
        self._process = subprocess.Popen(
            [*host.prefix, sys.executable, str(CUSTOMER), host.address, str(port), LOGIN, PASSCODE], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def leave(self) -> dict:
        """{"answers", "longest_s", "errors"}"""
        said, _ = self._process.communicate(timeout=30)
        return json.loads(said)

"""A pair of Message Servers on two hosts of a site, and what may happen to each member."""

import contextlib
import itertools
import os
import shutil
import signal
import sqlite3
from pathlib import Path

import yaml

from .applications import message_server
from .harness import wait_for
from .hosts import VirtualHost
from .ledger import Fault, Ledger
from .site import Site

LOGIN, PASSCODE = "bench", "benchpass"
WHOLE_S = 30.0
BALLAST = "ballast"
_numbers = itertools.count()


class Member:
    """One Message Server of a pair. What breaks it is undone by what stands below it."""

    def __init__(self, site: Site, name: str, host: VirtualHost, port: int, sync_port: int, directory: str):
        self.site, self.name, self.host = site, name, host
        self.port, self.sync_port, self.directory = port, sync_port, directory
        self._frozen = 0

    def __repr__(self) -> str:
        return self.name

    @property
    def address(self) -> tuple[str, int]:
        return self.host.address, self.port

    def facts(self) -> dict:
        return self.site.pairwise.application(self.name)

    def wait(self, status: str, timeout: float = 20, **fields) -> dict:
        return self.site.pairwise.wait_status(self.name, status, timeout, **fields)

    @property
    def files(self) -> Path:
        """Its Working Directory, as this machine sees it."""
        return self.site.lan.seen_from_here(Path(self.facts()["working_directory"]))

    # --- its process ------------------------------------------------------------------------------------------

    def pid(self) -> int:
        """As this machine calls it. Raises ProcessLookupError while it does not run."""
        return self.host.real_pid(self.facts()["pid"])

    def kill(self) -> None:
        os.kill(self.pid(), signal.SIGKILL)

    def freeze(self) -> None:
        self._frozen = self.pid()
        os.kill(self._frozen, signal.SIGSTOP)

    def thaw(self) -> None:
        """Once it has been silent for its heart-beat period, its agent has put another process in its place."""
        frozen, self._frozen = self._frozen, 0
        if frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(frozen, signal.SIGCONT)

    def mend(self) -> None:
        """Undo whatever was done to it."""
        self.thaw()
        self.host.machine.mend()
        self.empty_disk()
        self.repair()

    def stop(self) -> None:
        self.site.run_jobs("stop", self.name)

    def start(self) -> None:
        self.site.run_jobs("start", self.name)

    def start_again(self, timeout: float = 40) -> None:
        """Start it until it is Started; a start fails while control is away, and somebody has to ask again."""
        def started() -> bool:
            status = self.facts()["status"]
            if status in ("Stopped", "Gave Up"):
                self.site.pairwise.ask("start", name=self.name)
            return status == "Started"

        wait_for(started, timeout, f"the start of {self}", every=0.2)

    # --- its files --------------------------------------------------------------------------------------------

    def disk(self, **states: str) -> None:
        """What the disk of its messages does from now on: see Machine.disk."""
        self.host.machine.disk(Path(self.facts()["working_directory"]) / "data", **states)

    def fill_disk(self) -> None:
        """Not a byte is left where its messages go."""
        fill_disk(self.files / BALLAST)

    def empty_disk(self) -> None:
        (self.files / BALLAST).unlink(missing_ok=True)

    def lived_s(self) -> float:
        """Seconds of real time that its store has noted to have lived."""
        with contextlib.closing(sqlite3.connect(f"file:{self.files}/data/messages.db?mode=ro", uri=True)) as store:
            return store.execute("SELECT value FROM meta WHERE key = 'lived'").fetchone()[0]

    def spoil(self) -> None:
        """It cannot be started any more: its program ends with an error."""
        program = self.files / "MessageServer"
        program.rename(self.files / "MessageServer.kept")
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)

    def repair(self) -> None:
        kept = self.files / "MessageServer.kept"
        if kept.exists():
            kept.rename(self.files / "MessageServer")

    def wipe(self) -> None:
        """Its messages are gone."""
        shutil.rmtree(self.files / "data")


class Pair:
    """Installed and started on return; ``members`` in the order primary, backup.

    ``small_disk`` puts both on the small disks of their hosts; ``more_ports`` are beside the two that each has;
    ``fields`` and ``options`` are the applications'.
    """

    def __init__(self, site: Site, name: str, *, small_disk: bool = False, options: dict | None = None,
                 more_ports: tuple[dict, ...] = (), **fields):
        self.site, self.name, self._more_ports = site, name, more_ports
        number = next(_numbers)
        self.members = tuple(
            Member(site, f"{name}_{letter}", host, 7000 + 10 * number, 7001 + 10 * number,
                   str(host.disk / f"{name}_{letter}") if small_disk else ".")
            for letter, host in zip("AB", site.hosts.values(), strict=True))
        clients = {"clients": {LOGIN: PASSCODE}, "log": {"verbose": "trace", "all": "stdout, network"}}
        fields = {"auto_restart": True, "options": {**clients, **(options or {})}, **fields}
        link = {"backup": self.members[1].name, "redundancy_type": "warm standby"}
        self._apply([message_server(member.name) | self.placed(member) | fields | more
                     for member, more in zip(self.members, (link, {}), strict=True)])
        self._run_jobs("install")
        self.start()

    def _run_jobs(self, verb: str) -> None:
        self.site.run_jobs(verb, *(member.name for member in self.members))

    def placed(self, member: Member) -> dict:
        """Where it is installed and what it listens on."""
        return {"host": member.host.name, "working_directory": member.directory, "ports": [
            {"id": "default", "port": member.port, "protocol": "stomp"},
            {"id": "sync", "port": member.sync_port, "protocol": "sync", "ha_sync": True},
            *self._more_ports]}

    def _apply(self, applications: list[dict]) -> None:
        path = self.site.directory / f"{self.name}.yaml"
        path.write_text(yaml.safe_dump({"applications": applications}))
        self.site.pairwise.manage("apply", str(path), "--yes")

    def change(self, **fields) -> None:
        """Give both members these fields, options among them, by `manage.py apply`."""
        self._apply([{"name": member.name, **fields} for member in self.members])

    def start(self) -> None:
        """Both, and wait until they are whole."""
        self._run_jobs("start")
        self.wait_whole()

    def stop(self) -> None:
        self._run_jobs("stop")

    def logs(self) -> dict[str, str]:
        return self.site.logs()

    # --- what it is -------------------------------------------------------------------------------------------

    @property
    def addresses(self) -> list[tuple[str, int]]:
        return [member.address for member in self.members]

    def facts(self) -> dict:
        """Its entry in `status --json`."""
        return next(each for each in self.site.pairwise.status()["pairs"] if each["primary"] == self.members[0].name)

    @property
    def active(self) -> Member:
        name = self.facts()["active"]
        return next(member for member in self.members if member.name == name)

    @property
    def standby(self) -> Member:
        return self.other(self.active)

    def other(self, member: Member) -> Member:
        return self.members[1 - self.members.index(member)]

    def wait(self, what: str, timeout: float = 20, **fields) -> dict:
        """Its facts once they have these ``fields``."""
        last: dict = {}

        def reached() -> bool:
            last.update(self.facts())
            return all(last[key] == value for key, value in fields.items())

        try:
            wait_for(reached, timeout, f"{self.name}: {what}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {last}") from None
        return last

    def wait_whole(self, timeout: float = WHOLE_S, by: Member | None = None) -> Member:
        """Until one serves, the other stands by and is in sync; who serves. ``by``: until it is this one, as what pages
        show may be of before for a moment."""
        last: dict = {}

        def whole() -> bool:
            status = self.site.pairwise.status()
            last.update({each["name"]: (each["status"], each["mode"], each["reason"]) for each in
                         status["applications"] if each["name"] in {member.name for member in self.members}})
            last["pair"] = pair = next(each for each in status["pairs"] if each["primary"] == self.members[0].name)
            modes = {name: facts[1] for name, facts in last.items() if name != "pair"}
            return ((by is None or pair["active"] == by.name) and pair["in_sync"]
                    and all(last[name][0] == "Started" for name in modes)
                    and modes[pair["active"]] == "Primary" and sorted(modes.values()) == ["Backup", "Primary"])

        try:
            wait_for(whole, timeout, f"{self.name} whole")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {last}") from None
        return self.active

    def wait_told(self, *words: str, timeout: float = 10) -> None:
        """Until the timeline has a text with all these words."""
        wait_for(lambda: any(all(word in text for word in words) for text in
                             self.site.pairwise.ask("events")["texts"]), timeout, f"a text with {words}")

    def told(self, *numbers: int, **fields: str) -> list[str]:
        """Texts of the timelines of its members, of events with these numbers and ``fields``, newest first."""
        return self.site.pairwise.ask("events", number__in=numbers, application__name__in=[
            member.name for member in self.members], **fields)["texts"]

    def wait_clocks_right(self) -> None:
        """Until control has seen that the clocks of both machines are right; only what servers under load say of their
        clocks is new every second."""
        names = [member.name for member in self.members]
        wait_for(lambda: all(abs(offset or 0) < 5 for offset in
                             self.site.pairwise.ask("clocks", names=names)["offsets"]), 15, "clocks that are right")

    # --- what is done to it -----------------------------------------------------------------------------------

    def ledger(self, **arguments) -> Ledger:
        return Ledger(self.addresses, LOGIN, PASSCODE, **arguments)

    def ledger_of(self, member: Member, **arguments) -> Ledger:
        """As ``ledger``, of clients that know only this member and may hear nothing from it."""
        return Ledger([member.address], LOGIN, PASSCODE, heard=False, **arguments)

    def ask(self, verb: str, **arguments) -> dict:
        """A verb of a pair; {"ok", "reason", "facts"}."""
        return self.site.pairwise.ask(verb, name=self.members[0].name, **arguments)

    def switch_over(self) -> dict:
        answer = self.ask("switchover")
        assert answer["ok"], answer
        return answer["facts"]

    def mend(self) -> None:
        """Undo whatever a scenario broke, also one that failed in the middle."""
        for member in self.members:
            member.mend()
        self.site.mend()
        for member in self.members:
            if member.facts()["status"] in ("Stopped", "Gave Up"):
                self.site.pairwise.ask("start", name=member.name)

    def wait_proven(self, timeout: float = 10) -> None:
        """Until the role that pages show is the role that a probe proves, of both members."""
        seen: dict = {}

        def proven() -> bool:
            seen["shown"] = {member.name: member.facts()["mode"] for member in self.members}
            seen["answer"] = self.ask("probe")
            return seen["shown"] == {each["name"]: "Primary" if each["accepts"] else "Backup" for each in
                                     seen["answer"]["facts"].get("members", ())}

        try:
            wait_for(proven, timeout, f"the proof of the roles of {self.name}")
        except AssertionError as error:
            raise AssertionError(f"{error}; {seen}") from None

    def wait_equal_copies(self, timeout: float = 30) -> None:
        """Until both members have the same records up to the last one."""
        wait_for(lambda: self.facts()["digests_equal"] and self.facts()["lag"] == 0, timeout, "equal copies")


@contextlib.contextmanager
def under_load(pair: Pair, **arguments):
    """A Ledger that publishes during the block; afterwards the pair must become whole by itself, and every promise
    must have been kept: nothing acknowledged missing, nothing twice, both copies equal, both roles as they are shown.
    """
    with pair.ledger(**arguments) as ledger:
        ledger.wait_acknowledged(50)
        yield ledger
        pair.wait_whole()
        ledger.wait_acknowledged(50)
        ledger.check()
        pair.wait_equal_copies()
        pair.wait_proven()


def tell(scenario: str, outage_s: float) -> None:
    """A figure for docs/failover.md; `./run test tests/scenarios -s | grep measured` shows them."""
    print(f"\nmeasured {scenario}: {outage_s * 1000:.0f} ms")


def measured(scenario: str, fault: Fault, *, below_s: float) -> None:
    """Senders waited for less than ``below_s``, and how long is told."""
    outage = fault.outage()
    tell(scenario, outage)
    assert outage < below_s


def fill_disk(ballast: Path) -> None:
    """Not a byte is left where this file is."""
    step = shutil.disk_usage(ballast.parent).free
    with open(ballast, "ab") as file:
        size = file.tell()
        while step:
            try:
                os.posix_fallocate(file.fileno(), size, step)
                size += step
            except OSError:
                step //= 2

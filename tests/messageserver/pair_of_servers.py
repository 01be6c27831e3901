"""Two real servers that form a pair, each beside a control double; the tests say what control says."""

import contextlib
import signal
import socket
import sqlite3
from pathlib import Path

from protocol.messages import Recorded
from tests.doubles.stomp import Client
from tests.waiting import wait_for

from .conftest import ServerProcess, application
from .control_double import WAIT_S, ControlDouble

SYNC_SECRET = "the-secret-of-the-pair"


class Member(ServerProcess):
    """One member: its process, and the control that only it talks to."""

    def __init__(self, name: str, directory: Path, ports: tuple[int, int], peer: dict, options: dict,
                 transport: str = "", *, protocol: str = "stomp"):
        self.name, self.sync_port, self.version = name, ports[1], 0
        body = application(ports[0], options=options)
        body["ports"][0]["protocol"] = protocol
        body |= {"name": name, "peer": peer, "ports": [*body["ports"], {
            "id": "sync", "port": str(ports[1]), "protocol": "sync", "ha_sync": True,
            "listening_mode": "secured" if transport else "", "transport_parameters": transport}]}
        super().__init__(directory, ControlDouble(body, auto_grant=""), port=ports[0], app=name)

    @property
    def report(self):
        return self.control.reports[-1]

    def ready(self) -> "Member":
        self.control.wait(lambda: self.control.reports and self.report.state == "ready")
        return self

    def granted(self, role: str, epoch: int, version: int = 0) -> "Member":
        """Grant ``role`` and wait until it is held."""
        self.version = version or epoch * 10
        self.control.grant(role, epoch, self.version)
        self.control.wait_report(state="started", role=role, epoch=epoch)
        return self

    def record(self, in_sync: bool) -> None:
        """Answer the wish of the active server as control does: a new version of the record."""
        self.version += 1
        self.control.send(Recorded(epoch=self.report.epoch, record_version=self.version, in_sync=in_sync,
                                   reason="The test says so."))

    def wishes(self, what: str):
        """The report in which it wishes ``what`` to be recorded of its standby."""
        return self.control.wait_report(standby=what)

    def says(self, text: str) -> None:
        """Wait until its log says ``text``, for what control cannot hear."""
        try:
            wait_for(lambda: text in self.output, WAIT_S, text)
        except AssertionError as error:
            raise AssertionError(f"{error}; it said {self.output}") from None

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def end(self) -> None:
        if self.process.poll() is None:
            self.thaw()
        super().end()
        self.control.close()


class PairOfServers:
    """``a`` and ``b``, both ready; ``in_sync`` makes ``a`` the active one with ``b`` recorded as in sync.

    ``transports`` are the Transport Parameters of both HA Sync ports, "" for one that is not secured; ``protocol`` is
    that of their ports for clients."""

    def __init__(self, directory: Path, ports: list[int], options: dict, secrets: tuple[str, str],
                 transports: tuple[str, str] = ("", ""), *, protocol: str = "stomp"):
        self._protocol = protocol
        self._transports = dict(zip("AB", transports, strict=True))
        self._directory, self._ports = directory, {"A": (ports[0], ports[1]), "B": (ports[2], ports[3])}
        self._options, self._secrets = options, dict(zip("AB", secrets, strict=True))
        self.a, self.b = self.start("A"), self.start("B")

    def start(self, name: str) -> Member:
        other = "B" if name == "A" else "A"
        peer = {"name": other, "addresses": ["127.0.0.1"], "port": self._ports[other][1],
                "secret": self._secrets[name], "secured": bool(self._transports[other])}
        return Member(name, self._directory / name, self._ports[name], peer, self._options,
                      self._transports[name], protocol=self._protocol).ready()

    def sync_port(self, name: str) -> int:
        """Number of its HA Sync port."""
        return self._ports[name][1]

    def restart(self, name: str) -> Member:
        """A new process of a member that has ended."""
        member = getattr(self, name.lower())
        member.control.reports.clear()
        member.start()
        return member.ready()

    def in_sync(self, epoch: int = 1) -> "PairOfServers":
        self.b.granted("backup", epoch)
        self.a.granted("primary", epoch)
        return self.synced(self.a, self.b)

    def synced(self, active: Member, standby: Member) -> "PairOfServers":
        """Wait until ``active`` wishes it, and record that ``standby`` is in sync."""
        active.wishes("synced")
        active.record(in_sync=True)
        active.control.wait_report(link="synced")
        standby.control.wait_report(link="synced")
        return self

    def wait_equal(self) -> None:
        """Until both say that they have the same last record, with the same digest."""
        def equal() -> bool:
            self.a.control.wait_report()
            a, b = self.a.report, self.b.report
            return (a.last_seq, a.digest) == (b.last_seq, b.digest)

        wait_for(equal, WAIT_S, "both with the same last record")

    def end(self) -> None:
        for member in (self.a, self.b):
            member.end()


def lose_beginning(directory: Path, upto: int) -> None:
    """Remove records from the beginning of the store of a server in ``directory``, as no retention would."""
    with contextlib.closing(sqlite3.connect(directory / "data" / "messages.db")) as db:
        [digest] = db.execute("SELECT digest FROM records WHERE seq = ?", (upto,)).fetchone()
        db.execute("DELETE FROM records WHERE seq <= ?", (upto,))
        db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [("base_seq", upto), ("base_digest", digest)])
        db.commit()


def bodies(port: int, count: int) -> list[bytes]:
    """The first ``count`` messages of everything that is kept there."""
    with Client(port) as client:
        client.subscribe("/*", from_seq="1")
        return [frame.body for frame in client.messages(count)]


def takes_clients(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True

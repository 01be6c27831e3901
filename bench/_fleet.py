"""Servers and agents of thousands of pairs, simulated over the real protocol: each has a connection of its own."""

import asyncio
import json
import random
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field

from protocol.dialler import Dialler
from protocol.jobs import SIGNATURES
from protocol.lines import OPENING_TIMEOUT_S, SILENCE_HEARTBEATS, decode, encode
from protocol.opening_messages import SPEAKS, Challenge, Heartbeat, Refused, Welcome
from protocol.pauses import pauses

BEAT = encode(Heartbeat())
TICK_S = 0.05
LINK_LOST_S = 1.5
"""So long a standby takes to see that its active server is silent: three heart-beats of the sync link."""
FACTS = {"cpu_percent": 3.0, "memory_percent": 40.0, "disk_free_bytes": 10**11, "agent_version": "1", "worker": True,
         "looks": True, "reports": SIGNATURES}


class Peer(asyncio.Protocol):
    """One that dials, shows signs of life and dials again when the connection ends; ``silent`` plays one whose machine
    has lost its power."""

    kind = ""

    def __init__(self, fleet: "Fleet", name: str, secret: str, address: str, pid: int):
        self.fleet, self.name, self.secret, self.address, self.pid = fleet, name, secret, address, pid
        self.transport: asyncio.Transport | None = None
        self.open = self.silent = False
        self.generation = ""
        self.heartbeat_s, self.silence_s, self.report_s = 0.5, OPENING_TIMEOUT_S, 1.0
        self.sent_at = self.heard_at = self.told_at = 0.0
        self._rest, self._dialling, self._dialling_task = b"", None, None
        self._pauses = pauses()

    def hello(self) -> dict:
        return {"pid": self.pid, "started": 1, "speaks": SPEAKS, "generation": self.generation,
                "host": self.fleet.host_of(self)}

    def dial(self) -> None:
        self._dialling_task = asyncio.ensure_future(self._dial())

    async def _dial(self) -> None:
        self.fleet.counts["dials"] += 1
        self._dialling = Dialler(kind=self.kind, name=self.name, secret=self.secret, **self.hello())
        self._rest, self.silence_s, self.heard_at = b"", OPENING_TIMEOUT_S, time.monotonic()
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: self, "127.0.0.1", self.fleet.port, local_addr=(self.address, 0))
        except OSError:
            self.fleet.counts["unreachable"] += 1
            self._again()

    def _again(self) -> None:
        if not self.silent and not self.fleet.ended:
            asyncio.get_running_loop().call_later(next(self._pauses), self.dial)

    def connection_made(self, transport) -> None:
        self.transport, self.heard_at = transport, time.monotonic()

    def connection_lost(self, error) -> None:
        if self.open:
            self.fleet.counts["lost"] += 1
        elif not self.silent:
            self.fleet.counts["refused"] += 1
            self.fleet.refused[self.name] += 1
        self.open, self.transport = False, None
        self.closed()
        self._again()

    def closed(self) -> None:
        """The connection has ended."""

    def data_received(self, data: bytes) -> None:
        if self.silent:
            return
        self.heard_at = time.monotonic()
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if line == BEAT[:-1]:
                continue
            if self.open:
                self.take(line)
            else:
                self._opening(decode(line))

    def _opening(self, message) -> None:
        match message:
            case Challenge():
                self.send(self._dialling.introduce(message))
            case Welcome():
                welcome = self._dialling.believe(message)
                self.heartbeat_s, self.report_s = welcome.heartbeat_s, welcome.report_s or 1.0
                self.silence_s = welcome.silence_s or SILENCE_HEARTBEATS * self.heartbeat_s
                self.open, self._pauses = True, pauses()
                self.told_at = time.monotonic() - random.uniform(0, self.report_s)
                self.opened()
            case Refused():
                self.fleet.reasons[message.reason[:60]] += 1
                self.transport.abort()

    def send(self, message) -> None:
        if self.transport is not None and not self.silent:
            self.write(encode(message))

    def write(self, line: bytes) -> None:
        self.transport.write(line)
        self.sent_at = time.monotonic()

    def tick(self, now: float) -> None:
        """What is due: a sign of life, counters, and the end of a connection that has been silent."""
        if self.transport is None or self.silent:
            return
        if now - self.heard_at > self.silence_s:
            self.fleet.counts["silences"] += 1
            self.transport.abort()
        elif self.open:
            if now - self.told_at >= self.report_s:
                self.told_at = now
                self.tell()
            elif now - self.sent_at >= self.heartbeat_s - TICK_S:
                self.write(BEAT)

    # --- of each kind ----------------------------------------------------------------------------------------

    def opened(self) -> None:
        """The connection is open."""

    def take(self, line: bytes) -> None:
        """Control has said ``line``."""

    def tell(self) -> None:
        """It is time for counters."""


class Agent(Peer):
    kind = "host"

    def __init__(self, *given):
        super().__init__(*given)
        self.servers: list[Server] = []

    def opened(self) -> None:
        rows = [{"application": server.name, "state": "running", "pid": server.pid, "started": 1}
                for server in self.servers]
        self.write(json.dumps({"type": "processes", "processes": rows, "host": self._facts()}).encode() + b"\n")

    def tell(self) -> None:
        self.write(json.dumps({"type": "host_facts", "host": self._facts()}).encode() + b"\n")

    def _facts(self) -> dict:
        return {**FACTS, "cpu_percent": round(random.uniform(1, 20), 1), "time": time.time()}

    def take(self, line: bytes) -> None:
        if line.startswith(b'{"type":"generation"'):
            self.generation = json.loads(line)["token"]


class Server(Peer):
    """``mate`` is the other member: their sync link is there as soon as both have their roles in the same epoch."""

    kind = "application"

    def __init__(self, *given):
        super().__init__(*given)
        self.mate: Server = self
        self.role, self.epoch, self.version, self.seq = "", 0, 0, 0
        self.in_sync = False
        self.granted_at = 0.0

    def hello(self) -> dict:
        return {**super().hello(), "version": "8.5.100.01", "copy": f"copy-{self.name}", "role": self.role,
                "epoch": self.epoch, "record_version": self.version}

    def restarted(self) -> None:
        """A new process: it holds no role any more, and knows what is on its disk."""
        self.pid, self.role, self.in_sync = self.pid + 20_000, "", False

    @property
    def is_linked(self) -> bool:
        return bool(self.role and self.mate.role) and not self.mate.silent and self.epoch == self.mate.epoch

    def opened(self) -> None:
        self.report()

    def closed(self) -> None:
        """It goes on in its role."""

    def report(self) -> None:
        if not self.open or self.silent:
            return
        linked = self.is_linked
        wish = "" if self.role != "primary" else "synced" if linked else "alone"
        body = {"type": "report", "state": "started" if self.role else "ready", "role": self.role, "epoch": self.epoch,
                "record_version": self.version, "last_seq": self.seq, "digest": "d", "copy": f"copy-{self.name}",
                "link": "" if not self.role else "synced" if linked else "down", "standby": wish,
                "standby_version": self.version, "standby_copy": f"copy-{self.mate.name}" if linked else "",
                "common_seq": self.seq, "common_digest": "d", "clock": time.time(), "first_seq": 1,
                "ports": [{"id": "default", "port": 7001, "listening": self.role == "primary"}]}
        self.write(json.dumps(body).encode() + b"\n")
        self.told_at = time.monotonic()

    def tell(self) -> None:
        self.seq += 10
        self.write(b'{"type":"progress","last_seq":%d,"digest":"d","common_seq":%d,"common_digest":"d","first_seq":1,'
                   b'"clients":2,"clock":%.3f}\n' % (self.seq, self.seq, time.time()))

    def take(self, line: bytes) -> None:
        if line.startswith(b'{"type":"grant"'):
            body = json.loads(line)
            if (self.role, self.epoch) != (body["role"], body["epoch"]):
                self.granted_at = time.monotonic()
            self.role, self.epoch, self.version = body["role"], body["epoch"], body["record_version"]
            self.generation, self.in_sync = body["generation"], False
            self.report()
            if self.is_linked:
                self.mate.report()
        elif line.startswith(b'{"type":"recorded"'):
            body = json.loads(line)
            self.version, self.generation, self.in_sync = body["record_version"], body["generation"], body["in_sync"]
            if self.in_sync is not self.is_linked:
                self.report()


@dataclass
class Fleet:
    """``objects``: {agents: [[name, secret, address]], servers: [[name, secret, host, name of the mate]]}."""

    port: int
    objects: dict
    counts: Counter = field(default_factory=Counter)
    refused: Counter = field(default_factory=Counter)
    reasons: Counter = field(default_factory=Counter)
    ended: bool = False

    def __post_init__(self):
        self.agents = {name: Agent(self, name, secret, address, pid) for pid, (name, secret, address) in
                       enumerate(self.objects["agents"], 100)}
        self.hosts = {server[0]: server[2] for server in self.objects["servers"]}
        self.servers = {name: Server(self, name, secret, self.agents[host].address, pid)
                        for pid, (name, secret, host, _) in enumerate(self.objects["servers"], 10_000)}
        for name, _, host, mate in self.objects["servers"]:
            self.servers[name].mate = self.servers[mate]
            self.agents[host].servers.append(self.servers[name])
        self.peers: list[Peer] = [*self.agents.values(), *self.servers.values()]

    def host_of(self, peer: Peer) -> str:
        return self.hosts.get(peer.name, peer.name)

    async def run(self) -> None:
        """Signs of life of all, until cancelled."""
        parts = 10
        while True:
            for part in range(parts):
                now = time.monotonic()
                for peer in self.peers[part::parts]:
                    peer.tick(now)
                await asyncio.sleep(max(0.0, TICK_S - (time.monotonic() - now)))

    def end(self) -> None:
        self.ended = True
        for peer in self.peers:
            if peer.transport is not None:
                peer.transport.abort()

    # --- what is seen ----------------------------------------------------------------------------------------

    @property
    def connected(self) -> int:
        return sum(peer.open for peer in self.peers)

    def actives(self) -> list[Server]:
        return [server for server in self.servers.values() if server.role == "primary" and not server.silent]

    @property
    def in_sync(self) -> int:
        """Pairs whose active server heard that its standby is recorded to be in sync."""
        return sum(server.in_sync and server.open for server in self.actives())

    async def until_all_noticed(self, limit_s: float) -> None:
        """Until nobody is connected any more, at most ``limit_s``."""
        begun = time.monotonic()
        while self.connected and time.monotonic() - begun < limit_s:
            await asyncio.sleep(0.02)

    async def until_whole(self, limit_s: float) -> float:
        """Seconds until all are connected and every pair is in sync; infinite after ``limit_s``."""
        begun = time.monotonic()
        while self.connected < len(self.peers) or self.in_sync < len(self.servers) // 2:
            if time.monotonic() - begun > limit_s:
                return float("inf")
            await asyncio.sleep(0.1)
        return time.monotonic() - begun

    # --- what happens to them --------------------------------------------------------------------------------

    async def power_cut(self, hosts: list[str], limit_s: float) -> list[float]:
        """All of ``hosts`` are silent from now on; seconds until each other member was granted what an active server on
        them had, infinite for those that were not within ``limit_s``."""
        gone = [server for host in hosts for server in self.agents[host].servers]
        successors = [server.mate for server in gone if server.role == "primary"]
        begun = time.monotonic()
        for peer in (*(self.agents[host] for host in hosts), *gone):
            peer.silent = True
        await asyncio.sleep(LINK_LOST_S)
        for server in gone:
            server.mate.report()
        while any(server.granted_at < begun for server in successors) and time.monotonic() - begun < limit_s:
            await asyncio.sleep(0.02)
        return sorted(server.granted_at - begun if server.granted_at > begun else float("inf") for server in successors)

    def power_back(self, hosts: list[str]) -> None:
        """They start anew."""
        for host in hosts:
            agent = self.agents[host]
            for server in agent.servers:
                server.restarted()
            agent.pid += 20_000
            for peer in (agent, *agent.servers):
                if peer.transport is not None:
                    peer.transport.abort()
                peer.silent = peer.open = False
                peer.dial()

    async def storm(self, for_s: float, cuts_a_second: int) -> None:
        """So many connections are cut each second, and whoever is connected reports as fast as this machine can."""
        until = time.monotonic() + for_s
        while time.monotonic() < until:
            begun = time.monotonic()
            for peer in random.sample(self.peers, cuts_a_second // 10):
                if peer.transport is not None:
                    peer.transport.abort()
            for server in random.sample([*self.servers.values()], len(self.servers) // 5):
                server.report()
            await asyncio.sleep(max(0.0, 0.1 - (time.monotonic() - begun)))


def percentile(values: list[float], part: float) -> float:
    return round(values[min(len(values) - 1, int(len(values) * part))], 2)


def median(values: list[float]) -> float:
    return round(statistics.median(values), 2)

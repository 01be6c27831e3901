"""What control does with one connection, by the kind of its Hello: application, host or console."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from protocol import auth
from protocol.log_messages import LogRead, ReadLog
from protocol.message import Message
from protocol.messages import Changed, HostFacts, Ping, Pong, ProcessChanged, Processes
from protocol.opening_messages import Hello, Welcome
from protocol.pair_messages import PairRequest, Probed
from protocol.server_messages import Configuration, Event, Progress, Report
from protocol.throttle import Throttle
from protocol.wire import SILENCE_HEARTBEATS, Channel, Opening, WireError
from provisioning.core.control_client import control_secrets
from provisioning.states import AGENT_STOPPED, EventLevel, EventSource

from . import checks, narration, objects
from .directory import Directory, Shelf
from .facts import ApplicationFacts, ApplicationPeer, EventRow, HostPeer
from .live import LiveApplication, LiveHost, ServerConnection
from .log_reads import LogReads
from .peers import Bucket, Peer, Peers
from .reload import REMOVED, Reloader
from .snapshot import HEARTBEAT_S
from .solution import SolutionControl

log = logging.getLogger(__name__)

NOT_FOUND, IN_USE, NO_OBJECT = 3007, 3008, 6052
CHECK_TIMEOUT_S = 10.0
SILENCE_S = SILENCE_HEARTBEATS * HEARTBEAT_S
"""Of servers and agents: a silent one is noticed before the detection time of a failover has passed."""
SERVER_RATE, SERVER_BURST = 200, 2000
"""Messages a second that a server may send; events beyond EVENT_RATE are dropped, not its connection."""
EVENT_RATE, EVENT_BURST = 20, 400
PEERS_A_BEAT, BEAT_MAX_S = 2200, 5.0
REPORTS_A_SECOND, REPORT_MAX_S = 700, 15.0
"""What control takes without effort; with more peers each one says less often what only counts something."""
REFUSED_RATE, REFUSED_BURST = 1 / 20, 3
OF_STRANGERS = frozenset({"order", "secret"})
"""Kinds of refusals of those who have not shown who they are."""
REREAD_RATE, REREAD_BURST = 5, 50
"""What strangers may make control read."""
AGENT_RATE, AGENT_BURST = 500, 20_000
Known = TypeVar("Known", ApplicationPeer, HostPeer)
_NOBODY = auth.new_secret()
"""Proofs of unknown names are compared with this, so that a name cannot be found out by timing."""


class Sessions:
    """Serves opened connections. ``facts`` is what a Pong tells."""

    def __init__(self, solution: SolutionControl, reloader: Reloader, directory: Directory, peers: Peers,
                 facts: Callable[[], dict[str, Any]]):
        self._solution, self._reloader, self._directory, self._facts = solution, reloader, directory, facts
        self._peers = peers
        self._world = solution.world
        self._log_reads = LogReads(self._world)
        self._refusals: dict[tuple[str, int | None, int | None], Bucket] = {}
        self.refused = Throttle(self._note_refused)
        """Tells of a stranger that was sent away and claims to be nobody we know, in a sentence without its end."""
        self._rereads = Bucket(REREAD_RATE, REREAD_BURST)
        self._checking: dict[str, Channel] = {}
        self._kinds: dict[str, Callable[[Opening, Callable[[], None]], Awaitable[None]]] = {
            "application": self._application, "host": self._host, "console": self._console}

    async def serve(self, opening: Opening, proven: Callable[[], None]) -> None:
        """Until the connection ends; ``proven`` is called once the peer has shown that it knows its secret. Raises
        WireError, OSError, DatabaseAway."""
        checks.check_hello(opening.hello)
        session = self._kinds.get(opening.hello.kind)
        if session is None:
            self.refused(f"{_address(opening)}: it claims to be of kind {opening.hello.kind[:20]!r}")
            await opening.refuse(f"control takes applications, hosts and the console, not {opening.hello.kind[:20]!r}")
            return
        await session(opening, proven)

    def out_of_order(self, address: str, why: str) -> None:
        """Somebody at ``address`` spoke before saying who it is; told on the hosts that are there."""
        for host in self._world.hosts.values():
            if host.peer is not None and host.address == address:
                self._refused("order", f"A connection from {address} was refused by control: {why}.",
                              host_id=host.facts.id)

    def _note_refused(self, why: str) -> None:
        self._add("order", f"A connection to control was refused: {why}.", None, None)

    def _refused(self, kind: str, text: str, *, host_id: int | None, application_id: int | None = None) -> None:
        """An event of what was refused, not more than a few a minute of one kind."""
        bucket = self._refusals.setdefault((kind, host_id, application_id), Bucket(REFUSED_RATE, REFUSED_BURST))
        if bucket.take():
            self._add(kind, text, host_id, application_id)

    def _add(self, kind: str, text: str, host_id: int | None, application_id: int | None) -> None:
        text = checks.clean(text, checks.EVENT_TEXT_MAX)
        log.warning("%s", text)
        self._solution.writer.put_event(EventRow(
            at=datetime.now(UTC), level=EventLevel.ALARM, host_id=host_id, application_id=application_id,
            source=EventSource.STRANGER if kind in OF_STRANGERS else EventSource.REFUSED,
            text=text))

    async def _known(self, shelf: Shelf[str, Known], opening: Opening) -> Known | None:
        """The object of the name that the peer says, as it is kept; read anew when the peer knows another secret, which
        may be the newer one. Raises DatabaseAway."""
        name = opening.hello.name
        found = await shelf.get(name)
        if found is not None and not opening.proves(found.secret) and self._rereads.take():
            found = await shelf.get(name, fresh=True)
        return found

    # --- application ------------------------------------------------------------------------------------

    async def _application(self, opening: Opening, proven: Callable[[], None]) -> None:
        hello = opening.hello
        found = await self._known(self._directory.applications, opening)
        knows = opening.proves(found.secret if found else _NOBODY)
        if found is None or not knows:
            if found is None or found.facts is None:
                self.refused(f"{_address(opening)}: it claims to be {hello.name[:80]!r}, which is no server here")
            else:
                self._refused("secret", f"A server from {_address(opening)} that claims to be {hello.name} was refused "
                              "by control: it does not know the application's secret.", application_id=found.facts.id,
                              host_id=found.facts.host_id)
            await opening.refuse(
                f'Application "{hello.name[:255]}" was not found in the Configuration Server, or its secret is not the '
                "one of this object: check -app, or install the application again.", event=NOT_FOUND)
            return
        proven()
        if found.facts is None:
            await opening.refuse(f'"{hello.name}" is a {found.type}, not a server: nothing can run as it.',
                                 event=NO_OBJECT)
        elif hello.purpose == "check":
            await self._check(opening, found)
        elif not found.facts.enabled:
            await opening.refuse(f'Application "{hello.name}" is disabled: enable the object to start it.',
                                 event=NO_OBJECT)
        else:
            await self._solution.witnesses.heard(f"the server {hello.name}", hello.generation)
            await self._server(opening, found, found.facts)

    async def _check(self, opening: Opening, found: ApplicationPeer) -> None:
        """An installer asks whether the configuration can be read: answer, register nothing. The newest one of an
        application ends the one before, so that who knows its secret holds no more than one connection by this."""
        channel, name = await opening.accept(found.secret), opening.hello.name
        if (former := self._checking.get(name)) is not None:
            former.abort()
        self._checking[name] = channel
        try:
            await channel.send(Configuration(application={**found.configuration, "controls": objects.controls()}))
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                while True:
                    await channel.receive()
        except TimeoutError:
            raise WireError("it only had to check the configuration and did not close") from None
        finally:
            if self._checking.get(name) is channel:
                del self._checking[name]

    async def _server(self, opening: Opening, found: ApplicationPeer, facts: ApplicationFacts) -> None:
        live = self._world.applications.get(facts.id) or self._world.put_application(facts)
        await self._solution.wait_for_former(live, opening.hello)
        pace = self._pace()
        peer = Peer(self._peers, facts.name, rate=SERVER_RATE, burst=SERVER_BURST, silence_s=SILENCE_S,
                    beat_s=pace.beat_s(opening.hello))
        connection = self._solution.claim(live, opening.hello, peer, _address(opening))
        if isinstance(connection, str):
            await opening.refuse(connection, event=IN_USE)
            return
        try:
            await peer.adopt(opening, pace.welcome(opening, found.secret))
            self._solution.configurations.configure(live, found.configuration)
            log.info("server %s registered (pid %d, %s)", facts.name, opening.hello.pid, connection.address)
            self._solution.registered(live)
            await peer.run(_FromServer(self._solution, live, connection))
        finally:
            self._solution.server_lost(live, connection)
            peer.close()

    def _pace(self) -> "Pace":
        # The first ones to come back keep the pace that they are told now, also when all the others are there.
        return Pace(max(len(self._peers), len(self._world.applications) + len(self._world.hosts)))

    # --- host -------------------------------------------------------------------------------------------

    async def _host(self, opening: Opening, proven: Callable[[], None]) -> None:
        hello = opening.hello
        found = await self._known(self._directory.hosts, opening)
        knows = opening.proves(found.secret if found else _NOBODY)
        if found is None or not knows:
            if found is None:
                self.refused(f"{_address(opening)}: it claims to be of host {hello.name[:80]!r}, which is none here")
            else:
                self._refused("secret", f"An agent from {_address(opening)} that claims to be of host {hello.name} was "
                              "refused by control: it does not know the host's secret.", host_id=found.facts.id)
            await opening.refuse(f'Host "{hello.name[:255]}" is not known to the Configuration Server, or its secret '
                                 "is not the one of this object: check the agent's configuration.")
            return
        proven()
        await self._solution.witnesses.heard(f"the agent of {hello.name}", hello.generation)
        host = self._world.put_host(found.facts)
        held, former = host.peer, host.hello
        if held is not None and former is not None and former.pid and (former.pid, former.started) != (
                hello.pid, hello.started):
            # A host that was powered off and on is back before its former connection is given up.
            if time.monotonic() - held.heard_at < 2 * HEARTBEAT_S:
                self._refused("second", f"A second agent of host {hello.name} (pid {hello.pid}, from "
                              f"{_address(opening)}) was refused by control: the one with pid {former.pid} is "
                              "connected.", host_id=found.facts.id)
            await opening.refuse(f'The agent of host "{hello.name}" is already connected (pid {former.pid}): '
                                 "stop that one first.")
            return
        if host.peer is not None:
            host.peer.cut("replaced by a newer connection of the same agent")
        host.proven = found.secret
        pace = self._pace()
        peer = host.peer = Peer(self._peers, f"the agent of {hello.name}", rate=AGENT_RATE, burst=AGENT_BURST,
                                silence_s=SILENCE_S, beat_s=pace.beat_s(hello))
        host.hello, host.listed, host.address = hello, False, _address(opening)
        reason = "The agent ended its connection."
        try:
            await peer.adopt(opening, pace.welcome(opening, found.secret))
            await self._agent_opened(host, hello)
            await peer.run(partial(self._from_agent, host))
        except (WireError, OSError) as error:
            reason = f"The connection to its agent is lost: {peer.cut_reason or error}."
            raise
        finally:
            if host.peer is peer:
                self._agent_lost(host, peer, reason)
            peer.close()

    async def _agent_opened(self, host: LiveHost, hello: Hello) -> None:
        log.info("the agent of %s is connected (pid %d)", host.facts.name, hello.pid)
        supervised = await self._directory.supervised.get(host.facts.id)
        self._solution.configurations.supervise(host, supervised)
        self._solution.witnesses.tell(host)
        self._solution.put_host(host, "Running", "Its agent is connected.")
        for live in self._world.of_host(host.facts.id):
            live.process = None
            if live.connection is not None:
                live.connection.watched = False
            if live.row is not None:
                host.post(self._solution.status_message(live.row, live))
            self._solution.refresh(live)

    def _from_agent(self, host: LiveHost, message: Message) -> None:
        match message:
            case ProcessChanged():
                checks.check_process(message)
                self._solution.process_changed(host, message)
            case HostFacts():
                self._host_facts(host, message.host)
            case Processes():
                self._processes(host, message)
            case LogRead():
                self._log_reads.heard(host, message)
            case _:
                raise _unexpected(message)

    def _host_facts(self, host: LiveHost, told: dict[str, Any]) -> None:
        told = checks.facts_of(told)
        self._lca_refused(host, told.pop("lca_refused", None))
        host.agent_facts = checks.with_clock_offset(told, datetime.now(UTC))
        self._solution.put_host(host, host.status, host.reason)

    def _lca_refused(self, host: LiveHost, told: object) -> None:
        """The agent says for a minute whom its LCA Port refused."""
        number, text = (told.get("number"), told.get("text")) if isinstance(told, dict) else (None, None)
        if isinstance(number, int) and number != host.lca_refused and isinstance(text, str):
            host.lca_refused = number
            self._refused("lca", f"{host.facts.name}: {text}", host_id=host.facts.id)

    def _processes(self, host: LiveHost, message: Processes) -> None:
        changes = [checks.process_of(body) for body in message.processes]
        self._host_facts(host, message.host)
        for change in changes:
            self._solution.process_changed(host, change)
        first, host.listed = not host.listed, True
        named = {change.application for change in changes}
        for live in self._world.of_host(host.facts.id):
            if live.facts.name not in named:
                self._solution.process_unnamed(live)
            elif first:
                # What waited for the agent's whole list can be said now.
                self._solution.watch_by_hand(live)
                self._solution.refresh(live)

    def _agent_lost(self, host: LiveHost, peer: Peer, reason: str) -> None:
        log.warning("host %s: %s", host.facts.name, reason)
        host.heard_at = peer.heard
        host.peer, host.listed = None, False
        if not host.facts.managed:
            reason = REMOVED
        elif host.agent_facts.get("ends") is True:
            reason = AGENT_STOPPED
        if self._world.hosts.get(host.facts.id) is host:
            self._solution.put_host(host, "Disconnected", reason)
        for live in self._world.of_host(host.facts.id):
            self._solution.refresh(live)
            self._solution.pairs.wake(live.pair_id)

    # --- console ----------------------------------------------------------------------------------------

    async def _console(self, opening: Opening, proven: Callable[[], None]) -> None:
        secret = next((each for each in control_secrets() if opening.proves(each)), None)
        if secret is None:
            self.refused(f"{_address(opening)}: it claims to be a console, and its secret is wrong")
            await opening.refuse("The console's secret is wrong: control and the console must have the same "
                                 "PAIRWISE_SECRET_KEY.")
            return
        proven()
        channel = await opening.accept(secret)
        while True:
            match await channel.receive():
                case Ping():
                    await channel.send(Pong(facts=self._facts()))
                case PairRequest() as asked:
                    await channel.send(await self._solution.requests.answer(asked))
                case ReadLog() as asked:
                    await channel.send(await self._log_reads.answer(asked))
                case Changed() as changed:
                    await self._reloader.changed([name for name in changed.applications if isinstance(name, str)],
                                                 [name for name in changed.hosts if isinstance(name, str)])
                case other:
                    raise _unexpected(other)


@dataclass(frozen=True)
class Pace:
    """How often so many ``peers`` and control tell each other that nothing is new: the more there are, the less often.
    How soon control notices a silent server stays the same."""

    peers: int

    def beat_s(self, hello: Hello) -> float:
        """How often control shows this peer a sign of life."""
        return min(BEAT_MAX_S, max(HEARTBEAT_S, self.peers / PEERS_A_BEAT)) if hello.speaks else HEARTBEAT_S

    def welcome(self, opening: Opening, secret: str) -> Welcome:
        if not opening.hello.speaks:
            return opening.welcome(secret, heartbeat_s=HEARTBEAT_S)
        return opening.welcome(secret, heartbeat_s=HEARTBEAT_S, report_s=min(
            REPORT_MAX_S, max(1.0, self.peers / REPORTS_A_SECOND)),
            silence_s=SILENCE_HEARTBEATS * self.beat_s(opening.hello))


class _FromServer:
    """Takes what one server says."""

    def __init__(self, solution: SolutionControl, live: LiveApplication, connection: ServerConnection):
        self._solution, self._live, self._connection = solution, live, connection
        self._events, self._dropped = Bucket(EVENT_RATE, EVENT_BURST), 0

    def __call__(self, message: Message) -> None:
        # The time of an event is replaced where it cannot be believed.
        if not isinstance(message, Event):
            checks.check_numbers(message)
        match message:
            case Progress():
                self._solution.progressed(self._live, self._connection, message)
            case Report():
                self._solution.reported(self._live, self._connection, message)
            case Probed():
                self._probed(message)
            case Event():
                self._event(message)
            case _:
                raise _unexpected(message)

    def _probed(self, said: Probed) -> None:
        was_asked = self._connection.questions.answered(said.id, said)
        if not was_asked and (told := narration.foreign_answer_events(self._live, self._connection)):
            log.warning("%s answered a probe that it was not asked", self._live.facts.name)
            self._solution.writer_events(told)

    def _event(self, event: Event) -> None:
        if not self._events.take():
            self._dropped += 1
            return
        if self._dropped:
            log.warning("%d events of %s were dropped: it sent too many", self._dropped, self._live.facts.name)
            self._dropped = 0
        self._solution.server_event(self._live, event)


def _address(opening: Opening) -> str:
    return opening.channel.peer.rpartition(":")[0]


def _unexpected(message: Message) -> WireError:
    return WireError(f"the peer said {message.type}, which is not for it to say")

"""A control in this process, on a real port and the tests' database file; peers dial it as the real ones do."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from asgiref.sync import sync_to_async

from control import lease
from control.main import Control, Settings
from protocol import wire
from protocol.messages import Configuration, Grant, Message, ProcessChanged, Processes, Report
from provisioning.core.control_client import control_secrets
from provisioning.models import Application, ApplicationTemplate, Host, HostRuntime, ListeningPort, RuntimeStatus

PATIENCE_S = 5.0


@dataclass
class Objects:
    """The objects of one small environment."""

    template: ApplicationTemplate
    host: Host
    server: Application


def new_application(name: str, template: ApplicationTemplate, host: Host, **values) -> Application:
    return Application.objects.create(
        **{"name": name, "template": template, "type": template.type, "version": "8.5.100.01", "host": host,
           "working_directory": f"/opt/{name}", "command_line": "./MessageServer", **values})


@pytest.fixture
def objects(transactional_db) -> Objects:
    template = ApplicationTemplate.objects.create(name="Message_Server", type="MessageServer", version="8.5.100.01")
    host = Host.objects.create(name="alpha", ip_address="127.0.0.1")
    server = new_application("MS", template, host)
    ListeningPort.objects.create(application=server, port_id="default", port=7001, protocol="stomp")
    return Objects(template, host, server)


@pytest.fixture
def backup(objects):
    """The pair's objects are there before control is."""
    row = new_application("MS_B", objects.template, objects.host)
    objects.server.backup_server, objects.server.redundancy_type = row, "warm standby"
    objects.server.save()
    for server, number in ((objects.server, 7002), (row, 8002)):
        ListeningPort.objects.create(application=server, port_id="sync", port=number, protocol="sync", ha_sync=True)
    return row


@pytest.fixture
def term(transactional_db) -> int:
    """A term of leadership that has begun, with nobody there to take the next one."""
    return lease.take(lease.read(), holder="tests", address="")


@pytest.fixture
def settings_of_control(tmp_path, settings) -> Settings:
    settings.PAIRWISE_REDIS_URL = f"unix://{tmp_path}/no-redis.sock"
    return Settings("127.0.0.1", 0, tmp_path, settle_s=0.5)


@pytest.fixture
async def control(objects, settings_of_control, settings):
    async with Control(settings_of_control) as control:
        settings.PAIRWISE_CONTROL_HOST, settings.PAIRWISE_CONTROL_PORT = "127.0.0.1", control.port
        yield control


@dataclass
class Peer:
    """What a peer heard, and how it speaks."""

    channel: wire.Channel
    heard: list[Message] = field(default_factory=list)
    ended: str = ""
    _reader: asyncio.Task | None = None

    def listen(self) -> "Peer":
        self._reader = asyncio.create_task(self._read())
        return self

    async def _read(self) -> None:
        try:
            while True:
                self.heard.append(await self.channel.receive())
        except wire.WireError as error:
            self.ended = str(error)

    async def say(self, message: Message) -> None:
        await self.channel.send(message)

    async def hears(self, kind: type[Message], when: Callable[[Message], bool] = lambda _: True) -> Message:
        """The newest message of ``kind`` that fits, as soon as there is one."""
        return await eventually(lambda: next(
            (m for m in reversed(self.heard) if isinstance(m, kind) and when(m)), None), f"{kind.type} was not heard")

    async def is_cut(self) -> str:
        return await eventually(lambda: self.ended, "the connection goes on")

    async def gone(self) -> None:
        """As when its process is killed."""
        self._reader.cancel()
        self.channel.abort()
        await self.channel.close()


async def eventually(found, message: str):
    """The first true result of ``found`` (a function, or one that returns an awaitable) within PATIENCE_S."""
    until = time.monotonic() + PATIENCE_S
    while True:
        result = found()
        result = await result if asyncio.iscoroutine(result) else result
        if result:
            return result
        assert time.monotonic() < until, message
        await asyncio.sleep(0.01)


@pytest.fixture
async def peers(control):
    """``await peers.server(...)``, ``peers.agent(...)``, ``peers.console()``: connected peers, ended with the test."""
    async with Peers() as peers:
        peers.follow(control)
        yield peers


class Peers:
    """Dials the control that it follows; every connection ends with the context."""

    def __init__(self):
        self.port = 0
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> "Peers":
        return self

    async def __aexit__(self, *exc_info) -> None:
        await self._stack.aclose()

    def follow(self, control: Control) -> None:
        self.port = control.port

    async def dial(self, kind: str, name: str, secret: str, **hello) -> Peer:
        peer = Peer(await wire.dial("127.0.0.1", self.port, kind=kind, name=name, secret=secret, **hello)).listen()
        self._stack.push_async_callback(peer.gone)
        return peer

    async def server(self, application: Application, *, pid=4711, started=1, **hello) -> Peer:
        return await self.dial("application", application.name, application.secret, pid=pid, started=started,
                               host="alpha", version="8.5.100.01", **hello)

    async def started(self, application: Application, **hello) -> tuple[Peer, Grant]:
        """A server that got its configuration and a grant, and reported that it acts on it."""
        server = await self.server(application, **hello)
        await server.hears(Configuration)
        await server.say(Report(state="ready"))
        grant = await server.hears(Grant)
        await server.say(report_on(grant))
        return server, grant

    async def agent(self, host: Host, *processes: ProcessChanged, **hello) -> Peer:
        agent = await self.dial("host", host.name, host.secret, pid=99, started=1, **hello)
        await agent.say(processes_of(*processes))
        return agent

    async def console(self) -> Peer:
        return await self.dial("console", "console", control_secrets()[0])


def processes_of(*processes: ProcessChanged) -> Processes:
    bodies = [{k: v for k, v in process.to_dict().items() if k != "type"} for process in processes]
    return Processes(processes=bodies, host={"agent_version": "1.0", "worker": True, "cpu_percent": 3.5})


def report_on(grant: Grant, **values) -> Report:
    return Report(**{"state": "started", "role": grant.role, "epoch": grant.epoch,
                     "record_version": grant.record_version, **values})


@sync_to_async
def _row(application: Application) -> RuntimeStatus | None:
    return RuntimeStatus.objects.filter(application=application).first()


async def row_that(application: Application, when: Callable[[RuntimeStatus], bool]) -> RuntimeStatus:
    """The application's RuntimeStatus once it is so."""
    async def look():
        row = await _row(application)
        return row if row is not None and when(row) else None
    return await eventually(look, "RuntimeStatus never said so")


async def status_of(application: Application, status: str) -> RuntimeStatus:
    return await row_that(application, lambda row: row.status == status)


def process(state: str, **values) -> ProcessChanged:
    return ProcessChanged(application="MS", state=state, **{"pid": 4711, "started": 1, **values})


async def host_that(when) -> HostRuntime:
    async def look():
        row = await HostRuntime.objects.filter(host__name="alpha").afirst()
        return row if row and when(row) else None
    return await eventually(look, "HostRuntime never said so")

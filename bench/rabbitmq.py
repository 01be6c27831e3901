"""RabbitMQ's quorum queue, three nodes on this machine: what the pair is measured against.

    python -m bench.rabbitmq [-n 30000] [-conns 4] [-window 500] [-size 300]

The nodes belong to the measurement: loopback only, ports, cookie and data of their own under a temporary directory.
The system's RabbitMQ service is neither used nor touched.
"""

import argparse
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.ports import free_port
from tests.scenarios.harness import wait_for

from .stomp_client import Load, add_load_arguments, measure, summary

PROGRAMS = Path("/usr/lib/rabbitmq/bin")
MISSING = "RabbitMQ is not installed and is left out. To compare with it: apt-get install rabbitmq-server."
NODES = 3
START_S, COMMAND_S, END_S = 90, 60, 10
CONFIGURATION = """\
listeners.tcp = none
stomp.listeners.tcp.1 = 127.0.0.1:{stomp}
log.console = false
vm_memory_high_watermark.relative = 0.6
"""
# The creator is the leader of a quorum queue: it lies on the node that the client talks to, RabbitMQ's best case.
DECLARE = ('{{new, Q}} = rabbit_amqqueue:declare(rabbit_misc:r(<<"/">>, queue, <<"{queue}">>), true, false, '
           '[{{<<"x-queue-type">>, longstr, <<"quorum">>}}], none, <<"bench">>), '
           'length(maps:get(nodes, amqqueue:get_type_state(Q))).')
COUNT = ('{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"{queue}">>)), '
         '{{ok, Held, _}} = rabbit_amqqueue:stat(Q), Held.')


def installed() -> bool:
    """True when Debian's package rabbitmq-server is there."""
    return (PROGRAMS / "rabbitmq-server").exists()


class Node:
    """One RabbitMQ node with its own ports, data and logs."""

    def __init__(self, directory: Path, number: int, epmd_port: int):
        self.name, self.directory = f"bench{number}@localhost", directory / f"node{number}"
        self.stomp = free_port()
        self.directory.mkdir()
        (self.directory / "rabbitmq.conf").write_text(CONFIGURATION.format(stomp=self.stomp))
        (self.directory / "enabled_plugins").write_text("[rabbitmq_stomp].\n")
        self.environment = {
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(directory), "RUNNING_UNDER_SYSTEMD": "1",
            "ERL_EPMD_PORT": str(epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.name, "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONF_ENV_FILE": str(self.directory / "none.conf"),
            "RABBITMQ_CONFIG_FILE": str(self.directory / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.directory / "mnesia"), "RABBITMQ_LOG_BASE": str(self.directory / "log"),
            "RABBITMQ_PID_FILE": str(self.directory / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}"}

    def launch(self) -> subprocess.Popen:
        with open(self.directory / "output.log", "wb") as output:
            return subprocess.Popen([PROGRAMS / "rabbitmq-server"], env=self.environment, cwd=self.directory,
                                    stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                    start_new_session=True)

    def command(self, *arguments: str) -> str:
        """What ``rabbitmqctl`` prints. Raises RuntimeError with its words when it fails."""
        done = subprocess.run([PROGRAMS / "rabbitmqctl", "-q", *arguments], env=self.environment, cwd=self.directory,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=COMMAND_S)
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {arguments[0]} on {self.name}: {done.stdout}{done.stderr}")
        return done.stdout.strip()


class Cluster:
    """Three nodes; a context manager that starts them and ends every process of theirs."""

    def __init__(self, directory: Path):
        self._directory = directory
        self._processes: list[subprocess.Popen] = []
        cookie = directory / ".erlang.cookie"
        cookie.touch(0o600)
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        self._epmd_port = free_port()
        self.nodes = [Node(directory, number, self._epmd_port) for number in range(1, NODES + 1)]

    def __enter__(self) -> "Cluster":
        try:
            self._start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *exc_info) -> None:
        self.end()

    def _start(self) -> None:
        self._processes.append(subprocess.Popen(
            ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env={"PATH": os.environ["PATH"]}))
        self._processes += [node.launch() for node in self.nodes]
        first, *others = self.nodes
        for node, process in zip(self.nodes, self._processes[1:], strict=True):
            wait_for((node.directory / "pid").exists, START_S, f"the start of {node.name}", every=0.1)
            node.command("wait", "--timeout", str(START_S), str(node.directory / "pid"))
            assert process.poll() is None, (node.directory / "output.log").read_text()
        for node in others:
            node.command("stop_app")
            node.command("join_cluster", first.name)
            node.command("start_app")

    @contextlib.contextmanager
    def queue(self, name: str, messages: int) -> Iterator[tuple[int, str]]:
        """A new quorum queue on all nodes: (port, destination) for ``messages``, none of which may be missing at the
        end of the block, when the queue is deleted. Raises RuntimeError."""
        first = self.nodes[0]
        if first.command("eval", DECLARE.format(queue=name)) != str(NODES):
            raise RuntimeError(f"the queue {name} does not have {NODES} members")
        yield first.stomp, f"/amq/queue/{name}"
        if (held := first.command("eval", COUNT.format(queue=name))) != str(messages):
            raise RuntimeError(f"the queue {name} holds {held} messages instead of {messages}")
        first.command("delete_queue", name)

    def end(self) -> None:
        """Kill what was started, whole process groups: their data is thrown away."""
        for process in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(END_S)
        self._processes.clear()


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.rabbitmq", description=__doc__.splitlines()[0])
    add_load_arguments(parser)
    parser.set_defaults(n=30_000, window=500)
    given = parser.parse_args()
    if not installed():
        print(MISSING, file=sys.stderr)
        return 0
    load = Load("127.0.0.1", 0, "guest", "guest", given.n, given.conns, given.window, given.size)
    with tempfile.TemporaryDirectory(prefix="pairwise-bench-") as directory, Cluster(Path(directory)) as cluster:
        for queue, messages in (("warm", 5000), ("bench", given.n)):
            with cluster.queue(queue, messages) as (port, destination):
                result = measure(replace(load, messages=messages, port=port, destination=destination))
    print(json.dumps({"bench": "rabbitmq", "nodes": NODES, **summary(load, result)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

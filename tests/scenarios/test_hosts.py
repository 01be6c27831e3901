"""The test hosts themselves: what is cut must be cut, and nothing may be left behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from .harness import ROOT, wait_for
from .hosts import Lan, Node, VirtualHost, cut_between, heal_between

pytestmark = pytest.mark.usefixtures("hosts_allowed")
PORT = 7000
LISTEN = f"""
import socket
with socket.create_server(("0.0.0.0", {PORT})) as server:
    while True:
        server.accept()[0].close()
"""
DIAL = f"""
import socket, sys
try:
    socket.create_connection((sys.argv[1], {PORT}), 0.3)
except TimeoutError:
    print("silence")
except OSError:
    print("refusal")
else:
    print("answer")
"""


class Listening:
    """A node on whose PORT something listens."""

    def __init__(self, node: Node):
        self.node = node
        self._process = subprocess.Popen([*node.prefix, sys.executable, "-c", LISTEN])
        wait_for(lambda: self._listens(), 5, "the listener")

    def _listens(self) -> bool:
        return dial(self.node, "127.0.0.1") == "answer"

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def dial(source: Node, address: str) -> str:
    """"answer", "silence" or "refusal"."""
    command = [*source.prefix, sys.executable, "-c", DIAL, address]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def lan():
    with Lan() as made:
        yield made


@pytest.fixture
def three(lan):
    """Three nodes that listen."""
    nodes = [Node(lan, number) for number in (2, 3, 4)]
    listening = [Listening(node) for node in nodes]
    yield nodes
    for each in [*listening, *nodes]:
        each.close()


def reaches(nodes: list[Node]) -> set[tuple[int, int]]:
    return {(a, b) for a, one in enumerate(nodes) for b, other in enumerate(nodes)
            if a != b and dial(one, other.address) == "answer"}


ALL = {(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)}


def test_everybody_reaches_everybody_and_a_pulled_cable_cuts_one_off(three, lan):
    assert reaches(three) == ALL
    three[0].cut()
    assert reaches(three) == {(1, 2), (2, 1)}
    three[0].heal()
    # As with a real card, it takes a moment until the neighbours find it again.
    wait_for(lambda: reaches(three) == ALL, 5, "everybody connected")


@pytest.mark.long
def test_a_cut_between_two_leaves_the_third_connected_to_both(three):
    cut_between(three[0], three[1])
    assert reaches(three) == ALL - {(0, 1), (1, 0)}
    heal_between(three[0], three[1])
    assert reaches(three) == ALL


@pytest.mark.long
def test_only_one_direction_is_lost(three):
    three[0].lose(three[1])
    # A connection needs both directions, but what the other one sends does arrive.
    assert reaches(three) == ALL - {(0, 1), (1, 0)}
    assert heard_by(three[0], three[1]) == "heard"
    assert heard_by(three[1], three[0]) == ""
    three[0].find(three[1])
    assert reaches(three) == ALL


def heard_by(receiver: Node, sender: Node) -> str:
    """What one datagram from ``sender`` brings to ``receiver``."""
    receive = subprocess.Popen([*receiver.prefix, sys.executable, "-c", (
        "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('0.0.0.0', 7001)); s.settimeout(1)\n"
        "print('bound', flush=True)\ntry: print(s.recv(99).decode())\nexcept TimeoutError: print('')")],
        stdout=subprocess.PIPE, text=True)
    with receive:
        receive.stdout.readline()
        subprocess.run([*sender.prefix, sys.executable, "-c", (
            "import socket; socket.socket(type=socket.SOCK_DGRAM)"
            f".sendto(b'heard', ('{receiver.address}', 7001))")], check=True)
        return receive.stdout.read().strip()


@pytest.fixture
def host(lan, tmp_path):
    made = VirtualHost(lan, 11, "alpha", tmp_path / "alpha")
    yield made
    made.close()


def test_a_power_cut_ends_every_process_of_the_host_without_a_word_to_its_peers(host):
    host.boot()
    server = subprocess.Popen([*host.everything, sys.executable, "-c", LISTEN])
    wait_for(lambda: _dials(host), 5, "the listener")
    with socket.create_server((host.lan.address, 0)) as here:
        command = [*host.everything, sys.executable, "-c", (
            f"import socket, time; s = socket.create_connection({here.getsockname()!r}); s.send(b'x'); time.sleep(60)")]
        talker = subprocess.Popen(command)
        peer, _ = here.accept()
        with peer:
            assert peer.recv(1) == b"x"
            host.power_off()
            for process in (server, talker):
                assert process.wait(5)
            peer.settimeout(0.5)
            with pytest.raises(TimeoutError):
                peer.recv(1)


def _dials(host: VirtualHost) -> bool:
    try:
        socket.create_connection((host.address, PORT), 0.3).close()
    except OSError:
        return False
    return True


@pytest.mark.long
def test_a_host_boots_again_with_the_same_address_another_boot_id_and_its_own_name(host):
    def facts() -> tuple[str, str]:
        command = [*host.everything, "sh", "-c", "uname -n; cat /proc/sys/kernel/random/boot_id"]
        return tuple(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())

    host.boot()
    name, boot = facts()
    host.power_off()
    host.boot()
    again, other_boot = facts()
    assert name == again == "alpha"
    assert boot != other_boot != Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_a_disk_of_its_own_fills_up_and_outlives_a_power_cut(lan, host, tmp_path):
    lan.mount_disk(tmp_path / "disk", 1)
    host.boot()
    writes = [*host.everything, "sh", "-c", f"head -c 4000000 /dev/zero > {tmp_path}/disk/file"]
    done = subprocess.run(writes, capture_output=True, text=True)
    assert "No space left" in done.stderr
    host.power_off()
    host.boot()
    assert lan.seen_from_here(tmp_path / "disk" / "file").stat().st_size > 900_000
    assert not (tmp_path / "disk" / "file").exists()


KILLED = """
import sys, time
from pathlib import Path
from tests.scenarios.hosts import Lan, Node, VirtualHost
lan = Lan()
node, host = Node(lan, 2), VirtualHost(lan, 11, "alpha", Path(sys.argv[1]))
lan.mount_disk(Path(sys.argv[1]) / "disk", 1)
host.boot()
print(lan.card, host.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.long
def test_a_killed_test_run_leaves_no_process_and_no_interface(tmp_path):
    run = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "alpha")], cwd=ROOT, text=True,
                           stdout=subprocess.PIPE)
    with run:
        card, pid = run.stdout.readline().split()
        assert psutil.pid_exists(int(pid))
        assert os.path.exists(f"/sys/class/net/{card}")
        run.send_signal(signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(int(pid)), 5, "the end of the host")
    wait_for(lambda: not os.path.exists(f"/sys/class/net/{card}"), 5, "the end of the network")
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


@pytest.mark.long
def test_two_networks_live_side_by_side():
    with Lan() as one, Lan() as other, Node(one, 2) as here, Node(other, 2) as there:
        assert here.address != there.address
        for node in (here, there):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((node.address, PORT), 5)

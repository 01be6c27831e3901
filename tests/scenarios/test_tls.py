"""Two machines join over TLS, and a pair on them syncs over secured ports; who is not trusted is told why."""

import json
import shutil
import socket
import ssl
import subprocess

import pytest
import yaml

from provisioning.core.authority import Authority

from .applications import message_server
from .harness import Pairwise, wait_for
from .joining import DIRECTORY, Machine, console_beside, created, host_of, line_of

CLIENT, SYNC = 7001, 7002
MEMBERS = ("MS_A", "MS_B")


@pytest.fixture(scope="module")
def network(hosts_allowed, tmp_path_factory):
    with console_beside(tmp_path_factory.mktemp("tls"), "one", "two") as (run, *machines):
        yield [run.start(), *machines]


def join(pairwise: Pairwise, machine: Machine) -> str:
    """Make the host and paste the line of its page; the line."""
    line = line_of(created(pairwise.browser(), machine).text)
    done = machine.paste(line)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{machine.logs()}"
    return line


def secured_server(name: str, machine: Machine, **fields) -> dict:
    return message_server(name, host=machine.name, ports=[
        {"id": "default", "port": CLIENT, "protocol": "stomp", "listening_mode": "secured"},
        {"id": "sync", "port": SYNC, "protocol": "sync", "ha_sync": True, "listening_mode": "secured",
         "transport_parameters": "tls=1"}], **fields)


def exchange_mutual(pairwise: Pairwise) -> None:
    """Let the HA Sync ports want a certificate of each other, too."""
    exported = yaml.safe_load(pairwise.manage("export").stdout)["applications"]
    changed = []
    for application in exported:
        for port in application["ports"] if application["name"] in MEMBERS else ():
            assert "certificate=" in port["transport_parameters"]
            if port["id"] == "sync":
                port["transport_parameters"] += ";tls-mutual=1"
                changed.append({"name": application["name"], "ports": application["ports"]})
    path = pairwise.data_dir.parent / "mutual.yaml"
    path.write_text(yaml.safe_dump({"applications": changed}))
    pairwise.manage("apply", str(path), "--yes")


def pair_of(pairwise: Pairwise) -> dict:
    return next(each for each in pairwise.status()["pairs"] if each["primary"] == MEMBERS[0])


@pytest.mark.long
def test_hosts_join_and_a_pair_syncs_over_tls_and_fails_over(network):
    pairwise, *machines = network
    assert pairwise.address.startswith("https://")
    for machine in machines:
        join(pairwise, machine)
        config = json.loads(machine.file(DIRECTORY / "agent.json").read_text())
        assert config["ca_file"] == f"{DIRECTORY}/control-ca.pem"
        assert machine.file(DIRECTORY / "control-ca.pem").read_bytes() == pairwise.authority.read_bytes()

    path = pairwise.data_dir.parent / "pair.yaml"
    link = {"backup": MEMBERS[1], "redundancy_type": "warm standby"}
    path.write_text(json.dumps({"applications": [
        secured_server(name, machine, **more)
        for name, machine, more in zip(MEMBERS, machines, (link, {}), strict=True)]}))
    pairwise.manage("apply", str(path), "--yes")
    for verb in ("install", "make_certificates"):
        for name in MEMBERS:
            pairwise.manage(verb, name, "--wait")
    exchange_mutual(pairwise)
    for name in MEMBERS:
        pairwise.manage("start", name, "--wait")
    for machine in machines:
        [found] = machine.file(DIRECTORY / "apps").glob("*/console-ca.pem")
        assert found.read_bytes() == pairwise.authority.read_bytes()
    wait_for(lambda: pair_of(pairwise)["in_sync"], 30, "in sync")
    certificates = pairwise.application(MEMBERS[0])["certificates"]
    assert [(each["port"], each["urgency"]) for each in certificates] == [("default", ""), ("sync", "")]
    done = pairwise.manage("failover_check", MEMBERS[0])
    assert "The certificates of both last longer than 30 days." in done.stdout

    context = ssl.create_default_context(cafile=pairwise.authority)
    with (socket.create_connection((machines[0].address, CLIENT), 10) as plain,
          context.wrap_socket(plain, server_hostname=machines[0].address) as client):
        client.sendall(b"CONNECT\naccept-version:1.2\nlogin:bench\npasscode:benchpass\n\n\0")
        assert client.recv(1000).startswith(b"CONNECTED")

    machines[0].power_off()
    wait_for(lambda: pair_of(pairwise)["active"] == MEMBERS[1], 20, "the failover")
    pairwise.wait_status(MEMBERS[1], "Started", mode="Primary")


@pytest.mark.long
def test_a_host_that_does_not_trust_control_says_so_and_comes_back_with_a_new_line(network):
    pairwise, _, machine = network
    own = machine.file(DIRECTORY / "control-ca.pem")
    another = Authority(machine.directory / "another")
    another.provide(["localhost"])
    shutil.copy(another.certificate, own)
    restart_agent(machine)
    wait_for(lambda: host_of(pairwise, machine.name)["status"] != "Running", 20, "the agent gone")
    wait_for(lambda: "not from the authority that is trusted here" in "".join(machine.logs().values()), 20, "the log")
    page = pairwise.browser().post(f"/provisioning/environment/hosts/{host_id(pairwise, machine)}/join/", {})
    done = machine.paste(line_of(page.text))
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{machine.logs()}"
    assert host_of(pairwise, machine.name)["status"] == "Running"


@pytest.mark.long
def test_a_line_that_leads_to_another_console_ends_before_its_token_is_told(network, tmp_path):
    pairwise, _, machine = network
    page = pairwise.browser().post(f"/provisioning/environment/hosts/{host_id(pairwise, machine)}/join/", {})
    line = line_of(page.text)
    # The program is public: who is in the middle can hand it on, and then shows a certificate of his own.
    other = Authority(tmp_path / "other")
    other.provide([pairwise.host])
    program = (pairwise.data_dir / "agent" / "join.py").read_bytes()
    server = tmp_path / "middle.py"
    server.write_text(MIDDLE)
    (tmp_path / "program").write_bytes(program)
    with subprocess.Popen([*pairwise.inside, shutil.which("python3"), str(server), pairwise.host,
                           str(other.console_certificate), str(other.console_key), str(tmp_path / "program"),
                           str(tmp_path / "heard")], stdout=subprocess.PIPE, text=True) as middle:
        try:
            port = int(middle.stdout.readline())
            done = machine.paste(line.replace(f":{pairwise.port}", f":{port}"))
        finally:
            middle.kill()
    assert done.returncode == 1
    assert "does not prove that it is the console" in done.stderr
    heard = (tmp_path / "heard").read_text()
    assert "GET /join/program" in heard
    assert line.split()[1] not in heard


MIDDLE = """
import http.server, ssl, sys
host, certificate, key, program, heard = sys.argv[1:]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open(heard, "a").write(self.requestline + str(self.headers))
        self.send_response(200); self.end_headers(); self.wfile.write(open(program, "rb").read())
    do_POST = do_GET
server = http.server.ThreadingHTTPServer((host, 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


RESTART = f"""
import pathlib, sys
sys.path.insert(0, "{DIRECTORY}/current/lib")
from hostagent import enrol
directory = pathlib.Path("{DIRECTORY}")
enrol.stop_in_background(directory, 15)
enrol.start_in_background(directory)
"""


def restart_agent(machine: Machine) -> None:
    done = machine.paste(f"python3 -I -c '{RESTART}'")
    assert done.returncode == 0, done.stderr


def host_id(pairwise: Pairwise, machine: Machine) -> str:
    text = pairwise.browser().get("/provisioning/environment/hosts/").text
    before = text[:text.index(f">{machine.name}<")]
    return before.rpartition("/hosts/")[2].split("/")[0]

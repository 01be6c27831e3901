"""The console scaled out: PostgreSQL, Redis with TLS and a password (or RabbitMQ), several machines, two controls."""

import contextlib
import hashlib
import io
import os
import secrets
import signal
import socket
import tarfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import yaml

from bench import rabbitmq
from hostagent.jobs.archive import CHECKSUMS
from provisioning.keys import mark_of

from .applications import message_server
from .harness import PATIENCE, Pairwise, wait_for
from .scaled import HOSTS, PAIR, ScaledOut
from .services import postgres_server, rabbit, secured_redis, why_none

pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(why_none()), reason=why_none())]


@pytest.fixture(scope="module")
def scaled(tmp_path_factory):
    with postgres_server() as server, secured_redis(tmp_path_factory.mktemp("stores") / "redis") as (redis, ca), \
            ScaledOut(tmp_path_factory.mktemp("scaled"), postgres=server, redis=redis, redis_ca=ca) as layout:
        layout.make_pair()
        yield layout


def test_pages_and_jobs_work_on_every_machine_of_the_console(scaled):
    for machine in scaled.machines:
        status, components = machine.health()
        assert status == 200, components
        browser = machine.browser()
        assert browser.get("/").status == 200
        assert PAIR[0] in browser.get("/provisioning/environment/applications/").text


def test_the_other_control_takes_over_when_the_leader_is_killed_and_failover_still_happens(scaled):
    scaled.wait_whole()
    with scaled.ledger() as ledger:
        ledger.wait_acknowledged(50)
        former, _ = scaled.term()
        leader, standby = scaled.leader, scaled.standby
        os.kill(leader.child("control"), signal.SIGKILL)
        scaled.wait_takeover(former)
        assert scaled.leader is standby
        for machine in scaled.machines:
            assert machine.browser().get("/").status == 200
        scaled.wait_whole()
        active = scaled.pair()["active"]
        os.kill(scaled.member(active)["pid"], signal.SIGKILL)
        wait_for(lambda: scaled.pair()["active"] != active, 10, "the failover")
        ledger.wait_acknowledged(50)
        ledger.check()
    assert scaled.machines[0].ask("start", name=active)["ok"]
    scaled.wait_whole()


def test_a_leader_that_was_frozen_and_thaws_changes_nothing_any_more(scaled):
    scaled.wait_whole()
    with scaled.ledger() as ledger:
        ledger.wait_acknowledged(50)
        former, _ = scaled.term()
        leader = scaled.leader
        frozen = leader.child("control")
        with leader.frozen_child("control"):
            scaled.wait_takeover(former)
            # What the pages show is still from before; the members come to the new leader within a moment.
            wait_for(lambda: scaled.machines[-1].ask("switchover", name=PAIR[0])["ok"], 20, "a switchover", every=0.3)
            scaled.wait_whole()
            before = scaled.pair()
        wait_for(lambda: "does not lead any more" in leader.logs()["logs/control.log"], 10, "its resignation")
        ledger.wait_acknowledged(50)
        after = scaled.pair()
        assert (after["active"], after["epoch"], after["in_sync"]) == (before["active"], before["epoch"], True)
        assert (scaled.term()[0], scaled.leader is leader, leader.child("control")) == (former + 1, False, frozen)
        ledger.check()


def test_messages_go_on_while_postgres_is_away_and_all_is_as_before_when_it_is_back(scaled):
    scaled.wait_whole()
    before = scaled.pair()
    browsers = [machine.browser() for machine in scaled.machines]
    with scaled.ledger() as ledger:
        ledger.wait_acknowledged(50)
        with scaled.without_database():
            ledger.stays_up(5)
        scaled.wait_healthy(40)
        # Connections that were open before are no trouble of anybody.
        for browser in browsers * 10:
            assert browser.get("/provisioning/environment/applications/").status == 200, browser.address
        scaled.wait_whole()
        assert [scaled.pair()[name] for name in ("active", "epoch")] == [before[name] for name in ("active", "epoch")]
        standby = next(name for name in PAIR if name != before["active"])
        wait_for(lambda: scaled.machines[0].ask("switchover", name=PAIR[0])["ok"], 20, "a switchover", every=0.3)
        wait_for(lambda: scaled.pair()["active"] == standby, 10, "the other one active")
        scaled.wait_whole()
        ledger.check()


PACKAGE_BYTES = 4 * 2**20


def another_package(scaled: ScaledOut) -> bytes:
    """One that no machine has, and from which servers can be installed as from the one that is there."""
    directory, more = Path(scaled.machines[0].environment["PAIRWISE_PACKAGES_DIR"]), os.urandom(PACKAGE_BYTES)
    with tarfile.open(next(directory.glob("*.tar.gz"))) as known:
        files = [(member, known.extractfile(member).read()) for member in known if member.isfile()]
    files.append((tarfile.TarInfo("more"), more))
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as package:
        for member, content in files:
            if member.name == CHECKSUMS:
                content += f"{hashlib.sha256(more).hexdigest()}  more\n".encode()
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
    return made.getvalue()


def test_a_web_process_that_is_killed_during_an_upload_leaves_nothing_and_another_machine_takes_it(scaled):
    first, second = scaled.machines
    token, package = first.command_line("tokens", "add", "uploader", "--role", "Administrator").stdout.strip(), \
        another_package(scaled)
    path, show = "/api/v1/packages?file_name=more.tar.gz", {"Authorization": f"Bearer {token}"}
    directory = Path(first.environment["PAIRWISE_PACKAGES_DIR"])
    before, web = sorted(directory.iterdir()), first.child("web")
    with socket.create_connection(("127.0.0.1", first.port)) as upload:
        head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}",
                "Content-Type: application/gzip", f"Content-Length: {len(package)}", "", ""]
        upload.sendall("\r\n".join(head).encode() + package[:len(package) // 2])
        os.kill(web, signal.SIGKILL)
        upload.settimeout(10)
        with contextlib.suppress(ConnectionResetError):
            assert upload.recv(1) == b""
    wait_for(lambda: first.child("web") != web, 40, "another web process")
    scaled.wait_healthy(40)
    assert sorted(directory.iterdir()) == before
    taken = urllib.request.Request(second.address + path, data=package, headers=show | {
        "Content-Type": "application/gzip"})
    with urllib.request.urlopen(taken, timeout=20) as answer:
        assert answer.status == 201
    with urllib.request.urlopen(urllib.request.Request(first.address + "/api/v1/packages", headers=show)) as answer:
        assert str(len(package)) in answer.read().decode()


@pytest.mark.timeout(300)
def test_the_backup_of_one_machine_brings_all_of_them_back_with_an_empty_database(scaled, tmp_path):
    scaled.wait_whole()
    first, file = scaled.machines[0], tmp_path / "console.backup"
    mark = first.command_line("verify_history").stdout.split()[-1]
    with scaled.ledger() as ledger:
        first.command_line("backup", str(file))
        before = scaled.pair()
        scaled.restore(lambda: first.command_line("restore", str(file), timeout=100 * PATIENCE))
        scaled.wait_whole()
        assert scaled.pair()["active"] == before["active"]
        ledger.wait_acknowledged(50)
        ledger.check()
    for machine in scaled.machines:
        machine.command_line("verify_history", "--expect", mark)
    for name in HOSTS:
        scaled.wait_host(name)
    for verb in ("stop", "start"):
        scaled.run_jobs(verb)
    scaled.wait_whole()


@pytest.mark.timeout(600)
def test_the_key_is_rotated_machine_by_machine_while_everything_works(scaled):
    scaled.wait_whole()
    former, new = scaled.machines[0].environment["PAIRWISE_SECRET_KEY"], secrets.token_hex(32)
    browsers = [machine.browser() for machine in scaled.machines]
    with scaled.ledger() as ledger:
        for key, other in ((former, new), (new, former)):
            for machine in scaled.machines:
                scaled.restart(machine, key, other)
                ledger.wait_acknowledged(20)
                see_the_pair(browsers)
        assert "can be dropped" in scaled.machines[0].command_line("rotate_key").stdout
        scaled.wait_whole()
        for name in HOSTS:
            scaled.wait_host(name)
        for machine in scaled.machines:
            scaled.restart(machine, new)
            ledger.wait_acknowledged(20)
            see_the_pair(browsers)
        ledger.check()
    with psycopg.connect(scaled.database) as session:
        stored = [*session.execute("SELECT secret FROM provisioning_host"),
                  *session.execute("SELECT secret FROM provisioning_application")]
    assert len(stored) == 4
    assert {text.partition(":")[0] for text, in stored} == {mark_of(new)}
    for machine in scaled.machines:
        assert machine.command_line("verify_history").stdout.startswith("History is whole")
    scaled.wait_whole()
    for verb in ("stop", "start"):
        scaled.run_jobs(verb)
    scaled.wait_whole()


MANY = 80


@pytest.mark.timeout(400)
def test_a_leader_that_dies_while_a_file_is_applied_costs_no_application(scaled, tmp_path):
    machine, path = scaled.machines[-1], tmp_path / "many.yaml"
    names = [f"Many_{number:02}" for number in range(MANY)]
    path.write_text(yaml.safe_dump({"applications": [message_server(name, host="alpha") for name in names]}))
    former, _ = scaled.term()
    applying, reads = machine.manage_later("apply", str(path), "--yes"), ThreadPoolExecutor(1)
    try:
        # A pipe does not hold the whole plan.
        said = reads.submit(applying.communicate)
        with psycopg.connect(scaled.database, autocommit=True) as session:
            # Asked of nobody who is at work.
            wait_for(lambda: applying.poll() is not None or session.execute(
                "SELECT 1 FROM provisioning_application WHERE name = %s", [names[0]]).fetchone(), 120,
                "the first of them")
        os.kill(scaled.leader.child("control"), signal.SIGKILL)
        said.result(90 * PATIENCE)
    finally:
        # Else whoever ends the layout finds it left behind.
        applying.kill()
        reads.shutdown()
    assert applying.returncode == 0, said.result()
    scaled.wait_takeover(former)
    assert set(names) <= known(machine)
    for verb, status in (("install", "Stopped"), ("start", "Started"), ("stop", "Stopped")):
        scaled.run_jobs(verb, names[-1])
        machine.wait_status(names[-1], status)
    scaled.wait_whole()


def known(machine: Pairwise) -> set[str]:
    return {each["name"] for each in machine.status()["applications"]}


def see_the_pair(browsers) -> None:
    """Nobody was signed out, on no machine."""
    for browser in browsers:
        assert PAIR[0] in browser.get("/provisioning/environment/applications/").text


@pytest.mark.skipif(not rabbitmq.installed(), reason=rabbitmq.MISSING)
def test_jobs_travel_through_rabbitmq_as_well(scaled, tmp_path):
    with rabbit(tmp_path / "rabbit") as (_, address):
        scaled.end()
        scaled.start_again(address())
        try:
            # The agents bring back what ran.
            scaled.wait_whole()
            scaled.run_jobs("stop")
        finally:
            scaled.end()

"""The console scaled out: PostgreSQL, Redis with TLS and a password (or RabbitMQ), several machines, two controls."""

import os
import secrets
import signal

import psycopg
import pytest

from bench import rabbitmq
from provisioning.keys import mark_of

from .harness import wait_for
from .scaled import HOSTS, PAIR, ScaledOut
from .services import postgres, rabbit, secured_redis, why_none

pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(why_none()), reason=why_none())]


@pytest.fixture(scope="module")
def scaled(tmp_path_factory):
    with postgres() as database, secured_redis(tmp_path_factory.mktemp("stores") / "redis") as (redis, authority), \
            ScaledOut(tmp_path_factory.mktemp("scaled"), database=database, redis=redis, redis_ca=authority) as layout:
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


def see_the_pair(browsers) -> None:
    """Nobody was signed out, on no machine."""
    for browser in browsers:
        assert PAIR[0] in browser.get("/provisioning/environment/applications/").text


@pytest.mark.skipif(not rabbitmq.installed(), reason=rabbitmq.MISSING)
def test_jobs_travel_through_rabbitmq_as_well(scaled, tmp_path):
    with rabbit(tmp_path / "rabbit") as address:
        scaled.end()
        scaled.start_again(address())
        try:
            # The agents bring back what ran.
            scaled.wait_whole()
            scaled.run_jobs("stop")
        finally:
            scaled.end()

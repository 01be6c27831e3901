"""A pair whose active server dies while the Configuration Database is busy: failover does not wait for it."""

import json
import os
import signal

import pytest

from . import busywork
from .harness import wait_for
from .pairs import Pair, tell, under_load

AT_MOST_S = 1.0
"""From the last acknowledgement of the killed server to the first one of the other."""
HELD = "Another program holds the Configuration Database."


@pytest.fixture(scope="module")
def pair(own_site):
    """On a site of its own: other scenarios have no use for what is applied here."""
    return Pair(own_site, "busy")


@pytest.fixture(scope="module")
def filled(pair):
    """The pair, among thousands of others."""
    busywork.fill(pair.site, busywork.FULL)
    pair.site.pairwise.about = pair.name
    pair.wait_whole()
    return pair


def replaced_during(pair: Pair, name: str, size: busywork.Size) -> None:
    active, other = pair.active, pair.standby
    pid = active.pid()
    with under_load(pair) as ledger:
        with busywork.WORKS[name](pair.site, size) as goes_on:
            fault = ledger.fault(lambda: os.kill(pid, signal.SIGKILL))
            outage = fault.outage()
            assert goes_on()
        tell(f"busy database, {name}, {size.name}", outage)
        assert outage < AT_MOST_S
        pair.wait("takeover", active=other.name)


@pytest.mark.parametrize("name", busywork.WORKS)
@pytest.mark.long
def test_a_killed_server_is_replaced_within_a_second_during(pair, name):
    replaced_during(pair, name, busywork.QUICK)


@pytest.mark.long
def test_while_another_program_holds_the_database_that_is_what_people_read_and_a_switchover_works(pair):
    active, other, console = pair.active, pair.standby, pair.site.pairwise
    with under_load(pair):
        with busywork.holding(pair.site, busywork.QUICK):
            wait_for(lambda: console.health()[0] == 503, 10, "the database is down for people")
            parts = console.health()[1]["components"]
            switched = console.manage("switchover", active.name, "--json")
            checked = console.manage("failover_check", active.name, "--json", check=False)
            wait_for(lambda: "takes no write" in console.status()["control"]["reason"], 15, "what is shown is old")
        pair.wait("the switchover is shown", active=other.name)
    assert parts["database"]["reason"].startswith("Locked: another program has held the Configuration Database for")
    assert [name for name, part in parts.items() if part["status"] == "down"] == ["database"]
    said = json.loads(switched.stdout)
    assert (said["active"], HELD in said["unrecorded"]) == (other.name, True)
    proof = next(each for each in json.loads(checked.stdout)["conditions"] if each["code"] == "proof")
    assert f"{other.name} accepted a write and {active.name} refused it: they have changed roles" in proof["sentence"]
    assert "another program has held the Configuration Database" in proof["sentence"]


@pytest.mark.long
@pytest.mark.timeout(900)  # the first one fills the database
@pytest.mark.parametrize("name", busywork.WORKS)
def test_a_killed_server_is_replaced_within_a_second_among_thousands_of_pairs_during(filled, name):
    replaced_during(filled, name, busywork.FULL)

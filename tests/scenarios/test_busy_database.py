"""A pair whose active server dies while the Configuration Database is busy: failover does not wait for it."""

import os
import signal

import pytest

from tests.scenarios import busywork
from tests.scenarios.pairs import Pair, tell, under_load
from tests.scenarios.site import Site

AT_MOST_S = 1.0
"""From the last acknowledgement of the killed server to the first one of the other."""
HELD_S = 2.0


@pytest.fixture(scope="module")
def busy_site(hosts_allowed, tmp_path_factory):
    """A site of its own, which has so many pairs that work on all of them takes a while."""
    made = Site(tmp_path_factory.mktemp("busy"))
    yield made
    left = made.end()
    assert not left, f"left behind: {left}"


@pytest.fixture(scope="module")
def pair(busy_site):
    made = Pair(busy_site, "busy")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def crowd(busy_site, pair):
    """The pairs that the scenario of `apply` makes."""
    path = busywork.file_of_pairs(busy_site.directory / "crowd.yaml")
    busy_site.pairwise.manage("apply", str(path), "--yes", timeout=busywork.ENDS_S)


def killed_during(pair: Pair, work) -> None:
    """The active server is killed while ``work`` (of ``busywork.WORKS``) is under way."""
    active, other = pair.active, pair.standby
    pid = active.pid()
    with under_load(pair) as ledger:
        with work(pair.site) as goes_on:
            fault = ledger.fault(lambda: os.kill(pid, signal.SIGKILL))
            outage = fault.outage()
            assert goes_on()
        tell(f"busy database, {work.__name__}", outage)
        assert outage < AT_MOST_S
        pair.wait("takeover", active=other.name)


def test_a_file_with_many_applications_is_applied(pair):
    killed_during(pair, busywork.applying)


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("name", [name for name in busywork.WORKS if name != "apply"])
def test_the_database_is_busy_with(pair, name):
    killed_during(pair, busywork.WORKS[name])

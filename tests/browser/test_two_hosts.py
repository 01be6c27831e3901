"""The guide with the primary on one host and the backup on another; then one host loses its power, and gets it back."""

import pytest
from playwright.sync_api import expect

from tests.scenarios.applications import installed
from tests.scenarios.harness import PATIENCE
from tests.scenarios.hosts import why_no_hosts
from tests.scenarios.site import Site
from tests.scenarios.stomp_client import StompClient

from .conftest import Tab
from .test_pair import (
    BACKUP,
    PRIMARY,
    Pair,
    check_run_sh,
    install_the_backup,
    make_the_backup_object,
    modify_the_primary,
    start_both,
    synchronize,
)

ON, OTHER = "alpha", "beta"
BOOTS_S = 60


@pytest.fixture
def site(tmp_path):
    if reason := why_no_hosts():
        pytest.skip(reason)
    with Site(tmp_path / "site", hosts=(ON, OTHER)) as made:
        yield made


@pytest.fixture
def page(site, chromium):
    # The authority is the console's own; a browser does not know it.
    tab = Tab(chromium, site.pairwise.address, ignore_https_errors=True)
    yield tab.sign_in()
    complaints = tab.real_complaints()
    tab.close()
    assert complaints == []


@pytest.mark.network
@pytest.mark.timeout(300)
def test_the_guide_across_two_hosts_and_a_host_that_loses_its_power(site, page, accessible):
    installed(site.pairwise, PRIMARY, host=ON, auto_restart=True)
    pair = Pair(page, site.pairwise, backup_host=OTHER)
    make_the_backup_object(pair, accessible)
    install_the_backup(pair)
    modify_the_primary(pair)
    check_run_sh(pair, accessible)
    synchronize(pair)
    start_both(pair, accessible)
    send(site, PRIMARY, ON, "kept")
    page.evaluate("window.sameDocument = true")

    site.hosts[ON].power_off()
    expect(page.locator("#pair-sentence")).to_contain_text(f"{BACKUP} serves", timeout=30_000 * PATIENCE)
    send(site, BACKUP, OTHER, "while it was off")

    site.hosts[ON].boot()
    pair.says(f"{BACKUP} serves; {PRIMARY} has every message and takes over if {BACKUP} fails.", BOOTS_S)
    assert page.evaluate("window.sameDocument")
    with StompClient(port_of(site, BACKUP), "bench", "benchpass", host=site.hosts[OTHER].address) as client:
        client.subscribe("/topic/pair", from_seq=1)
        assert client.bodies(2) == ["kept", "while it was off"]


def port_of(site: Site, name: str) -> int:
    return next(port["port"] for port in site.pairwise.application(name)["ports"] if port["id"] == "default")


def send(site: Site, name: str, host: str, body: str) -> None:
    with StompClient(port_of(site, name), "bench", "benchpass", host=site.hosts[host].address) as client:
        client.send("/topic/pair", body)

"""The guide's page on redundant Message Servers in a real browser, then a switchover seen live on the Pair page."""

import os
import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ports import free_port
from tests.scenarios.applications import installed
from tests.scenarios.harness import PATIENCE, Pairwise, wait_for
from tests.scenarios.stomp_client import StompClient

from .conftest import picture
from .test_guide import add_port, choose_account, remove_proposed_ports

PRIMARY, BACKUP = "MS_Primary", "MS_Backup"
LIST = "/provisioning/environment/applications/"


class Pair:
    """The page of the pair, and how a step of its checklist is found."""

    def __init__(self, page: Page, pairwise: Pairwise, *, backup_host: str = "localhost"):
        self.page, self.pairwise, self.backup_host = page, pairwise, backup_host
        self.port, self.address = free_port(), ""

    def open(self, candidate: bool = False) -> None:
        self.page.goto(self.address)
        if candidate:
            candidates = self.page.get_by_label("Which server is meant to be the backup?")
            candidates.fill(BACKUP)
            self.page.get_by_role("button", name="Show its steps").click()

    def step(self, number: int):
        return self.page.locator(".guide-step").nth(number - 1)

    def expect_step(self, number: int, state: str, seconds: float = 20) -> None:
        head = self.step(number).locator(".guide-head .chip")
        expect(head).to_have_text(state, timeout=seconds * 1000 * PATIENCE)

    def says(self, sentence: str, seconds: float = 30) -> None:
        expect(self.page.locator("#pair-sentence")).to_have_text(sentence, timeout=seconds * 1000 * PATIENCE)

    def dialog(self):
        return self.page.get_by_role("dialog")


@pytest.mark.long
def test_the_guides_pair_from_a_single_server_to_a_switchover_seen_live(page: Page, pairwise: Pairwise, accessible):
    installed(pairwise, PRIMARY, auto_restart=True)
    pair = Pair(page, pairwise)
    make_the_backup_object(pair, accessible)
    install_the_backup(pair)
    modify_the_primary(pair)
    check_run_sh(pair, accessible)
    synchronize(pair)
    start_both(pair, accessible)
    switch_over(pair)
    drill(pair, accessible)
    audit(pair, accessible)
    kill_the_active_one(pair)


def make_the_backup_object(pair: Pair, accessible) -> None:
    """Step 1."""
    page = pair.page
    page.goto(LIST)
    page.get_by_role("row").filter(has_text=PRIMARY).dblclick()
    page.get_by_role("link", name="Pair", exact=True).click()
    page.wait_for_url(re.compile("/monitoring/pairs/"))
    pair.address = page.url
    expect(page.locator("#pair-sentence")).to_contain_text("has no Backup Server")
    accessible(page)
    pair.step(1).get_by_role("link", name="New").click()
    page.get_by_role("textbox", name="Name", exact=True).fill(BACKUP)
    page.get_by_role("button", name="Browse Host").click()
    with page.expect_response(re.compile("/fill/")):
        pair.dialog().get_by_role("option", name=re.compile(pair.backup_host)).dblclick()
    expect(page.locator("[data-field=ports]")).to_contain_text("sync")  # what a pair needs is proposed
    remove_proposed_ports(page)
    add_port(page, "default", pair.port, "stomp")
    add_port(page, "sync", free_port(), "sync", ha_sync=True)
    page.get_by_role("textbox", name="Working Directory", exact=True).fill(".")
    page.get_by_role("textbox", name="Command Line", exact=True).fill(".")
    page.get_by_role("checkbox", name="Auto-Restart").check()
    page.get_by_role("button", name="Save and Close").click()
    page.wait_for_url("**/applications/*")
    pair.open(candidate=True)
    pair.expect_step(1, "Done")


def install_the_backup(pair: Pair) -> None:
    """Step 2."""
    pair.step(2).get_by_role("link", name=f"Install {BACKUP}").click()
    choose_account(pair.dialog())
    pair.dialog().get_by_role("button", name=re.compile("^Install")).click()
    pair.page.wait_for_url("**/operations/jobs/**")
    expect(pair.page.get_by_role("main")).to_contain_text("Succeeded", timeout=60_000 * PATIENCE)
    pair.open(candidate=True)
    pair.expect_step(2, "Done")


def modify_the_primary(pair: Pair) -> None:
    """Step 3, and what is refused on the way."""
    page = pair.page
    pair.step(3).get_by_role("link", name=f"Open {PRIMARY}").click()
    page.get_by_role("button", name="Browse Backup Server").click()
    pair.dialog().get_by_label("Filter by name").fill(BACKUP)
    pair.dialog().get_by_role("option", name=re.compile(BACKUP)).click()
    pair.dialog().get_by_role("button", name="OK").click()
    expect(page.get_by_role("textbox", name="Backup Server")).to_have_value(BACKUP)
    page.get_by_role("combobox", name="Redundancy Type").select_option("Hot Standby")
    expect(page.locator("#id_redundancy_type_error")).to_have_text(
        "Message Servers support Warm Standby only. Choose Warm Standby.")
    page.get_by_role("combobox", name="Redundancy Type").select_option("Warm Standby")
    expect(page.locator("#id_redundancy_type_error")).to_be_empty()
    page.get_by_role("button", name="Save and Close").click()
    page.wait_for_url("**/applications/*")
    pair.open()
    pair.expect_step(3, "Done")


def check_run_sh(pair: Pair, accessible) -> None:
    """Step 4: a file that somebody spoiled is found, shown and repaired."""
    script = Path(pair.pairwise.application(BACKUP)["working_directory"]) / "run.sh"
    script.write_text(script.read_text().replace(f"-app {BACKUP}", "-app Another"))
    for name in (PRIMARY, BACKUP):
        item = pair.step(4).get_by_role("listitem").filter(has_text=f"run.sh of {name}")
        item.get_by_role("button", name=re.compile("^Check")).click()
        expect(pair.page.locator("#toasts")).to_contain_text(f"The start files of {name} are being checked on")
    pair.expect_step(4, "Wrong")
    expect(pair.step(4)).to_contain_text("-app Another")
    accessible(pair.page)
    pair.step(4).get_by_role("link", name="Repair").click()
    expect(pair.dialog()).to_contain_text(f"-app {BACKUP}")
    pair.dialog().get_by_role("button", name="Repair").click()
    pair.expect_step(4, "Done")
    assert f"-app {BACKUP}" in script.read_text()


def synchronize(pair: Pair) -> None:
    """Step 5."""
    pair.step(5).get_by_role("link", name="Synchronize").click()
    expect(pair.dialog()).to_contain_text("bench")
    pair.dialog().get_by_role("button", name="Synchronize").click()
    pair.expect_step(5, "Done")


def start_both(pair: Pair, accessible) -> None:
    """Step 6 and what follows from it by itself."""
    pair.step(6).get_by_role("button", name="Start both").click()
    pair.says(f"{PRIMARY} serves; {BACKUP} has every message and takes over if {PRIMARY} fails.", 60)
    for number in range(1, 8):
        pair.expect_step(number, "Done")
    expect(pair.page.locator("#failover-answer")).to_contain_text("Yes: failover would work now.")
    for card in pair.page.locator(".pair-card").all():
        expect(card.locator(".pair-roles .chip-ok")).to_have_count(1)
    accessible(pair.page)


def timeline(pair: Pair) -> Locator:
    """Where it can be seen: what lies further down is told of changes when somebody comes to it."""
    found = pair.page.locator("#pair-timeline")
    found.scroll_into_view_if_needed()
    return found


def switch_over(pair: Pair) -> None:
    """On purpose, by the button; the page tells it without a reload and the message is on the other member."""
    page, ports = pair.page, pair.pairwise.application(PRIMARY)["ports"]
    primary_port = next(port["port"] for port in ports if port["id"] == "default")
    with StompClient(primary_port, "bench", "benchpass") as client:
        client.send("/topic/pair", "kept")
    page.evaluate("window.sameDocument = true")
    page.get_by_role("link", name="Switch Over").click()
    pair.dialog().get_by_label("Reason").fill("to see it")
    pair.dialog().get_by_role("button", name="Switch Over").click()
    sentence = f"{BACKUP} serves; {PRIMARY} has every message and takes over if {BACKUP} fails."
    pair.says(sentence)
    wait_for(lambda: sentence == page.locator("#announcer").inner_text(), 10, "the announcement")
    expect(timeline(pair)).to_contain_text("asked for a switchover")
    expect(timeline(pair)).to_contain_text("to see it")
    assert page.evaluate("window.sameDocument")
    with StompClient(pair.port, "bench", "benchpass") as client:
        client.subscribe("/topic/pair", from_seq=1)
        assert client.bodies(1) == ["kept"]


def drill(pair: Pair, accessible) -> None:
    """A failover drill, followed on its page without a reload to the report, which the Pair page then tells of."""
    page = pair.page
    page.get_by_role("link", name="Drill", exact=True).click()
    expect(pair.dialog()).to_contain_text(f"{BACKUP} hands over to {PRIMARY}")
    pair.dialog().get_by_role("button", name="Start the drill").click()
    page.wait_for_url("**/monitoring/drills/*/")
    page.evaluate("window.sameDocument = true")
    expect(page.locator("#drill-state")).to_have_text("Passed", timeout=60_000 * PATIENCE)
    expect(page.locator(".step-done")).to_have_count(8)
    expect(page.locator(".drill-figures")).to_contain_text("Lost 0", use_inner_text=True)
    assert page.evaluate("window.sameDocument")
    accessible(page)
    picture(page, "drill", full_page=True)
    page.goto(pair.address)
    expect(page.locator("#pair-last-drill")).to_contain_text("no loss")
    page.evaluate("window.sameDocument = true")


def audit(pair: Pair, accessible) -> None:
    """The sheet of the pair: both members are on one host, which is waived for a week and then counts again."""
    page = pair.page
    page.locator("#pair-audit").click()
    page.wait_for_url("**/audit/*/")
    page.evaluate("window.sameDocument = true")
    page.get_by_role("link", name="Waive A09").click()
    pair.dialog().get_by_label("Reason").fill("One machine is enough for this test")
    pair.dialog().get_by_role("button", name="1 week").click()
    accessible(page)
    pair.dialog().get_by_role("button", name="Waive").click()
    expect(page.locator("#audit-sentence")).to_contain_text("1 finding is waived")
    page.locator("#group-waived").click()
    expect(page.locator(".waived")).to_contain_text("One machine is enough for this test")
    accessible(page)
    picture(page, "audit-sheet", full_page=True)
    page.get_by_role("link", name="Withdraw the waiver of A09").click()
    expect(pair.dialog()).to_contain_text("A09 counts again for the verdict of")
    accessible(page)
    pair.dialog().get_by_role("link", name="Keep it waived").click()
    expect(page.locator(".waived")).to_contain_text("One machine is enough for this test")
    page.get_by_role("link", name="Withdraw the waiver of A09").click()
    pair.dialog().get_by_role("button", name="Withdraw").click()
    expect(page.locator("#audit-sentence")).not_to_contain_text("waived")
    expect(page.get_by_role("link", name="Waive A09")).to_be_visible()
    expect(page.locator("#audit-sentence")).to_be_focused()
    assert page.evaluate("window.sameDocument")
    page.goto(pair.address)
    page.evaluate("window.sameDocument = true")


def kill_the_active_one(pair: Pair) -> None:
    """Its process is killed; the other takes over and the killed one comes back as its backup, all told live."""
    os.kill(pair.pairwise.application(BACKUP)["pid"], signal.SIGKILL)
    pair.says(f"{PRIMARY} serves; {BACKUP} has every message and takes over if {PRIMARY} fails.")
    expect(timeline(pair)).to_contain_text(f"{BACKUP} has ended, as its agent attests")
    assert pair.page.evaluate("window.sameDocument")

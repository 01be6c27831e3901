"""The guide's page in a real browser: steps 1a to 1e, the installation, the start, a client, a crash, a stop."""

import os
import re
import signal

from playwright.sync_api import Page, expect

from tests.ports import free_port
from tests.scenarios.applications import LOG_ON_AS
from tests.scenarios.harness import PATIENCE, Pairwise
from tests.scenarios.stomp_client import StompClient

NAME = "MS_Guide"
LOGIN, PASSCODE = "guide", "guide-passcode"


class Guide:
    """What the steps share: the page, the server's port, and how the row of the list is found."""

    def __init__(self, page: Page, pairwise: Pairwise):
        self.page, self.pairwise = page, pairwise
        self.port = free_port()

    def row(self):
        return self.page.get_by_role("row").filter(has_text=NAME)

    def expect_status(self, word: str, seconds: float = 20) -> None:
        expect(self.row().get_by_text(word, exact=True).first).to_be_visible(timeout=seconds * 1000 * PATIENCE)

    def select_row(self) -> None:
        self.page.goto("/provisioning/environment/applications/")
        self.row().get_by_role("checkbox").check()

    def press(self, name: str) -> None:
        """The toolbar's verb on the selected row."""
        self.page.get_by_role("form", name="Actions").get_by_role("button", name=name, exact=True).click()

    def press_and_confirm(self, name: str) -> None:
        self.press(name)
        dialog = self.page.get_by_role("dialog")
        expect(dialog).to_contain_text(NAME)
        dialog.get_by_role("button", name=re.compile(f"^{name}", re.IGNORECASE)).click()


def test_the_guides_page_from_new_to_a_message_that_survives(page: Page, pairwise: Pairwise, accessible):
    guide = Guide(page, pairwise)
    create_the_object(guide, accessible)
    install_it(guide, accessible)
    start_it(guide)
    use_it(guide)
    kill_it(guide)
    stop_it(guide)


def create_the_object(guide: Guide, accessible) -> None:
    """Steps 1a to 1e."""
    page = guide.page
    page.goto("/provisioning/environment/applications/")
    page.get_by_role("form", name="Actions").get_by_role("link", name="New").click()  # 1b
    page.get_by_role("textbox", name="Name", exact=True).fill(NAME)  # 1c.1
    page.get_by_role("button", name="Browse Application Template").click()  # 1c.2a
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    accessible(page)
    dialog.get_by_role("option", name=re.compile("Message_Server")).first.click()  # 1c.2b
    dialog.get_by_role("button", name="OK").click()  # 1c.2c
    expect(page.get_by_role("textbox", name="Application Template")).to_have_value(re.compile("Message_Server"))

    page.get_by_role("button", name="Browse Host").click()  # 1d.1
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("ArrowDown")
    with page.expect_response(re.compile("/fill/")):
        page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Host", exact=True)).to_have_value(re.compile("localhost"))

    remove_proposed_ports(page)
    add_port(page, "default", guide.port, "stomp")  # 1d.2
    add_port(page, "sync", free_port(), "sync", ha_sync=True)
    page.get_by_role("textbox", name="Working Directory", exact=True).fill(".")  # 1d.3
    page.get_by_role("textbox", name="Command Line", exact=True).fill(".")
    page.get_by_role("checkbox", name="Auto-Restart").check()  # 1d.4
    add_login(page)
    accessible(page)
    page.get_by_role("button", name="Save and Close").click()  # 1e
    page.wait_for_url("**/applications/*")
    expect(guide.row()).to_be_visible()
    accessible(page)


def remove_proposed_ports(page: Page) -> None:
    """The template proposes ports whose numbers this machine may use for something else."""
    rows = page.locator("[data-field=ports] tbody tr")
    expect(rows.first).to_be_visible()
    while rows.count():
        before = rows.count()
        rows.first.get_by_role("button", name=re.compile("Remove")).click()
        expect(rows).to_have_count(before - 1)


def add_port(page: Page, port_id: str, port: int, protocol: str, *, ha_sync: bool = False) -> None:
    page.locator("[data-field=ports]").get_by_role("button", name=re.compile("^Add")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="ID", exact=True).fill(port_id)
    dialog.get_by_label(re.compile(r"^Port\b")).fill(str(port))
    dialog.get_by_role("combobox", name="Connection Protocol").select_option(protocol)
    if ha_sync:
        dialog.get_by_role("checkbox", name="HA Sync").check()
    dialog.get_by_role("button", name="OK").click()
    expect(page.locator("[data-field=ports]")).to_contain_text(str(port))


def add_login(page: Page) -> None:
    page.get_by_role("tab", name="Options").click()
    options = page.locator("[data-options=option]")
    rows = options.locator("tbody tr")
    row = rows.nth(rows.count() - 1)  # typing in the empty row adds the next one
    row.get_by_label("Section").fill("clients")
    row.get_by_label("Key").fill(LOGIN)
    row.get_by_label("Value").fill(PASSCODE)
    page.get_by_role("tab", name="Configuration").click()


def choose_account(dialog) -> None:
    """Where the agent is root, an installation asks for it."""
    if LOG_ON_AS == "root":
        dialog.get_by_role("textbox", name="Log On As Account").fill(LOG_ON_AS)


def install_it(guide: Guide, accessible) -> None:
    page = guide.page
    guide.select_row()
    guide.press("Install")
    choose_account(page.get_by_role("dialog"))
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Install")).click()
    page.wait_for_url("**/operations/jobs/**")
    expect(page.get_by_role("main")).to_contain_text("Succeeded", timeout=60_000 * PATIENCE)
    expect(page.get_by_role("main")).to_contain_text("./MessageServer")
    accessible(page)
    filled = guide.pairwise.application(NAME)
    assert filled["working_directory"].startswith("/")


def start_it(guide: Guide) -> None:
    guide.select_row()
    guide.expect_status("Stopped")
    guide.press("Start")
    guide.expect_status("Started")


def use_it(guide: Guide) -> None:
    with StompClient(guide.port, LOGIN, PASSCODE) as client:
        client.send("/topic/guide", "kept")


def kill_it(guide: Guide) -> None:
    before = guide.pairwise.application(NAME)
    os.kill(before["pid"], signal.SIGKILL)
    after = guide.pairwise.wait_status(NAME, "Started", epoch=before["epoch"] + 1)
    assert after["pid"] != before["pid"]
    with StompClient(guide.port, LOGIN, PASSCODE) as client:
        client.subscribe("/topic/guide", from_seq=1)
        assert client.bodies(1) == ["kept"]
    guide.row().get_by_role("link", name=NAME).click()
    guide.page.get_by_role("tab", name="Events").click()
    expect(guide.page.locator("#panel-log")).to_contain_text(re.compile("SIGKILL|signal 9"))


def stop_it(guide: Guide) -> None:
    guide.select_row()
    guide.press_and_confirm("Stop")
    guide.expect_status("Stopped")

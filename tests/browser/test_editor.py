"""What somebody meets who makes mistakes in the editor: refusals beside the field, nothing lost or overwritten."""

import re

import pytest
from playwright.sync_api import Page, expect

from protocol.client_logins import opens
from tests.ports import free_port
from tests.scenarios.applications import apply, message_server
from tests.scenarios.harness import Pairwise

from .conftest import look

LIST = "/provisioning/environment/applications/"


def open_editor(page: Page, name: str) -> None:
    page.goto(LIST)
    page.get_by_role("row").filter(has_text=name).dblclick()
    page.wait_for_url(re.compile(r"/applications/\d+/"))


def test_a_port_that_another_application_uses_is_refused_while_typing(page: Page, pairwise: Pairwise):
    taken = free_port()
    apply(pairwise, message_server("MS_Taken", ports=[{"id": "default", "port": taken, "protocol": "stomp"}]))
    apply(pairwise, message_server("MS_Clashes"))
    open_editor(page, "MS_Clashes")
    page.get_by_role("button", name="Edit port default").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("textbox", name="ID", exact=True)).to_be_focused()
    number = dialog.get_by_label(re.compile(r"^Port\b"))
    number.fill(str(taken))
    number.press("Tab")
    expect(dialog).to_contain_text("MS_Taken")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_sync_is_the_protocol_of_ha_sync_and_both_can_be_changed(page: Page):
    page.goto(f"{LIST}new/")
    page.get_by_role("button", name="Add", exact=True).first.click()
    dialog = page.get_by_role("dialog")
    protocol, flag = dialog.get_by_label("Connection Protocol"), dialog.get_by_role("checkbox", name="HA Sync")
    protocol.select_option("sync")
    expect(flag).to_be_checked()
    protocol.select_option("stomp")
    expect(flag).not_to_be_checked()
    protocol.select_option("sync")
    flag.uncheck()
    expect(flag).not_to_be_checked()
    flag.check()
    protocol.select_option("stomp")
    expect(flag).to_be_checked()


@pytest.mark.long
def test_what_has_to_be_typed_is_never_folded_away(page: Page):
    general = page.locator("details.section").first
    page.goto(f"{LIST}new/")
    general.locator("summary").first.click()
    expect(general).not_to_have_attribute("open", "")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".summary-box")).to_be_visible()
    expect(general).to_have_attribute("open", "")
    expect(page.get_by_text("Host is required for a server.").first).to_be_visible()


def test_leaving_with_unsaved_changes_asks_and_can_be_taken_back(page: Page, pairwise: Pairwise):
    apply(pairwise, message_server("MS_Unsaved"))
    open_editor(page, "MS_Unsaved")
    page.get_by_role("textbox", name="Description", exact=True).fill("typed and not saved")
    page.get_by_role("link", name="Cancel").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Description")
    dialog.get_by_role("button", name="Keep editing").click()
    expect(page.get_by_role("textbox", name="Description", exact=True)).to_have_value("typed and not saved")
    page.get_by_role("button", name="Save and Close").click()
    page.wait_for_url(re.compile(r"/applications/(\?.*)?$"))


@pytest.mark.long
def test_a_passcode_is_made_beside_the_options_and_its_hash_alone_is_kept(page: Page, pairwise: Pairwise, accessible):
    apply(pairwise, message_server("MS_Passcode"))
    open_editor(page, "MS_Passcode")
    page.get_by_role("tab", name="Options").click()
    page.get_by_role("link", name="Make a passcode…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Make the passcode").click()
    expect(dialog).to_contain_text("Write the login that the client gives.")
    dialog.get_by_role("textbox", name="Login").fill("billing")
    accessible(page)
    dialog.get_by_role("button", name="Make the passcode").click()
    made = dialog.get_by_label("Passcode", exact=True).inner_text().strip()
    accessible(page)
    expect(dialog.get_by_role("button", name="Copy")).to_have_count(2)
    look(page, "passcode")
    dialog.get_by_role("button", name="Put it into the options").click()
    expect(dialog).to_be_hidden()
    kept = page.locator("[name=option_value]:focus").input_value()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("MS_Passcode was saved")).to_be_visible()
    assert opens(kept, made)
    assert made not in pairwise.manage("export").stdout


def test_a_save_over_somebody_elses_save_is_refused_with_what_differs(open_tab, pairwise: Pairwise):
    apply(pairwise, message_server("MS_Shared"))
    mine, theirs = open_tab(), open_tab()
    for page in (mine, theirs):
        open_editor(page, "MS_Shared")
    theirs.get_by_role("textbox", name="Description", exact=True).fill("theirs")
    theirs.get_by_role("button", name="Save", exact=True).click()
    expect(theirs.get_by_text("MS_Shared was saved")).to_be_visible()
    mine.get_by_role("textbox", name="Description", exact=True).fill("mine")
    mine.get_by_role("button", name="Save", exact=True).click()
    main = mine.get_by_role("main")
    expect(main).to_contain_text("theirs")
    expect(main).to_contain_text("mine")
    mine.get_by_role("button", name=re.compile("Keep mine")).click()
    expect(mine.get_by_text("MS_Shared was saved")).to_be_visible()
    open_editor(mine, "MS_Shared")
    expect(mine.get_by_role("textbox", name="Description", exact=True)).to_have_value("mine")


def test_the_list_is_worked_with_the_keyboard_alone(page: Page, pairwise: Pairwise):
    for number in (1, 2, 3):
        apply(pairwise, message_server(f"MS_Keys_{number}"))
    page.goto(LIST)
    page.get_by_label("Name or host").fill("MS_Keys")
    expect(page.get_by_role("row").filter(has_text="MS_Keys")).to_have_count(3)
    page.wait_for_url(re.compile("q=MS_Keys"))
    first = page.get_by_role("row").filter(has_text="MS_Keys_1")
    first.click()
    page.keyboard.press("Shift+ArrowDown")
    expect(page.get_by_text("2 applications are selected")).to_be_visible()
    page.keyboard.press("Escape")
    first.click()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/applications/\d+/"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("MS_Keys_1")


@pytest.mark.long
def test_a_delete_names_what_it_hits(page: Page, pairwise: Pairwise):
    apply(pairwise, message_server("MS_Doomed"))
    page.goto(LIST)
    page.get_by_role("row").filter(has_text="MS_Doomed").get_by_role("checkbox").check()
    page.get_by_role("form", name="Actions").get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("MS_Doomed")
    dialog.get_by_role("button", name=re.compile("^Delete")).click()
    expect(page.get_by_role("row").filter(has_text="MS_Doomed")).to_have_count(0)

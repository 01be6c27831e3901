"""What forms say while somebody types: where the focus is after a refusal, summaries that follow, messages above
dialogs; and that nothing typed is lost when somebody else saves in between."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.scenarios.applications import apply, message_server
from tests.scenarios.harness import PASSWORD, Pairwise

from .conftest import LOOKS, Tab, look
from .test_editor import open_editor

EDITOR, HOSTS, USERS = ("/provisioning/environment/applications/new/", "/provisioning/environment/hosts/",
                        "/provisioning/accounts/users/")


@pytest.mark.long
def test_after_a_wrong_password_the_password_has_the_focus(chromium, pairwise, accessible):
    tab = Tab(chromium, pairwise.address, **LOOKS["light"])
    page = tab.page
    page.goto("/login/")
    name, password = page.get_by_label("User name"), page.get_by_label("Password", exact=True)
    expect(name).to_be_focused()
    page.get_by_role("button", name="Sign in").click()
    expect(name).to_be_focused()
    expect(page.get_by_text("Type your user name.")).to_be_visible()
    look(page, "forms-sign-in-empty")
    name.fill("admin")
    expect(page.get_by_text("Type your user name.")).to_have_count(0)
    password.fill("not this one")
    password.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The user name or the password is wrong")
    expect(password).to_be_focused()
    expect(name).to_have_value("admin")
    look(page, "forms-sign-in-refused")
    accessible(page)
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/provisioning/**")
    tab.close()


def count_of(page: Page, text: str) -> None:
    expect(page.locator("[data-summary] h2")).to_have_text(f"{text} to correct before it can be saved")


@pytest.mark.long
def test_the_summary_of_the_editor_follows_what_is_typed(page: Page, accessible):
    page.goto(EDITOR)
    page.get_by_label("Startup Timeout").fill("soon")
    page.get_by_role("button", name="Save", exact=True).click()
    summary = page.locator("[data-summary]")
    expect(summary).to_be_focused()
    lines = summary.get_by_role("listitem")
    before = lines.count()
    assert before >= 3
    look(page, "forms-summary")
    accessible(page)
    page.get_by_role("textbox", name=re.compile("^Name")).fill("MS_Follows")
    expect(lines).to_have_count(before - 1)
    count_of(page, f"{before - 1} things")
    expect(page.locator("#announcer")).to_contain_text(f"{before - 1} things to correct before it can be saved")
    summary.get_by_role("link", name="Startup Timeout").click()
    expect(page.get_by_label("Startup Timeout")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("60")
    expect(lines).to_have_count(before - 2)
    # What is wrong anew is counted too.
    page.keyboard.press("Control+a")
    page.keyboard.type("later")
    expect(lines).to_have_count(before - 1)
    accessible(page)


@pytest.mark.long
def test_the_summary_of_a_host_follows_and_goes(page: Page, accessible):
    page.goto(f"{HOSTS}new/")
    main = page.get_by_role("main")
    main.get_by_role("textbox", name=re.compile("^LCA Port")).fill("many")
    main.get_by_role("button", name="Save and Close").click()
    expect(page.locator("[data-summary]")).to_be_focused()
    count_of(page, "3 things")
    for words in ("A host needs a Name.", "A host needs an IP Address", "LCA Port must be a whole number."):
        expect(main.locator(".field .error").filter(has_text=words)).to_have_count(1)
    look(page, "forms-host-refused")
    accessible(page)
    main.get_by_role("textbox", name=re.compile("^LCA Port")).fill("4999")
    count_of(page, "2 things")
    main.locator("[name=name]").fill("follows")
    count_of(page, "1 thing")
    main.locator("[name=ip_address]").fill("203.0.113.7")
    expect(page.locator("[data-summary]")).to_have_count(0)
    expect(page.locator("#announcer")).to_have_text("Nothing is left to correct.")
    # And while typing, before a refusal.
    main.locator("[name=ip_address]").fill("203.0.113")
    expect(main.get_by_text("This is no IP address.")).to_be_visible()


@pytest.mark.long
def test_a_bad_option_is_said_while_it_is_typed_also_in_a_new_row(page: Page, pairwise: Pairwise, accessible):
    apply(pairwise, message_server("MS_Options"))
    open_editor(page, "MS_Options")
    page.get_by_role("tab", name=re.compile("Options")).click()
    value = page.get_by_label("Value of redundancy standby-timeout")
    row = page.locator("tr").filter(has=value)
    value.fill("abc")
    expect(row.locator(".error")).to_contain_text("[redundancy] standby-timeout cannot be")
    expect(value).to_have_attribute("aria-invalid", "true")
    look(page, "forms-options")
    accessible(page)
    page.get_by_role("button", name="Save", exact=True).click()
    line = page.locator("[data-summary] li")
    expect(line).to_have_count(1)
    assert line.inner_text().count("standby-timeout") == 1
    look(page, "forms-options-refused")
    page.get_by_label("Value of redundancy standby-timeout").fill("15")
    expect(page.locator("[data-summary]")).to_have_count(0)
    expect(page.get_by_role("tab", name=re.compile("Options")).locator(".flag")).to_be_hidden()

    # A row that was added here: the same option once more.
    blank = page.locator("#option tr[data-blank]").element_handle()
    for part, text in (("section", "redundancy"), ("key", "standby-timeout"), ("value", "7")):
        blank.query_selector(f"[name$=_{part}]").fill(text)
    added = page.locator("#option tr:not([data-blank])").last
    expect(added.locator(".error")).to_contain_text("is there twice")
    added.get_by_role("button").click()
    expect(page.locator("#option .error")).to_have_count(0)


def test_a_refused_dialog_has_the_focus_in_the_first_wrong_field(page: Page):
    page.goto(USERS)
    page.get_by_role("link", name="New").click()
    dialog = page.locator("#dialog")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_text("A user needs a name.")).to_be_visible()
    expect(dialog.locator("[name=name]")).to_be_focused()
    dialog.locator("[name=name]").fill("typed")
    expect(dialog.get_by_text("A user needs a name.")).to_have_count(0)
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_text("Choose at least one role.")).to_be_visible()
    expect(dialog.get_by_role("checkbox").first).to_be_focused()
    expect(dialog.locator("[name=name]")).to_have_value("typed")


def test_messages_are_above_an_open_dialog_and_can_be_closed_there(page: Page):
    page.goto(USERS)
    page.get_by_role("link", name="New").click()
    expect(page.locator("#dialog")).to_be_visible()
    page.evaluate("""document.getElementById("toasts").insertAdjacentHTML("beforeend",
        '<div class="toast-line message message-error" data-toast role="alert"><div class="text">Drawn</div>'
        + '<button type="button" class="close" data-toast-close aria-label="Close this message">×</button></div>')""")
    close = page.get_by_role("button", name="Close this message")
    look(page, "forms-toast")
    close.click()
    expect(page.get_by_text("Drawn")).to_have_count(0)
    expect(page.locator("#dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("body > #toasts")).to_have_count(1)


def conflict(page: Page, noun: str, theirs: str, yours: str, accessible) -> None:
    """The page says who saved what, and what to do; what was typed is there."""
    box = page.locator(".conflict")
    expect(box).to_be_focused()
    for words in (f"admin saved this {noun} in the meantime", theirs, yours, "Keep mine", "Take theirs"):
        expect(box).to_contain_text(words)
    buttons, hint = (box.locator(part).bounding_box() for part in (".conflict-choice", ".conflict-choice + p"))
    assert hint["y"] >= buttons["y"] + buttons["height"]
    look(page, f"forms-conflict-{noun.split()[0].removesuffix(chr(39) + 's')}")
    accessible(page)


@pytest.mark.long
def test_a_host_that_somebody_else_saved_meanwhile(open_tab, accessible):
    mine, theirs = open_tab(), open_tab()
    mine.goto(f"{HOSTS}new/")
    mine.locator("#content [name=name]").fill("shared-host")
    mine.locator("#content [name=ip_address]").fill("203.0.113.41")
    mine.get_by_role("main").get_by_role("button", name="Save and Close").click()
    mine.wait_for_url(re.compile(r"/hosts/\d+/$"))
    edit = f"{mine.url}edit/"
    for page in (mine, theirs):
        page.goto(edit)
    theirs.locator("[name=os_version]").fill("theirs-12")
    theirs.get_by_role("main").get_by_role("button", name="Save and Close").click()
    theirs.wait_for_url(re.compile(r"/hosts/\d+/$"))
    mine.locator("[name=os_version]").fill("mine-13")
    mine.locator("#content [name=reason]").fill("because")
    mine.get_by_role("main").get_by_role("button", name="Save and Close").click()
    conflict(mine, "host", "theirs-12", "mine-13", accessible)
    expect(mine.locator("[name=os_version]")).to_have_value("mine-13")
    expect(mine.locator("#content [name=reason]")).to_have_value("because")
    mine.get_by_role("button", name="Keep mine").click()
    mine.wait_for_url(re.compile(r"/hosts/\d+/$"))
    expect(mine.get_by_role("main")).to_contain_text("mine-13")


@pytest.mark.long
def test_an_application_that_somebody_else_saved_meanwhile(open_tab, pairwise: Pairwise, accessible):
    apply(pairwise, message_server("MS_Meanwhile"))
    mine, theirs = open_tab(), open_tab()
    for page in (mine, theirs):
        open_editor(page, "MS_Meanwhile")
    theirs.get_by_role("textbox", name="Description", exact=True).fill("theirs-12")
    theirs.get_by_role("button", name="Save", exact=True).click()
    expect(theirs.get_by_text("MS_Meanwhile was saved")).to_be_visible()
    mine.get_by_role("textbox", name="Description", exact=True).fill("mine-13")
    mine.get_by_label("Startup Timeout").fill("77")
    mine.get_by_role("button", name="Save", exact=True).click()
    conflict(mine, "application", "theirs-12", "mine-13", accessible)
    expect(mine.get_by_role("textbox", name="Description", exact=True)).to_have_value("mine-13")
    expect(mine.get_by_label("Startup Timeout")).to_have_value("77")
    mine.get_by_role("link", name="Take theirs").click()
    expect(mine.get_by_role("textbox", name="Description", exact=True)).to_have_value("theirs-12")


@pytest.mark.long
def test_the_roles_of_a_user_that_somebody_else_saved_meanwhile(open_tab, accessible):
    mine, theirs = open_tab(), open_tab()
    theirs.goto(USERS)
    theirs.get_by_role("link", name="New").click()
    theirs.locator("#dialog [name=name]").fill("shared-user")
    theirs.get_by_label("Support:").check()
    theirs.locator("#dialog").get_by_role("button", name="Create").click()
    theirs.get_by_role("link", name="Go to shared-user").click()
    theirs.wait_for_url(re.compile(r"/users/\d+/$"))
    mine.goto(theirs.url)
    for page in (mine, theirs):
        page.get_by_role("main").get_by_role("link", name="Edit Roles").first.click()
        expect(page.locator("#dialog").get_by_label("Support:")).to_be_checked()
    theirs.locator("#dialog").get_by_label("Operator:").check()
    theirs.locator("#dialog").get_by_role("button", name="Save").click()
    expect(theirs.locator("#dialog")).to_be_hidden()
    mine.locator("#dialog").get_by_label("Administrator:").check()
    mine.locator("#dialog").get_by_role("button", name="Save").click()
    conflict(mine, "user's roles", "Operator, Support", "Administrator, Support", accessible)
    expect(mine.locator("#dialog").get_by_label("Administrator:")).to_be_checked()
    mine.get_by_role("button", name="Keep mine").click()
    expect(mine.locator("#dialog")).to_be_hidden()
    expect(mine.get_by_role("main")).to_contain_text("Administrator")

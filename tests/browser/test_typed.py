"""What somebody has typed is still there, and the page says what happened and what to do: when the session ends, a
cookie is lost, the console is away; after Back and a closed tab. In the editor, in a dialog and in a page's form."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.scenarios.harness import PASSWORD, wait_for

from .conftest import LOOKS, Tab, look

EDITOR, HOST, USERS = ("/provisioning/environment/applications/new/", "/provisioning/environment/hosts/new/",
                       "/provisioning/accounts/users/")


def in_editor(page: Page):
    page.goto(EDITOR)
    return page.locator("#application-form [name=description]"), page.get_by_role("button", name="Save", exact=True)


def in_page(page: Page):
    page.goto(HOST)
    return page.locator("#content [name=name]"), page.get_by_role("main").get_by_role("button", name="Save and Close")


def in_dialog(page: Page):
    page.goto(USERS)
    page.get_by_role("link", name="New").click()
    return page.locator("#dialog [name=name]"), page.locator("#dialog").get_by_role("button", name="Create")


def typed(page: Page, form, text: str = "typed-for-an-hour"):
    """(the field that ``text`` was typed into, the button that sends it to be refused)."""
    field, button = form(page)
    field.fill(text)
    if form is in_page:
        page.locator("#content [name=ip_address]").fill("no address")
    return field, button


FORMS = pytest.mark.parametrize("form", [in_editor, in_page, in_dialog])


@pytest.fixture
def tab(chromium, pairwise):
    """Here requests fail on purpose, so what the browser notes of it is no fault; what a script throws is."""
    tab, thrown = Tab(chromium, pairwise.address, **LOOKS["light"]), []
    tab.page.on("pageerror", lambda error: thrown.append(str(error)))
    tab.page.on("dialog", lambda box: box.accept())
    tab.sign_in()
    yield tab
    tab.close()
    assert thrown == []


def lose(tab: Tab, kind: str) -> None:
    """The cookie whose name has ``kind`` in it is gone, as when its time is over."""
    tab.context.clear_cookies(name=re.compile(kind))


def sign_in_on_top(page: Page) -> None:
    box = page.locator("#sign-in")
    expect(box.get_by_role("heading", name="Sign in again")).to_be_visible()
    # Who it was stands on the page: only the password is asked for.
    expect(box.get_by_label("User name")).to_have_value("admin")
    expect(box.get_by_label("Password")).to_be_focused()
    box.get_by_label("Password").fill("not this one")
    box.get_by_role("button", name="Sign in").click()
    expect(box).to_contain_text("The user name or the password is wrong")
    box.get_by_label("Password").fill(PASSWORD)
    box.get_by_role("button", name="Sign in").click()
    expect(box).to_be_hidden()
    expect(page.locator("#signed-out")).to_have_count(0)


@FORMS
def test_the_session_ends_while_somebody_types(tab, form, accessible):
    page = tab.page
    field, button = typed(page, form)
    address = page.url
    lose(tab, "session")
    button.click()
    expect(page.locator("#sign-in")).to_be_visible()
    if form is in_dialog:
        look(page, "typed-sign-in-on-top", widths=(1280, 390))
        accessible(page)
    sign_in_on_top(page)
    assert page.url == address
    expect(field).to_have_value("typed-for-an-hour")
    # Nothing was sent by itself; the same button sends it now, and gets the answer that it would have had.
    button.click()
    expect(page.locator("[aria-invalid=true], .error").first).to_be_visible()
    expect(page.locator("#sign-in")).to_be_hidden()


@pytest.mark.long
def test_an_answer_from_before_the_sign_in_signs_nobody_out(tab):
    page, held, address = tab.page, [], "**/provisioning/environment/hosts/"
    asks_again = "htmx.trigger('#live-list', 'live')"
    page.goto(address.removeprefix("**"))
    lose(tab, "session")
    page.evaluate(asks_again)
    page.get_by_role("button", name="Sign in again").click()
    expect(page.locator("#sign-in")).to_be_visible()
    page.route(address, lambda route: held.append((route, route.fetch())))
    with page.expect_request(address):
        page.evaluate(asks_again)
    sign_in_on_top(page)
    [(route, answer)] = held
    assert answer.status == 401
    with page.expect_response("**/account/session/"):
        route.fulfill(response=answer)
    expect(page.locator("#signed-out")).to_have_count(0)


def test_without_scripts_the_form_comes_back_after_signing_in(chromium, pairwise, accessible):
    tab = Tab(chromium, pairwise.address, java_script_enabled=False, **LOOKS["light"])
    page = tab.sign_in()
    page.goto(EDITOR)
    page.locator("[name=description]").fill("typed for an hour")
    lose(tab, "session")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Your session had ended, so nothing was saved.")
    look(page, "typed-kept-sign-in", widths=(1280, 390))
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="You are signed in again")).to_be_visible()
    look(page, "typed-kept-after-sign-in", widths=(1280, 390))
    page.get_by_role("button", name="Open the form, filled in").click()
    expect(page.locator("[name=description]")).to_have_value("typed for an hour")
    tab.close()


@pytest.mark.long
@FORMS
def test_the_cookie_of_the_forms_is_gone(tab, form):
    page = tab.page
    field, button = typed(page, form)
    lose(tab, "csrf")
    button.click()
    if form is in_dialog:
        expect(page.get_by_role("alert")).to_contain_text("press the button once more")
        button.click()
    expect(page.locator("[aria-invalid=true], .error").first).to_be_visible()
    expect(field).to_have_value("typed-for-an-hour")


@FORMS
def test_the_console_is_away_and_comes_back(tab, form):
    page = tab.page
    field, button = typed(page, form)
    tab.context.set_offline(True)
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("The console does not answer. What you typed is still here")
    if form is in_dialog:
        look(page, "typed-away", widths=(1280, 390))
    expect(field).to_have_value("typed-for-an-hour")
    tab.context.set_offline(False)
    expect(button).to_be_enabled()
    button.click()
    expect(page.locator("[aria-invalid=true], .field .error").first).to_be_visible()
    expect(field).to_have_value("typed-for-an-hour")


def busy(route) -> None:
    route.fulfill(status=503, headers={"X-Pairwise-Sentence": "Another%20program%20holds%20it."})


@pytest.mark.long
@FORMS
@pytest.mark.parametrize("answer", [busy, lambda route: route.fulfill(status=500)])
def test_the_console_is_busy_or_at_fault(tab, form, answer):
    page = tab.page
    field, button = typed(page, form)
    page.route("**/account/session/", answer)
    page.route("**/users/new/", answer)
    button.click()
    says = "Another program holds it." if answer is busy else "What you typed is still here"
    expect(page.get_by_role("alert")).to_contain_text(says)
    expect(field).to_have_value("typed-for-an-hour")
    page.unroute_all()
    button.click()
    expect(page.locator("[aria-invalid=true], .field .error").first).to_be_visible()


@pytest.mark.long
@FORMS
def test_what_a_page_asks_by_itself_never_leaves_it(tab, form):
    page = tab.page
    field, _ = typed(page, form, "typed")
    address = page.url
    lose(tab, "session")
    page.evaluate("for (const part of document.querySelectorAll('[data-live-topic]')) htmx.trigger(part, 'live')")
    if form is in_editor:
        field.press_sequentially(" on")
    elif not page.locator("[data-live-topic]").count():
        page.evaluate("htmx.ajax('GET', '/operations/jobs/', {target: '#announcer', swap: 'none'})")
    expect(page.locator("#signed-out")).to_contain_text("You are signed out.")
    expect(page.locator("#sign-in")).to_be_hidden()
    expect(field).to_be_visible()
    assert page.url == address
    if form is in_dialog:
        return
    look(page, "typed-signed-out", widths=(1280, 390))
    page.get_by_role("button", name="Sign in again").click()
    sign_in_on_top(page)
    expect(field).to_have_value(re.compile("^typed"))


def test_before_the_end_there_is_a_notice_and_a_button_that_stays(tab):
    page = tab.page
    left = {"name": "admin", "left_s": 200, "may_stay": True, "token": ""}
    page.route("**/account/session/", lambda route: route.fulfill(json=left) if route.request.method == "GET"
               else route.continue_())
    page.clock.install()
    page.goto(EDITOR)
    page.clock.fast_forward(12 * 3600 * 1000 - 200_000)
    notice = page.locator("#session-notice")
    expect(notice).to_contain_text("You will be signed out in 3 minutes.")
    look(page, "typed-notice", widths=(1280, 390))
    notice.get_by_role("button", name="Stay signed in").click()
    expect(notice).to_have_count(0)


@pytest.mark.long
@FORMS
def test_what_was_typed_is_offered_after_back_or_a_closed_tab(tab, form, accessible):
    page = tab.page
    typed(page, form)
    page.goto("/account/")
    field, _ = form(page)
    offered = page.locator("[data-draft]")
    expect(offered).to_contain_text("was not saved")
    expect(field).to_have_value("")
    if form is in_page:
        look(page, "typed-draft", widths=(1280, 390))
        accessible(page)
    offered.get_by_role("button", name="Put it back").click()
    expect(field).to_have_value("typed-for-an-hour")
    # Put away, it does not come back.
    page.goto("/account/")
    field, _ = form(page)
    offered.get_by_role("button", name="Discard it").click()
    field, _ = form(page)
    expect(offered).to_have_count(0)


def drafts(page: Page) -> list:
    return page.evaluate("Object.entries(localStorage).filter(([key]) => key.startsWith('pairwise-draft'))")


def kept(page: Page, count: int) -> None:
    wait_for(lambda: len(drafts(page)) == count, 10, f"{count} drafts")


@pytest.mark.long
@FORMS
def test_a_closed_tab_leaves_what_was_typed_to_a_new_one(tab, form):
    page = tab.page
    typed(page, form)
    kept(page, 1)
    other = tab.context.new_page()
    field, _ = form(other)
    # The tab that it is typed in is open: it is nobody else's.
    expect(field.locator("xpath=ancestor::form")).to_have_attribute("data-looked", "")
    expect(other.locator("[data-draft]")).to_have_count(0)
    page.close()
    other.close()

    again = tab.context.new_page()
    field, _ = form(again)
    offered = again.locator("[data-draft]")
    expect(offered).to_contain_text("was not saved")
    offered.get_by_role("button", name="Put it back").click()
    expect(field).to_have_value("typed-for-an-hour")
    # It is this tab's now.
    again.goto("/account/")
    field, _ = form(again)
    expect(offered).to_contain_text("was not saved")
    offered.get_by_role("button", name="Discard it").click()
    assert drafts(again) == []


@pytest.mark.long
def test_who_signs_out_takes_along_what_was_typed_in_every_tab(tab):
    page = tab.page
    field, _ = typed(page, in_page)
    kept(page, 1)
    other = tab.context.new_page()
    other.goto("/account/")
    other.locator("form[data-sign-out]").evaluate("form => form.requestSubmit()")
    other.wait_for_url("**/login/**")
    assert drafts(other) == []
    field.fill("typed after that")
    page.goto("about:blank")
    assert drafts(other) == []


@pytest.mark.long
def test_what_was_put_back_does_not_write_over_a_save_in_between(tab):
    page = tab.page
    field, button = in_page(page)
    field.fill("put-back")
    page.locator("#content [name=ip_address]").fill("203.0.113.98")
    button.click()
    page.wait_for_url(re.compile(r"/hosts/\d+/$"))
    edit = f"{page.url}edit/"
    page.goto(edit)
    page.locator("[name=os_version]").fill("typed before")
    kept(page, 1)
    other = tab.context.new_page()
    other.goto(edit)
    other.locator("[name=os_version]").fill("saved in between")
    other.get_by_role("main").get_by_role("button", name="Save and Close").click()
    other.wait_for_url(re.compile(r"/hosts/\d+/$"))
    page.reload()
    page.get_by_role("button", name="Put it back").click()
    expect(page.locator("[name=os_version]")).to_have_value("typed before")
    page.get_by_role("main").get_by_role("button", name="Save and Close").click()
    expect(page.locator(".conflict")).to_contain_text("saved in between")
    expect(page.locator("[name=os_version]")).to_have_value("typed before")


@pytest.mark.long
def test_a_draft_goes_with_save_cancel_and_sign_out_and_holds_no_secret(tab):
    page = tab.page
    field, button = in_dialog(page)
    field.fill("drafted")
    kept(page, 1)
    page.locator("#dialog").get_by_role("link", name="Cancel").click()
    kept(page, 0)

    field, button = in_dialog(page)
    field.fill("drafted")
    kept(page, 1)
    page.get_by_label("Support:").check()
    button.click()
    expect(page.locator("#one-time-password")).to_be_visible()
    kept(page, 0)

    field, button = in_page(page)
    field.fill("my-drafted-host")
    page.locator("#content [name=ip_address]").fill("203.0.113.99")
    button.click()
    page.wait_for_url(re.compile(r"/hosts/(\d+/)?$"))
    assert drafts(page) == []

    page.goto(EDITOR)
    page.get_by_role("tab", name=re.compile("Options")).click()
    # The row is no longer the blank one after its first letter.
    row = page.locator("#panel-options tr[data-blank]").first.element_handle()
    for part, value in (("section", "messages"), ("key", "password"), ("value", "planted-1")):
        row.query_selector(f"[name$=_{part}]").fill(value)
    kept(page, 1)
    page.goto("/account/")
    kept(page, 1)
    assert "planted" not in str(drafts(page))
    page.locator("form[data-sign-out]").evaluate("form => form.requestSubmit()")
    page.wait_for_url("**/login/**")
    assert drafts(page) == []

"""What was typed is kept until the console says that it took it: no page that comes afterwards stands for that."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from .test_typed import drafts, in_editor, in_page, lose, tab

__all__ = ["tab"]


def fault(route: Route) -> None:
    """The console answers with a page of its own that has no scripts, or dies before it answers."""
    if route.request.method == "POST":
        route.fulfill(status=500, content_type="text/html", body='<a href="/">Back to the console</a>')
    else:
        route.continue_()


def dead(route: Route) -> None:
    route.abort() if route.request.method == "POST" else route.continue_()


def fill(page: Page, form, name: str, address: str = "203.0.113.77"):
    """The button that sends the form, which is filled in to be accepted."""
    field, button = form(page)
    field.fill(name)
    if form is in_page:
        page.locator("#content [name=ip_address]").fill(address)
    return button


def offered(page: Page, form):
    """(the line that offers what was typed, the field that it was typed into), once the form was looked at for it."""
    field, _ = form(page)
    expect(field.locator("xpath=ancestor::form")).to_have_attribute("data-looked", "")
    return page.locator("[data-draft]"), field


@pytest.mark.parametrize("form", [in_editor, in_page])
@pytest.mark.parametrize("answer", [fault, dead])
def test_what_the_console_did_not_take_is_offered_whatever_page_comes_afterwards(tab, form, answer):
    page = tab.page
    button = fill(page, form, "typed-for-an-hour")
    page.route(re.compile("/(hosts|applications)/new/"), answer)
    with page.expect_event("requestfinished" if answer is fault else "requestfailed",
                           lambda request: request.method == "POST" and "/new/" in request.url):
        button.click()
    page.unroute_all()
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Applications")
    line, field = offered(page, form)
    expect(line).to_contain_text("was not saved")
    line.get_by_role("button", name="Put it back").click()
    expect(field).to_have_value("typed-for-an-hour")


@pytest.mark.long
def test_a_tab_that_is_closed_on_a_fault_leaves_what_was_typed_to_a_new_one(tab):
    page = tab.page
    button = fill(page, in_page, "typed-for-an-hour")
    page.route(re.compile("/hosts/new/"), fault)
    button.click()
    expect(page.get_by_role("link", name="Back to the console")).to_be_visible()
    page.close()
    expect(offered(tab.context.new_page(), in_page)[0]).to_contain_text("was not saved")


@pytest.mark.long
def test_what_the_console_took_is_not_offered_again(tab):
    page = tab.page
    button = fill(page, in_page, "taken")
    button.click()
    page.wait_for_url(re.compile(r"/hosts/\d+/$"))
    assert drafts(page) == []
    expect(offered(page, in_page)[0]).to_have_count(0)

    # The save before says nothing of the next form at the same address.
    button = fill(page, in_page, "not-taken")
    page.route(re.compile("/hosts/new/"), fault)
    button.click()
    page.get_by_role("link", name="Back to the console").click()
    expect(offered(page, in_page)[0]).to_contain_text("was not saved")


@pytest.mark.long
def test_what_the_console_took_on_a_second_way_is_not_offered_again(tab):
    """The cookie of the forms was lost, so the console shows the form again, to be sent by one click."""
    page = tab.page
    button = fill(page, in_page, "taken-later", "203.0.113.78")
    lose(tab, "csrf")
    page.route("**/account/session/", lambda route: route.fulfill(
        json={"name": "admin", "left_s": 9999, "may_stay": True, "token": "", "choose_first": ""}))
    button.click()
    expect(page.get_by_role("heading", name="The form was not sent")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Send it now").click()
    page.wait_for_url(re.compile(r"/hosts/\d+/$"))
    assert drafts(page) == []

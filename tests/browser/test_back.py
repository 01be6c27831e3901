"""Back: what was typed is still there; after a sign-out nothing of who was signed in is."""

import re
import shutil

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Tab
from tests.chromium import ARGUMENTS

FORM, LIST = "/provisioning/environment/hosts/new/", "/provisioning/environment/hosts/"


def sign_out(page: Page) -> None:
    page.evaluate("document.querySelector('form[action=\"/logout/\"]').submit()")
    page.wait_for_url("**/login/**")


def test_after_a_sign_out_back_shows_the_sign_in_page(page: Page):
    page.goto(LIST)
    expect(page.get_by_role("heading", name="Hosts")).to_be_visible()
    sign_out(page)
    page.go_back()
    page.wait_for_url("**/login/**")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.get_by_role("heading", name="Hosts")).to_have_count(0)


@pytest.fixture
def remembering(chromium, pairwise):
    """A signed-in page of a browser that keeps whole pages in memory for Back, as people's do and those of tests do
    not."""
    browser = chromium.browser_type.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS,
                                           ignore_default_args=["--disable-back-forward-cache"])
    yield Tab(browser, pairwise.address).sign_in()
    browser.close()


def test_a_page_that_was_kept_in_memory_goes_away_with_the_session(remembering):
    page = remembering
    page.goto(LIST)
    expect(page.get_by_role("heading", name="Hosts")).to_be_visible()
    page.evaluate("window.isTheSamePage = true")
    sign_out(page)
    page.evaluate("setTimeout(() => history.back())")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.wait_for_url(f"**/login/?next={LIST}")
    assert not page.evaluate("window.isTheSamePage")


def test_what_was_typed_is_there_when_one_comes_back(remembering):
    page = remembering
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(FORM)
    page.locator("[name=name]").fill("half-typed")
    page.evaluate("window.isTheSamePage = true")
    page.evaluate("setTimeout(() => location.assign('/provisioning/accounts/users/'))")
    page.wait_for_url("**/users/")
    page.evaluate("setTimeout(() => history.back())")
    expect(page).to_have_url(re.compile(FORM))
    expect(page.locator("[name=name]")).to_have_value("half-typed")
    expect(page.locator("[name=name]")).to_be_visible()
    assert page.evaluate("window.isTheSamePage")

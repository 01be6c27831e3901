"""Back: what was typed is still there; after a sign-out nothing of who was signed in is."""

import pytest
from playwright.sync_api import Page, expect

from tests.chromium import ARGUMENTS, WHOLE, program
from tests.scenarios.harness import wait_for

from .conftest import Tab
from .test_typed import FORMS, drafts, typed

LIST = "/provisioning/environment/hosts/"


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
    browser = chromium.browser_type.launch(executable_path=program(*WHOLE), args=ARGUMENTS,
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


@pytest.mark.long
@FORMS
def test_what_was_typed_is_there_when_one_comes_back(remembering, form):
    page = remembering
    page.on("dialog", lambda dialog: dialog.accept())
    field, button = typed(page, form, "half-typed")
    here = page.url
    page.evaluate("window.isTheSamePage = true")
    page.evaluate("setTimeout(() => location.assign('/account/'))")
    page.wait_for_url("**/account/")
    page.evaluate("setTimeout(() => history.back())")
    expect(page).to_have_url(here)
    expect(field).to_have_value("half-typed")
    expect(field).to_be_visible()
    assert page.evaluate("window.isTheSamePage")
    # And it is no dead picture: it can be sent, and what is typed on is kept.
    field.fill("typed-on")
    wait_for(lambda: "typed-on" in str(drafts(page)), 10, "what was typed on")
    button.click()
    expect(page.locator("[aria-invalid=true], .field .error").first).to_be_visible()
    expect(field).to_have_value("typed-on")

"""The page of the API: what programs can ask for, opened part by part."""

from playwright.sync_api import expect

from tests.browser.conftest import look


def test_an_operation_is_opened_and_its_address_answers(page, accessible):
    page.goto("/")
    page.locator("summary", has_text="admin").click()
    page.get_by_role("link", name="API", exact=True).click()
    expect(page.get_by_role("heading", name="API", exact=True)).to_be_visible()
    for path in ("/api/v1/status", "/api/v1/applications/{name}/install"):
        page.locator("summary", has=page.get_by_text(path, exact=True)).click()
    expect(page.get_by_role("table", name="What Install an application on its host takes")).to_contain_text("log_on_as")
    # Of the whole page, thousands of closed parts, tests/browser/test_pages.py sees to that.
    accessible(page, context="details[open]")
    look(page, "api")
    page.get_by_role("link", name="Open /api/v1/status").click()
    expect(page.locator("body")).to_contain_text('"applications":[')

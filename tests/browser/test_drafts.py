"""What counts as typed: only what somebody types or chooses in a form is kept and offered again, until it is taken."""

import re
import urllib.parse

import pytest
from playwright.sync_api import Page, expect

from tests.scenarios.applications import LOG_ON_AS, apply, message_server

from .test_pages import LINKED, PAGES
from .test_typed import drafts, kept, tab

__all__ = ["tab"]

APPLICATIONS = PAGES["applications"]
MEDDLE = """() => {
  const seen = (input, form) => form.contains(input) && input.name && input.type !== "hidden";
  const forms = [...document.querySelectorAll("#content form")];
  for (const form of forms)
    for (const input of form.elements)
      if (!seen(input, form) || form.method === "get" || /submit|button/.test(input.type))
        for (const kind of ["input", "change"])
          input.dispatchEvent(new Event(kind, {bubbles: true}));
  dispatchEvent(new Event("pagehide"));
  return forms.length;
}"""
"""Everything that belongs to a form and is not typed into it changes: rows, filters, hidden fields, buttons. Then the
page is left, which keeps at once what there is to keep."""


@pytest.fixture(scope="module")
def server(pairwise) -> str:
    return apply(pairwise, message_server("MS_Drafts", description="Before"))["name"]


def row_of(page: Page, name: str):
    page.goto(f"{APPLICATIONS}?q={name}")
    return page.get_by_role("row", name=re.compile(name))


def addresses(page: Page) -> list[str]:
    """Of every page that there is something on."""
    found = list(PAGES.values())
    for path, link in LINKED.values():
        page.goto(path)
        if page.locator(link).count():
            found.append(urllib.parse.urljoin(page.url, page.locator(link).first.get_attribute("href")))
    return found


@pytest.mark.long
def test_what_is_not_typed_into_a_form_is_kept_of_none(tab, server):
    page, forms = tab.page, 0
    for address in addresses(page):
        page.goto(address)
        forms += page.evaluate(MEDDLE)
        assert drafts(page) == [], address
    assert forms > 15


@pytest.mark.long
def test_a_row_that_was_ticked_is_nothing_that_was_not_saved(page, server):
    row_of(page, server).get_by_role("checkbox").check()
    page.get_by_role("row", name=re.compile(server)).press("Escape")
    page.goto("/account/")
    assert drafts(page) == []
    row_of(page, server).get_by_role("checkbox").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#dialog form")).to_have_attribute("data-looked", "")
    expect(page.locator("[data-draft]")).to_have_count(0)


@pytest.mark.long
def test_a_reason_to_delete_is_offered_for_that_application_alone(page, server, pairwise):
    other = apply(pairwise, message_server("MS_Other_Drafts"))["name"]
    row_of(page, server).get_by_role("checkbox").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.locator("#dialog [name=reason]").fill("Nobody needs it")
    kept(page, 1)
    row_of(page, other).get_by_role("checkbox").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#dialog")).to_contain_text(f"Delete {other}?")
    expect(page.locator("#dialog form")).to_have_attribute("data-looked", "")
    expect(page.locator("[data-draft]")).to_have_count(0)
    row_of(page, server).get_by_role("checkbox").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#dialog [data-draft]")).to_contain_text("was not saved")
    page.locator("#dialog").get_by_role("link", name="Cancel").click()
    kept(page, 0)


@pytest.mark.long
def test_what_was_typed_of_a_port_is_offered_for_that_port_alone(page, server):
    row_of(page, server).get_by_role("link", name=server).first.click()
    page.get_by_role("button", name="Edit port default").click()
    page.locator("#dialog [name=info-port]").fill("4242")
    kept(page, 1)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Edit port sync").click()
    expect(page.locator("#dialog form")).to_have_attribute("data-looked", "")
    expect(page.locator("#dialog [data-draft]")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Edit port default").click()
    expect(page.locator("#dialog [data-draft]")).to_contain_text("was not saved")
    page.locator("#dialog").get_by_role("button", name="Cancel").click()
    kept(page, 0)


def test_an_install_that_was_taken_is_not_offered_to_the_next(page, server):
    row_of(page, server).get_by_role("link", name=server).first.click()
    install = f"{page.url.split('?')[0].removesuffix('/').removesuffix('/edit')}/install/"
    page.goto(install)
    page.locator("#content [name=log_on_as]").fill("nobody")
    kept(page, 1)
    page.locator("#content [name=log_on_as]").fill(LOG_ON_AS)
    page.get_by_role("main").get_by_role("button", name="Install", exact=True).click()
    page.wait_for_url("**/operations/jobs/*/")
    assert drafts(page) == []
    expect(page.locator("#content")).to_contain_text("Succeeded", timeout=60_000)


@pytest.mark.long
def test_a_message_of_before_goes_with_the_next_one(page, pairwise):
    name = apply(pairwise, message_server("MS_Old"))["name"]
    row_of(page, name).get_by_role("link", name=name).first.click()
    page.locator("#application-form [name=description]").fill("Typed")
    page.get_by_role("button", name="Save and Close").click()
    toasts = page.locator("#toasts")
    expect(toasts).to_contain_text(f"{name} was saved.")
    # A message with a warning in it stays until it is closed.
    toasts.locator("[data-toast]").evaluate("toast => toast.classList.add('message-warning')")
    page.get_by_role("row", name=re.compile(name)).get_by_role("checkbox").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.locator("#dialog").get_by_role("button", name=f"Delete {name}").click()
    expect(toasts).to_contain_text(f"{name} was deleted.")
    expect(toasts).not_to_contain_text("was saved")

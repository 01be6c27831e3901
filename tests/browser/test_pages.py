"""Every page in light, dark and 800 px: a screenshot to look at, nothing that axe finds, no sideways scrolling."""

import json
import urllib.parse
from collections.abc import Iterable

import pytest
from playwright.sync_api import Page, expect

from tests.scenarios.applications import apply, installed, message_server
from tests.scenarios.harness import Pairwise

from .conftest import LOOKS, QUICK_LOOK, picture

ENVIRONMENT = "/provisioning/environment"
PAGES = {
    "applications": f"{ENVIRONMENT}/applications/",
    "applications-empty-filter": f"{ENVIRONMENT}/applications/?q=no-such-name",
    "application-new": f"{ENVIRONMENT}/applications/new/",
    "hosts": f"{ENVIRONMENT}/hosts/",
    "host-new": f"{ENVIRONMENT}/hosts/new/",
    "templates": f"{ENVIRONMENT}/templates/",
    "template-import": f"{ENVIRONMENT}/templates/import/",
    "packages": f"{ENVIRONMENT}/packages/",
    "package-import": f"{ENVIRONMENT}/packages/import/",
    "jobs": "/operations/jobs/",
    "history": "/operations/history/",
    "audit-shipping": "/operations/audit-shipping/",
    "audit-target-new": "/operations/audit-shipping/new/",
    "dashboard": "/monitoring/",
    "pairs": "/monitoring/pairs/",
    "events": "/monitoring/events/",
    "alarms": "/monitoring/alarms/",
    "maintenance": "/monitoring/alarms/maintenance/",
    "maintenance-new": "/monitoring/alarms/maintenance/new/",
    "alarm-conditions": f"{ENVIRONMENT}/alarm-conditions/",
    "alarm-condition-new": f"{ENVIRONMENT}/alarm-conditions/new/",
    "log": "/monitoring/log/",
    "log-settings": "/monitoring/log/settings/",
    "channels": "/monitoring/notifications/channels/",
    "channel-new": "/monitoring/notifications/channels/new/",
    "notification-rules": "/monitoring/notifications/rules/",
    "notification-rule-new": "/monitoring/notifications/rules/new/",
    "deliveries": "/monitoring/notifications/deliveries/",
    "audit": "/audit/",
    "audit-rules": "/audit/rules/",
    "audit-waivers": "/audit/waivers/",
    "glossary": "/docs/glossary.html",
    "documentation": "/docs/",
    "chapter": "/docs/operating.html",
    "documentation-search": "/docs/search.html?q=standby",
    "api": "/help/api/",
    "password": "/account/password/",
    "account": "/account/",
    "users": "/provisioning/accounts/users/",
    "user-new": "/provisioning/accounts/users/new/",
    "account-tokens": "/account/tokens/",
    "apitoken-new": "/account/tokens/new/",
    "tokens": "/provisioning/accounts/tokens/",
    "service-new": "/provisioning/accounts/tokens/new/",
}
LINKED = {
    "application": (f"{ENVIRONMENT}/applications/", "main tbody tr td.name a"),
    "host": (f"{ENVIRONMENT}/hosts/", "main tbody a"),
    "template": (f"{ENVIRONMENT}/templates/", "main tbody a"),
    "package": (f"{ENVIRONMENT}/packages/", "main tbody a"),
    "job": ("/operations/jobs/", "main tbody a"),
    "pair": ("/monitoring/pairs/", "main tbody td.name a"),
    "audit-sheet": ("/audit/", "main tbody td.name a"),
    "user": ("/provisioning/accounts/users/", "main tbody td.name a"),
}
"""Pages that are reached by the first link of a list: name → (list, selector of the link)."""


@pytest.fixture(scope="session")
def populated(pairwise: Pairwise) -> Pairwise:
    """A server that was installed and runs, and its backup, which was never installed."""
    apply(pairwise, message_server("MS_Looks_Backup"))
    installed(pairwise, "MS_Looks_Primary", backup="MS_Looks_Backup", redundancy_type="warm standby")
    pairwise.manage("start", "MS_Looks_Primary", "--wait")
    return pairwise


PHONE = {"width": 390, "height": 844}
ON_A_PHONE = ("dashboard", "pairs", "pair", "applications", "job", "audit", "audit-sheet", "chapter",
              "documentation-search", "host-new", "api")
"""Pages that somebody opens beside the rack."""


EVERY_DAY = ("dashboard", "applications", "application", "pair", "job", "audit-sheet")
"""What the quick part looks at: a page of each kind."""


def test_the_pages_of_every_day_are_accessible_and_fit(populated, open_tab, accessible, chromium):
    check_sign_in(chromium, QUICK_LOOK, populated, accessible)
    walk(open_tab(**LOOKS[QUICK_LOOK]), QUICK_LOOK, accessible, EVERY_DAY)


@pytest.mark.long
@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_accessible_fits_and_has_a_screenshot(look, populated, open_tab, accessible, chromium):
    check_sign_in(chromium, look, populated, accessible)
    walk(open_tab(**LOOKS[look]), look, accessible, (*PAGES, *LINKED))


def walk(page: Page, look: str, accessible, names: Iterable[str]) -> None:
    for name in dict.fromkeys(names):
        path, link = LINKED.get(name) or (PAGES[name], "")
        page.goto(path)
        if link:
            page.goto(urllib.parse.urljoin(page.url, page.locator(link).first.get_attribute("href")))
        check(page, look, name, accessible)
        if look == "narrow" and name in ON_A_PHONE:
            check_on_a_phone(page, name, accessible)


def check(page: Page, look: str, name: str, accessible) -> None:
    page.wait_for_load_state("load")
    expect(page.locator(".htmx-request")).to_have_count(0)
    picture(page, f"{look}/{name}")
    accessible(page)
    width = page.evaluate(WIDTH)
    assert width["content"] <= width["window"], f"{name} scrolls sideways: {json.dumps(width)}"


WIDTH = """() => {
  const window = document.documentElement.clientWidth;
  const outside = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > window + 1);
  return {content: document.documentElement.scrollWidth, window,
          outside: outside.slice(0, 5).map((e) => `${e.tagName} ${e.className}: ${e.textContent.trim().slice(0, 40)}`)};
}"""
"""How wide a page is, and what of it sticks out."""


def check_on_a_phone(page: Page, name: str, accessible) -> None:
    before = page.viewport_size
    page.set_viewport_size(PHONE)
    page.reload()
    check(page, "phone", name, accessible)
    page.set_viewport_size(before)


def check_sign_in(chromium, look: str, pairwise: Pairwise, accessible) -> None:
    context = chromium.new_context(base_url=pairwise.address, **LOOKS[look])
    page = context.new_page()
    page.goto("/login/")
    check(page, look, "sign-in", accessible)
    context.close()

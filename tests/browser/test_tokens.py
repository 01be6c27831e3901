"""Somebody makes an API token, copies it, changes it and revokes it; an Administrator sees all of them."""

import re

import pytest
from playwright.sync_api import expect

from .conftest import look
from .test_live_pages import page

__all__ = ["page"]

pytestmark = pytest.mark.browser
OWN, ALL = "/account/tokens/", "/provisioning/accounts/tokens/"
MAKE = """
from datetime import timedelta
from provisioning.accounts.rules.tokens import Draft
from provisioning.accounts.services.service_accounts import make_service_token
from provisioning.models import ApiToken
def made(name, **fields):
    return make_service_token(actor=factories.ADMINISTRATOR, draft=Draft(name=name, **fields))[0].pk
made("ansible-of-the-operations-team", roles=["Administrator"], networks="10.0.0.0/8, 192.0.2.7, 2001:db8::/32",
     description="Starts and stops what the shift asks for.")
made("prometheus", roles=["Support"], scope="metrics", days=None)
soon = made("nightly-report", roles=["Support", "Operator"], read_only=True)
now = timezone.now()
ApiToken.objects.filter(pk=soon).update(expires_at=now + timedelta(days=3), used_at=now, used_from="192.0.2.9")
gone = made("former-report", roles=["Support"])
ApiToken.objects.filter(pk=gone).update(expires_at=now - timedelta(days=3))
ApiToken.objects.filter(pk=made("switched-off", roles=["Support"])).update(enabled=False)
"""
CONFIRMED = """
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
for row in Session.objects.all():
    store = SessionStore(row.session_key)
    store["confirmed"] = timezone.now().isoformat()
    store.save()
"""


@pytest.fixture(autouse=True)
def confirmed(run):
    """Who is signed in has just shown who it is: tests/browser/test_ways_in.py is asked."""
    run(CONFIRMED)


def test_a_token_is_made_shown_once_changed_and_revoked(page, accessible):
    page.goto("/account/")
    page.get_by_role("link", name="API tokens").click()
    look(page, "tokens-none")
    accessible(page)
    dialog = page.locator("#dialog")
    page.get_by_role("link", name="New", exact=True).click()
    expect(dialog.get_by_role("textbox", name="Name")).to_be_focused()
    look(page, "token-new")
    accessible(page)
    # What the two above leave in the page is not taken along.
    page.reload(wait_until="load")
    page.get_by_role("link", name="New", exact=True).click()
    dialog.get_by_role("textbox", name="Name").fill("laptop")
    dialog.get_by_label("Administrator:").check()
    dialog.get_by_label("Read only").check()
    dialog.get_by_role("textbox", name="Networks").fill("nonsense")
    dialog.get_by_role("button", name="Make the token").click()
    expect(dialog.locator("#id_networks_error")).to_contain_text("Write them as 10.0.0.0/8")
    dialog.get_by_role("textbox", name="Networks").fill("127.0.0.1")
    dialog.get_by_role("button", name="Make the token").click()
    text = page.locator("#new-token").inner_text()
    assert re.fullmatch(r"pw_\w{8}_\w{40}", text)
    expect(dialog.get_by_role("button", name="Copy")).to_be_visible()
    look(page, "token-made")
    accessible(page)
    dialog.get_by_role("link", name="Close").click()
    row = page.get_by_role("row", name=re.compile("laptop"))
    expect(row).to_contain_text("read only")
    page.wait_for_load_state("load")
    assert text not in page.content()

    row.get_by_role("link", name="Edit laptop").click()
    dialog.get_by_role("textbox", name="Description").fill("Of the laptop.")
    dialog.get_by_label("Enabled").uncheck()
    look(page, "token-edit")
    accessible(page)
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("Of the laptop.")
    expect(row).to_contain_text("Disabled")
    page.wait_for_load_state("load")
    row.get_by_role("link", name="Revoke laptop").click()
    look(page, "token-revoke", widths=(1280,))
    dialog.get_by_role("button", name="Revoke the token").click()
    expect(page.get_by_role("main")).to_contain_text("You have no API token.")


@pytest.mark.long
def test_an_administrator_sees_all_of_them_and_makes_service_accounts(page, run, accessible):
    run(MAKE)
    page.goto("/provisioning/accounts/users/")
    page.get_by_role("main").get_by_role("link", name="API tokens").click()
    expect(page.get_by_role("main")).to_contain_text("ansible-of-the-operations-team")
    look(page, "tokens")
    accessible(page)
    for width in (1280, 800, 390):
        page.set_viewport_size({"width": width, "height": 860})
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width
    page.set_viewport_size({"width": 1280, "height": 860})
    page.get_by_role("link", name="New service account").click()
    dialog = page.locator("#dialog")
    dialog.get_by_role("textbox", name="Name").fill("robot")
    dialog.get_by_label("Support:").check()
    look(page, "service-new", widths=(1280,))
    dialog.get_by_role("button", name="Make the token").click()
    expect(page.locator("#new-token")).to_contain_text("pw_")
    dialog.get_by_role("link", name="Close").click()
    page.get_by_role("link", name="robot", exact=True).click()
    expect(page.get_by_role("link", name="Reset Password")).to_have_attribute("aria-disabled", "true")
    look(page, "service-account")
    accessible(page)

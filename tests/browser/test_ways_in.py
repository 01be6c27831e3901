"""Single sign-on, passkeys and being asked once more, in the browser."""

import re
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.doubles.oidc_provider import CLIENT, SECRET
from tests.oidc import oidc_process
from tests.sources import ROOT

from .conftest import LOOKS, Tab, look

__all__ = ["oidc_process"]
pytestmark = pytest.mark.browser
PASSWORD = "a long password of a test"
ASKED = re.compile(r"status of 401 |htmx:responseError, .*Status Error Code 401 |Response Status Error Code 401 ")
"""What Chromium and htmx note of a request whose sender is asked who it is, or has just signed out."""
LATER = """
from django.contrib.sessions.models import Session
from django.contrib.sessions.backends.db import SessionStore
store = SessionStore("{key}")
store["confirmed"] = "2020-01-01T00:00:00+00:00"
store.save()
"""


@pytest.fixture
def console(start_web, oidc_process):
    return start_web(
        PAIRWISE_OIDC_URL=oidc_process.issuer, PAIRWISE_OIDC_CLIENT_ID=CLIENT, PAIRWISE_OIDC_CLIENT_SECRET=SECRET,
        PAIRWISE_OIDC_NAME="Example SSO", PAIRWISE_OIDC_ROLES="pw-ops=Operator")


@pytest.fixture
def tab(chromium, console):
    """Opened by a name, as passkeys need one; its console has to stay quiet."""
    tab = Tab(chromium, f"http://localhost:{console.port}", **LOOKS["light"])
    yield tab
    complaints = [text for text in tab.real_complaints() if not ASKED.search(text)]
    tab.close()
    assert complaints == []


def sign_in(page: Page) -> None:
    page.goto("/login/")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.locator("summary", has_text="ada").first.click()
    page.get_by_role("button", name="Sign out").click()


def with_authenticator(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "internal", "hasUserVerification": True, "isUserVerified": True,
        "automaticPresenceSimulation": True}})


def some_time_ago(tab: Tab, console) -> None:
    """Who is signed in showed who it is longer ago than counts."""
    [cookie] = [each for each in tab.context.cookies() if each["name"].startswith("pairwise_session")]
    subprocess.run([sys.executable, "manage.py", "shell", "-v0", "-c", LATER.format(key=cookie["value"])], cwd=ROOT,
                   env=console.environment, check=True, timeout=60)


def test_somebody_goes_to_the_provider_and_back_and_out_again(tab, oidc_process, accessible):
    oidc_process.person("rita")
    page = tab.page
    page.goto("/operations/jobs/")
    accessible(page)
    look(page, "sign-in-by", widths=(1280, 390))
    page.get_by_role("button", name="Sign in by Example SSO").click()
    page.wait_for_url("**/operations/jobs/")
    expect(page.locator("header")).to_contain_text("rita")
    page.goto("/account/")
    accessible(page)
    look(page, "account", widths=(1280, 390))
    page.locator("summary", has_text="rita").first.click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login/")
    assert "/end" in oidc_process.heard()
    oidc_process.person("rita", groups=[])
    page.get_by_role("button", name="Sign in by Example SSO").click()
    expect(page.get_by_role("alert")).to_contain_text("None of your groups at Example SSO has a role here")
    accessible(page)
    tab.complaints[:] = [text for text in tab.complaints if "status of 403" not in text]


def test_a_passkey_is_set_up_asked_for_and_removed(tab, console, accessible):
    page = tab.page
    with_authenticator(page)
    sign_in(page)
    page.wait_for_url("**/applications/")
    page.goto("/account/")
    page.get_by_role("link", name="Set Up Passkey").click()
    dialog = page.locator("#dialog")
    dialog.get_by_role("button", name="Set Up").click()
    expect(dialog).to_contain_text("Give the passkey a name")
    accessible(page)
    look(page, "passkey", widths=(1280, 390))
    dialog.get_by_label("Name").fill("This laptop")
    dialog.get_by_role("button", name="Set Up").click()
    expect(dialog.locator("#recovery-codes")).to_be_visible()
    accessible(page)
    look(page, "recovery-codes", widths=(1280,))
    dialog.get_by_role("link", name="Go to Your account").click()
    expect(page.get_by_role("main")).to_contain_text("This laptop")
    page.get_by_role("link", name="Set Up Authenticator App").click()
    expect(dialog.get_by_role("img")).to_be_visible()
    accessible(page)
    look(page, "authenticator-app", widths=(1280, 390))
    page.keyboard.press("Escape")
    sign_out(page)
    page.wait_for_url("**/login/**")
    sign_in(page)
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    accessible(page)
    look(page, "second-factor", widths=(1280, 390))
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/applications/")
    some_time_ago(tab, console)
    asked_once_more(page, accessible)


def asked_once_more(page: Page, accessible) -> None:
    """In a dialog on top of the page; then what was pressed is done without pressing it again."""
    page.goto("/account/")
    page.get_by_role("link", name="Remove This laptop").click()
    dialog = page.locator("#sign-in")
    expect(dialog.get_by_role("heading", name="Show who you are")).to_be_visible()
    accessible(page)
    look(page, "asked-once-more", widths=(1280, 390))
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Go on").click()
    page.locator("#dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("main")).to_contain_text("You have none")


@pytest.mark.long
def test_the_sign_in_page_of_administrators(tab, oidc_process, accessible):
    page = tab.page
    sign_in(page)
    page.goto("/provisioning/accounts/sign-in/")
    accessible(page)
    look(page, "sign-in-settings", widths=(1280, 390))
    oidc_process.tell()
    page.get_by_role("button", name="Ask the Provider").click()
    expect(page.locator("#toasts")).to_contain_text("answers, and what it says of itself fits")
    page.get_by_role("link", name="Edit Second Factor").click()
    accessible(page)
    look(page, "second-factor-policy", widths=(1280, 390))

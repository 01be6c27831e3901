"""Join by SSH in the browser: the host key is shown before anything is asked for."""

import pytest
from playwright.sync_api import Page, expect

from tests.ports import free_port
from tests.scenarios.harness import wait_for
from tests.sshd import Sshd, needs_sshd

from .test_pages import check
from .test_typed import drafts

pytestmark = needs_sshd


@pytest.fixture
def sshd(tmp_path):
    with Sshd(tmp_path, "127.0.0.2", free_port()) as running:
        yield running


def beside_secrets(page: Page) -> None:
    """What was typed is kept by the browser, and of secrets nothing."""
    page.locator("[name=user]").fill("otto")
    for name in ("password", "private_key", "passphrase"):
        page.locator(f"[name={name}]").fill(f"planted-{name}")
    wait_for(lambda: "otto" in str(drafts(page)), 10, "a draft")
    assert "planted" not in str(drafts(page))
    for name in ("password", "private_key", "passphrase"):
        page.locator(f"[name={name}]").fill("")
    page.locator("[name=user]").fill("root")


@pytest.mark.long
def test_the_host_key_comes_first_and_a_wrong_password_is_told_on_the_hosts_page(page: Page, sshd, accessible):
    page.goto("/provisioning/environment/hosts/new/")
    page.get_by_role("textbox", name="Name").fill("by-ssh")
    page.get_by_role("textbox", name="IP Address").fill("127.0.0.2")
    page.get_by_role("button", name="Save and Close").click()
    page.get_by_role("link", name="Join by SSH").click()
    check(page, "light", "join-by-ssh", accessible)
    page.get_by_label("SSH Port").fill(str(sshd.port))
    page.get_by_role("button", name="Show the host key").click()
    expect(page.locator("#host-key")).to_have_text(sshd.fingerprint)
    check(page, "light", "join-by-ssh-login", accessible)

    beside_secrets(page)
    page.get_by_role("button", name="Confirm the key and join").click()
    expect(page.get_by_role("alert")).to_contain_text("Type the password, or paste a private key below.")
    page.get_by_label("Private key").fill("rubbish")
    page.get_by_role("button", name="Confirm the key and join").click()
    expect(page.get_by_role("alert")).to_contain_text("This is no private key that can be read")
    expect(page.get_by_label("Private key")).to_have_value("")
    page.locator("#id_password").fill("not the password")
    page.get_by_role("button", name="Confirm the key and join").click()
    expect(page.locator("#join")).to_contain_text("does not let root log in with this password", timeout=30_000)
    check(page, "light", "join-by-ssh-failed", accessible)

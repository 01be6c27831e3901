"""A password that an Administrator gave, good for one sign-in, while somebody works on a form."""

import pytest
from playwright.sync_api import Page, expect

from tests.scenarios.harness import PASSWORD

from .conftest import LOOKS, Tab
from .test_typed import USERS, in_dialog, in_page, tab, typed

__all__ = ["tab"]


def one_time_password(page: Page, label: str) -> str:
    page.locator("#dialog").get_by_role("button", name=label).click()
    return page.locator("#one-time-password").inner_text()


def sign_in_as(page: Page, name: str, password: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def choose_password(page: Page, old: str) -> None:
    for name, value in (("old_password", old), ("new_password1", PASSWORD), ("new_password2", PASSWORD)):
        page.locator(f"[name={name}]").fill(value)
    page.get_by_role("main").get_by_role("button", name="Change password").click()
    expect(page.locator("#toasts")).to_contain_text("Your password was changed.")


@pytest.mark.long
def test_a_form_outlives_a_password_that_is_reset_while_somebody_types(tab, chromium, pairwise):
    admin = tab.page
    field, _ = in_dialog(admin)
    field.fill("rita")
    admin.get_by_label("Administrator:").check()
    first = one_time_password(admin, "Create")
    hers = Tab(chromium, pairwise.address, **LOOKS["light"])
    page = hers.page
    page.goto("/")
    sign_in_as(page, "rita", first)
    choose_password(page, first)
    field, button = typed(page, in_page)
    address = page.url

    admin.goto(USERS)
    admin.get_by_role("link", name="rita").click()
    admin.get_by_role("link", name="Reset Password").click()
    second = one_time_password(admin, "Reset Password")
    button.click()
    sign_in_as(page.locator("#sign-in"), "rita", second)
    expect(page.locator("#must-change")).to_contain_text("Choose another password in a new tab")
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("choose another password first")
    assert page.url == address
    expect(field).to_have_value("typed-for-an-hour")

    with hers.context.expect_page() as opened:
        page.locator("#must-change").get_by_role("button", name="Change password").click()
    choose_password(opened.value, second)
    opened.value.close()
    button.click()
    expect(page.locator("[aria-invalid=true], .field .error").first).to_be_visible()
    expect(page.locator("#must-change")).to_have_count(0)
    expect(field).to_have_value("typed-for-an-hour")
    hers.close()

"""An Administrator makes a user in the browser; the user chooses a password and is told what the role may not do."""

from playwright.sync_api import Page, expect

from .conftest import Tab
from .test_pages import check

CHOSEN = "a password that sue chose"


def test_a_new_user_chooses_a_password_and_is_told_why_buttons_are_off(page: Page, pairwise, chromium, accessible):
    page.goto("/provisioning/accounts/users/")
    page.get_by_role("link", name="New").click()
    page.locator("#dialog").get_by_role("textbox", name="User name").fill("sue")
    page.get_by_label("Support:").check()
    page.get_by_role("button", name="Create").click()
    password = page.locator("#one-time-password").inner_text()
    check(page, "light", "user-made", accessible)
    page.get_by_role("link", name="Go to sue").click()
    expect(page.get_by_role("main")).to_contain_text("chooses a password at the next sign-in")

    tab = Tab(chromium, pairwise.address)
    support = tab.page
    support.goto("/login/")
    support.get_by_label("User name").fill("sue")
    support.get_by_label("Password", exact=True).fill(password)
    support.get_by_role("button", name="Sign in").click()
    expect(support.get_by_role("heading", name="Change password")).to_be_visible()
    support.get_by_label("Current password").fill(password)
    support.get_by_label("New password", exact=False).first.fill(CHOSEN)
    support.get_by_label("New password again").fill(CHOSEN)
    support.get_by_role("main").get_by_role("button", name="Change password").click()
    support.wait_for_url("**/applications/")
    why_is_shown(support)
    assert tab.real_complaints() == []
    leaves_at_once(page, support)
    tab.close()


def leaves_at_once(page: Page, support: Page) -> None:
    """Who is disabled sees nothing any more, without a click."""
    page.get_by_role("link", name="Disable").click()
    page.locator("#dialog").get_by_role("button", name="Disable sue").click()
    expect(support.locator("#signed-out")).to_contain_text("You are signed out.")
    expect(support.get_by_role("main")).to_be_hidden()


def why_is_shown(support: Page) -> None:
    """The reason is beside the button when it is pressed, or reached by keyboard; Esc puts it away."""
    support.goto("/provisioning/environment/hosts/")
    new, why = support.get_by_role("link", name="New"), support.locator(".why")
    expect(new).to_have_accessible_description("Your role does not let you create, change and delete hosts. "
                                               "Ask for the role Administrator.")
    new.click(force=True)
    expect(why).to_contain_text("Ask for the role Administrator.")
    assert support.url.endswith("/hosts/")
    support.keyboard.press("Escape")
    expect(why).to_be_hidden()
    support.keyboard.press("Tab")
    support.keyboard.press("Shift+Tab")
    expect(new).to_be_focused()
    expect(why).to_be_visible()

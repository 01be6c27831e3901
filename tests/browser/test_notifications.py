"""Channels and notification rules by keyboard, in a browser."""

import pytest
from playwright.sync_api import expect

from .test_live_pages import page  # noqa: F401 fixture

pytestmark = pytest.mark.browser
NOTIFICATIONS = "/monitoring/notifications/"
MAKE = """
from provisioning.models import Channel
from tests import factories
name = uuid.uuid4().hex[:6]
row = factories.make_channel(f"{name} hook", fields={"url": "https://127.0.0.1:9/"})
host = factories.make_host(f"told-{name}.example.org", ip_address=f"2001:db8:91::{name[:4]}")
factories.make_application(f"{name}-server", host=host, ports={"default": 7001})
answer = {"name": name, "channel": row.name, "row": row.pk, "server": f"{name}-server"}
"""


@pytest.mark.long
def test_enter_creates_a_channel_with_the_fields_of_its_kind(page, run):  # noqa: F811
    name = run(MAKE)["name"]
    page.goto(f"{NOTIFICATIONS}channels/")
    page.locator("#channel-new").click()
    kind = page.locator("#id_kind")
    expect(kind).to_be_focused()
    page.locator("#id_name").fill(f"{name} made")
    kind.select_option("slack")
    secret = page.get_by_label("Webhook URL")
    expect(secret).to_have_attribute("type", "password")
    expect(page.get_by_label("To", exact=True)).to_have_count(0)
    secret.fill("https://hooks.slack.com/services/T0/B0/abc")
    secret.press("Enter")
    row = page.locator("tr", has_text=f"{name} made")
    expect(row).to_contain_text("Webhook URL, never shown")


def test_a_test_says_what_came_back_and_the_focus_is_where_it_began(page, run):  # noqa: F811
    made = run(MAKE)
    page.goto(f"{NOTIFICATIONS}channels/")
    verb = page.locator(f"#test-{made['row']}")
    verb.press("Enter")
    page.get_by_role("button", name="Send a test").press("Enter")
    said = page.get_by_role("alert").filter(has_text="It was not taken.")
    expect(said).to_be_focused()
    expect(page.locator("tr", has_text=made["channel"])).to_contain_text("Given up")
    page.keyboard.press("Escape")
    expect(verb).to_be_focused()


@pytest.mark.long
def test_names_are_offered_behind_those_that_are_written(page, run):  # noqa: F811
    made = run(MAKE)
    page.goto(f"{NOTIFICATIONS}rules/")
    page.locator("#rule-new").click()
    page.locator("#id_name").fill(made["name"])
    page.get_by_label(made["channel"]).check()
    field = page.get_by_label("Applications", exact=True)
    field.press_sequentially(f"Other, {made['name']}")
    expect(page.locator("#names-applications option").first).to_have_attribute("value", f"Other, {made['server']}")
    field.press("Enter")
    expect(page.locator("tr", has_text=made["channel"])).to_contain_text(f"All alarms of Other or {made['name']}")

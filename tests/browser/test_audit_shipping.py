"""Audit targets by keyboard, in a browser."""

import pytest
from playwright.sync_api import expect

from .conftest import look
from .test_live_pages import page  # noqa: F401 fixture

pytestmark = pytest.mark.browser
SHIPPING = "/operations/audit-shipping/"
MAKE = """
from provisioning.models import Shipment
from tests import factories
name = uuid.uuid4().hex[:6]
row = factories.make_target(f"{name} syslog", address="syslog+tls://127.0.0.1:9", description="Of the security desk.")
other = factories.make_target(f"{name} file", address="file:///var/log/pairwise/audit.json", enabled=False)
Shipment.objects.filter(target=row).update(
    trouble="127.0.0.1 at port 9 cannot be reached: Connection refused. See whether it runs and the network lets this "
            "machine there.", tries=4, tried_at=timezone.now())
Shipment.objects.filter(target=other).update(taken_at=timezone.now())
answer = {"name": name, "target": row.name, "row": row.pk}
"""


def test_a_target_is_created_by_keyboard_and_its_key_is_never_shown(page, run, accessible):  # noqa: F811
    made = run(MAKE)
    page.goto(SHIPPING)
    look(page, "audit-shipping")
    accessible(page)
    page.locator("#shipping-new").press("Enter")
    page.locator("#id_name").fill(f"{made['name']} siem")
    page.locator("#id_address").fill("https://siem.example.com/services/collector/event")
    page.locator("#id_secret_token").fill("s3cret-token")
    look(page, "audit-target-new", widths=(1280, 390))
    accessible(page)
    page.locator("#id_name").press("Enter")
    row = page.locator("tr", has_text=f"{made['name']} siem")
    expect(row).to_contain_text("none yet")
    row.get_by_role("link", name="Edit").press("Enter")
    expect(page.locator("#id_secret_token")).not_to_have_value("s3cret-token")
    expect(page.get_by_text("Stored, never shown.")).to_be_visible()


@pytest.mark.long
def test_a_test_says_what_was_sent_and_what_came_back(page, run, accessible):  # noqa: F811
    made = run(MAKE)
    page.goto(SHIPPING)
    verb = page.locator(f"#test-{made['row']}")
    verb.press("Enter")
    page.get_by_role("button", name="Send a test").press("Enter")
    said = page.get_by_role("alert").filter(has_text="It was not taken.")
    expect(said).to_be_focused()
    expect(page.get_by_label("The entry as it was sent")).to_contain_text('number="0"')
    look(page, "audit-target-tested", widths=(1280, 390))
    accessible(page)
    page.keyboard.press("Escape")
    expect(verb).to_be_focused()

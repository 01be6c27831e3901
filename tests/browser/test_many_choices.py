"""Lists and choices in a browser, with more than a page holds of everything."""

import pytest
from playwright.sync_api import expect

from .test_live_pages import page  # noqa: F401 fixture

pytestmark = pytest.mark.browser
LIST = "/provisioning/environment/applications/"
MAKE = """
from provisioning.models import Application
from tests import factories
name = uuid.uuid4().hex[:6]
host = factories.make_host(f"many-{name}.example.org", ip_address=f"2001:db8:90::{name[:4]}")
row = factories.make_application(f"{name}-client", host=host, ports={"default": 7001})
template = row.template
Application.objects.bulk_create(Application(name=f"{name}-{number:03d}", type=template.type, version=template.version,
                                            template=template) for number in range(450))
answer = {"name": name, "row": row.pk, "host": host.name}
"""


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture
def made(run, kept):
    return kept or kept.update(run(MAKE)) or kept


def test_a_list_is_found_again_as_it_was_left(page, made):  # noqa: F811
    page.goto(LIST)
    page.locator("#filter-q").fill(made["name"])
    page.wait_for_url(f"**q={made['name']}*")
    page.get_by_label("Page 2", exact=True).click()
    page.wait_for_url("**page=2*")
    left = page.url
    page.locator("#rows tbody tr .c-name a").nth(3).click()
    page.wait_for_url("**/?list=*")
    page.get_by_role("tab", name="Options").click()
    page.reload()
    page.locator("#cancel").click()
    expect(page.locator("#filter-q")).to_have_value(made["name"])
    expect(page.get_by_label("Page 2", exact=True)).to_have_attribute("aria-current", "page")
    expect(page).to_have_url(left)
    # The toolbar was drawn before the filter was typed.
    page.get_by_role("link", name="New", exact=True).click()
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="Applications").click()
    page.wait_for_url(left)


@pytest.mark.long
def test_a_server_is_found_for_a_connection_by_keyboard(page, made):  # noqa: F811
    page.goto(f"{LIST}{made['row']}/")
    page.locator("button[value='connections-add']").click()
    find = page.get_by_label("Find a server by part of its name")
    expect(find).to_be_focused()
    page.keyboard.type(f"{made['name']}-4")
    said = page.locator(".choices-said")
    expect(said).to_contain_text("50 of")
    # Nothing was chosen yet, and nothing is said against that; nor is what is looked for a draft.
    expect(page.locator("#dialog .error")).to_have_count(0)
    expect(page.locator("#dialog [data-draft]")).to_have_count(0)
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="OK").click()
    expect(page.locator("#connections tbody")).to_contain_text(f"{made['name']}-401")


def test_enter_takes_what_was_typed_though_it_is_not_listed_yet(page, made):  # noqa: F811
    page.goto(f"{LIST}{made['row']}/")
    page.locator("button[value='connections-add']").click()
    find = page.get_by_label("Find a server by part of its name")
    expect(page.locator(".choices-said")).to_contain_text("are listed")
    find.fill(f"{made['name']}-433")
    page.keyboard.press("Enter")
    server = page.locator("select[name$='server_id']")
    expect(server).to_be_focused()
    # What is chosen now stays in the list of others, and is not what Enter means then.
    find.fill(f"{made['name']}-417")
    page.keyboard.press("Enter")
    expect(server.locator("option:checked")).to_have_text(f"{made['name']}-417")
    page.get_by_role("button", name="OK").click()
    expect(page.locator("#connections tbody")).to_contain_text(f"{made['name']}-417")


@pytest.mark.long
def test_browse_goes_on_below_its_last_row(page, made):  # noqa: F811
    page.goto(f"{LIST}{made['row']}/")
    page.get_by_role("button", name="Browse Backup Server").click()
    page.get_by_label("Filter by name").fill(made["name"])
    expect(page.locator("#browse-count")).to_contain_text("450 of")
    rows = page.locator(".browse-option")
    expect(rows).to_have_count(200)
    for shown in (400, 450):
        page.locator("#browse-more").scroll_into_view_if_needed()
        expect(rows).to_have_count(shown)
    expect(page.locator("#browse-more")).to_have_count(0)
    rows.last.dblclick()
    expect(page.locator("[data-picker='backup_server_id'] [data-picker-label]")).to_have_value(f"{made['name']}-449")


@pytest.mark.long
def test_the_keyboard_reaches_what_comes_later(page, made):  # noqa: F811
    page.goto(f"{LIST}{made['row']}/")
    page.get_by_role("button", name="Browse Backup Server").click()
    page.get_by_label("Filter by name").fill(made["name"])
    rows = page.locator(".browse-option")
    expect(page.locator("#browse-count")).to_contain_text("450 of")
    expect(rows).to_have_count(200)
    for _ in range(26):
        page.keyboard.press("PageDown")
    expect(rows).to_have_count(400)
    page.keyboard.press("ArrowDown")
    expect(page.locator('.browse-option[aria-selected="true"]')).to_contain_text(f"{made['name']}-200")


@pytest.mark.long
def test_a_name_that_is_being_typed_is_not_swept_away(page, run, made):  # noqa: F811
    page.goto(f"/monitoring/pairs/{made['row']}/")
    named = page.get_by_label("Which server is meant to be the backup?")
    named.press_sequentially(f"{made['name']}-1")
    expect(page.locator("#names-of-backups option")).not_to_have_count(0)
    with page.expect_response(lambda answer: "/part/guide/" in answer.url):
        run("from provisioning.models import Application\nrow = Application.objects.get(pk=key)\n"
            "announce('applications')", key=made["row"])
    expect(named).to_have_value(f"{made['name']}-1")
    named.fill(f"{made['name']}-117")
    page.get_by_role("button", name="Show its steps").click()
    expect(named).to_have_value(f"{made['name']}-117")
    expect(page.locator("#pair-guide")).to_contain_text(f"{made['name']}-117 is saved")

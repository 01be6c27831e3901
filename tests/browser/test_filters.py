"""Filters of lists, as somebody types them, and the room that they and the rows have."""

import re

import pytest
from playwright.sync_api import expect

from .test_live_pages import page  # noqa: F401 fixture

pytestmark = pytest.mark.browser


@pytest.mark.long
def test_the_time_that_was_chosen_last_counts_alone(page):  # noqa: F811 fixture
    page.goto("/monitoring/log/")
    time, since = page.locator("#filter-time"), page.locator("#filter-since")
    since.fill("2026-11-30T11:03:07")
    expect(page).to_have_url(re.compile("since=2026-11-30T11%3A03%3A07"))
    time.select_option("hour")
    expect(since).to_have_value("")
    expect(page).to_have_url(re.compile("time=hour&since=&"))
    since.fill("2026-11-30T11:03")
    expect(time).to_have_value("")


def test_a_wrong_field_is_said_and_the_others_still_filter(page):  # noqa: F811 fixture
    page.goto("/monitoring/log/")
    page.locator("#filter-number").fill("xyz")
    expect(page.get_by_text("Event: Write an event number as 00-05061 or 5061. As it is, it does not count.")
           ).to_be_visible()
    page.locator("#filter-text").fill("never said")
    expect(page).to_have_url(re.compile("text=never"))


def test_what_is_typed_counts_although_the_list_was_asked_for_anew_right_before(page):  # noqa: F811 fixture
    page.goto("/monitoring/log/")
    held = []
    page.route("**/monitoring/log/", lambda route: held.append(route), times=1)
    with page.expect_request("**/monitoring/log/"):
        page.evaluate("htmx.trigger('#live-list', 'live')")
    page.locator("#filter-text").fill("never said")
    expect(page.get_by_text("Nothing matches this filter.")).to_be_visible()
    # Its answer would have come last, and shown what the filter leaves out.
    assert held[0].request.failure


@pytest.mark.long
@pytest.mark.parametrize(("width", "rows"), [(1280, 1), (800, 2)])
def test_the_filter_of_alarms_takes_few_rows(page, width, rows):  # noqa: F811 fixture
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/monitoring/alarms/")
    tops = page.evaluate("() => [...document.querySelectorAll('.filters label')].map(e => e.offsetTop)")
    assert len(tops) == 6
    assert len(set(tops)) == rows


@pytest.mark.parametrize(("address", "share"), [("/monitoring/log/", 0.4), ("/monitoring/alarms/", 0.33)])
def test_what_is_said_has_the_most_room(page, run, address, share):  # noqa: F811 fixtures
    run("factories.make_record(text='It is lost. ' * 30, application='MS_Billing_Primary')\n"
        "factories.make_alarm(text='It is lost. ' * 30, application=f'MS_Billing_{uuid.uuid4().hex[:7]}')")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(address)
    wide = page.locator("table.grid").evaluate("table => table.offsetWidth")
    assert page.locator("td.reason").first.evaluate("cell => cell.offsetWidth") >= share * wide

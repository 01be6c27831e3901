"""Filters of lists, as somebody types them."""

import re

import pytest
from playwright.sync_api import expect

from .test_live_pages import page, site  # noqa: F401 fixtures

pytestmark = pytest.mark.browser


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

"""From a page of the console to its chapter of the documentation by a key, and on to what is searched for there."""

import re

import pytest
from playwright.sync_api import expect

from .conftest import look
from .test_live_pages import page  # noqa: F401 fixture
from .test_long_names import OUTSIDE

pytestmark = pytest.mark.browser


def test_help_is_one_key_away_and_words_are_found(page, accessible):  # noqa: F811
    page.goto("/monitoring/pairs/")
    with page.expect_popup() as opened:
        page.keyboard.press("?")
    manual = opened.value
    expect(manual).to_have_url(re.compile(r"/docs/pair-page\.html$"))
    expect(manual.get_by_role("heading", name="The Pair page")).to_be_in_viewport()
    accessible(manual)
    look(manual, "manual")
    manual.set_viewport_size({"width": 390, "height": 860})
    assert manual.evaluate(OUTSIDE) == []
    manual.set_viewport_size({"width": 1280, "height": 860})
    manual.keyboard.press("/")
    manual.keyboard.type("drill schedule")
    manual.keyboard.press("Enter")
    expect(manual).to_have_url(re.compile(r"/docs/search\.html\?q=drill\+schedule$"))
    accessible(manual)
    look(manual, "manual-search")
    manual.get_by_role("link", name="Failover drill", exact=True).click()
    expect(manual).to_have_url(re.compile(r"/docs/drills\.html#failover-drill$"))
    expect(manual.get_by_role("heading", name="Failover drill")).to_be_in_viewport()


def test_who_types_a_question_mark_asks_for_no_help(page):  # noqa: F811
    page.goto("/monitoring/pairs/")
    page.keyboard.press("/")
    page.keyboard.type("what?")
    expect(page.locator(":focus")).to_have_value("what?")
    assert len(page.context.pages) == 1

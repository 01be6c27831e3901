"""What a real pair does is on its charts: rate, latency, clients, disk, the role change, and when it was stopped."""

import re

import pytest

from tests.html import flat

from .harness import wait_for

pytestmark = pytest.mark.long
FIGURES_S = 60
"""Three moments of 10 s, and what a busy machine takes."""


def last_of(page, line):
    """The newest number of a line, as it is written; "" while there is none."""
    found = re.search(rf"{line} <b>([^<]*)</b>", page)
    return found[1] if found else ""


def rate_of(page, line):
    return float(last_of(page, line).removesuffix("/s").replace(",", "").replace("–", "") or 0)


def test_a_pair_under_load_is_on_its_charts_and_so_is_its_switchover(pair):
    browser = pair.site.pairwise.browser()
    first, second = (member.name for member in pair.members)
    listed = re.search(rf"/monitoring/pairs/(\d+)/[^>]*>{first} ⇄", flat(browser.get("/monitoring/pairs/").text))
    address = f"/monitoring/pairs/{listed[1]}/charts/"

    def page():
        answer = browser.get(address)
        assert answer.status == 200
        return flat(answer.text)

    with pair.ledger() as ledger:
        wait_for(lambda: rate_of(page(), f"{first} acknowledged") > 50, FIGURES_S, "the rate of the first")
        shown = page()
        assert last_of(shown, f"{first} 99 %").endswith(" ms")
        assert int(last_of(shown, f"{first} connected")) >= 2
        assert last_of(shown, f"{second} records") not in ("", "–")
        assert all(last_of(shown, f"{name} free").endswith("B") for name in (first, second))
        pair.switch_over()
        wait_for(lambda: rate_of(page(), f"{second} acknowledged") > 50, FIGURES_S, "the rate of the second")
        ledger.check()
    assert ">Role change</span>" in page()
    pair.standby.stop()
    wait_for(lambda: "because it was not running" in page(), FIGURES_S, "the gap of who was stopped")
    pair.standby.start()
    assert not re.search(r"<b>-|<b>\d{7,}", page())

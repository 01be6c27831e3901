"""A page counts times on in the words that it came with."""

import json
from urllib.parse import quote

import pytest

from provisioning.core.text import so_far
from tests.test_architecture import ROOT

SECONDS = (-5, 0, 0.04, 0.6, 1, 1.9, 59.5, 119.9, 120, 3599, 7199, 7200, 7500, 172_799, 172_800, 900_000)


@pytest.mark.browser
def test_the_page_counts_on_in_the_words_of_the_console(chromium):
    page = chromium.new_page()
    source = quote((ROOT / "static/js/times.js").read_text())
    words = page.evaluate(f"import('data:text/javascript,{source}').then("
                          f"(times) => {json.dumps(SECONDS)}.map(times.soFar))")
    page.close()
    assert words == [so_far(seconds) for seconds in SECONDS]

"""A secret is found in whatever it went through on the way."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from .traces import given_away

SECRET = "a+secret&/of <20> \"letters\"é"


@pytest.mark.parametrize("way", [
    str, repr, json.dumps, html.escape, quote, quote_plus, lambda text: quote(text, safe=""),
    lambda text: text.encode().hex(), lambda text: text.encode().hex().upper(),
    *(lambda text, before=before: base64.b64encode(f"{'x' * before}{text}and more".encode()).decode()
      for before in range(4)),
    lambda text: base64.urlsafe_b64encode(f"{text}?".encode()).decode(),
])
def test_a_secret_is_found_in_every_encoding(way):
    assert given_away({"it": SECRET}, f"before {way(SECRET)} after") == ["it"]


def test_another_text_is_not_taken_for_the_secret():
    assert given_away({"it": SECRET}, base64.b64encode(b"something else of the same length").decode()) == []

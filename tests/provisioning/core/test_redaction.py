"""What is taken out of text that leaves the console, and what stays."""

import base64
import html
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.core.redaction import ANYWHERE, Redactor
from provisioning.models.applications import MASK
from tests.planted.traces import given_away

SECRET = "pl+an/ted=&\"é'<9>"
secrets = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=ANYWHERE, max_size=40)


@pytest.mark.parametrize("way", [
    str, repr, json.dumps, html.escape, quote, quote_plus, lambda text: quote(text, safe=""),
    lambda text: json.dumps(text, ensure_ascii=False), lambda text: text.encode().hex(),
    lambda text: text.encode().hex().upper(),
    *(lambda text, before=before: base64.b64encode(f"{'x' * before}{text}and more".encode()).decode()
      for before in range(4)),
    lambda text: base64.urlsafe_b64encode(f"{text}?".encode()).decode(),
])
def test_a_known_secret_is_taken_out_in_every_form(way):
    redactor = Redactor([SECRET])
    text = f"before {way(SECRET)} after"
    assert redactor.found_in(text)
    assert given_away({"it": SECRET}, redactor.exact(text)) == []
    assert not redactor.found_in(redactor.exact(text))


@given(secrets, st.binary(max_size=6), st.binary(max_size=6))
def test_a_secret_within_base64_is_found_wherever_it_begins(secret, before, after):
    text = base64.b64encode(before + secret.encode() + after).decode()
    assert Redactor([secret]).found_in(text)


def test_a_short_secret_is_taken_out_as_a_word_only():
    redactor = Redactor(["toor", "abc"])
    assert redactor.exact("toor, notoor; toor.") == f"{MASK}, notoor; {MASK}."
    assert redactor.too_short == 1


@pytest.mark.parametrize(("text", "cleaned"), [
    ("password=hunter2 user=ann", f"password={MASK} user=ann"),
    ('{"db-password": "a b\\"c", "x": 1}', f'{{"db-password": "{MASK}", "x": 1}}'),
    ("api_key: 'abc' rest", f"api_key: '{MASK}' rest"),
    ("redis://:pa%2Fss@broker:6379/0", f"redis://:{MASK}@broker:6379/0"),
    ("postgres://user:pass@db/pairwise", f"postgres://user:{MASK}@db/pairwise"),
    ("Authorization: Bearer abc.def", f"Authorization: {MASK}"),
    ("Set-Cookie: session=1; Path=/", f"Set-Cookie: {MASK}"),
    ("a -----BEGIN EC PRIVATE KEY-----\nMHc=\n-----END EC PRIVATE KEY----- b", f"a {MASK} b"),
    (f"it used pw_{'k' * 8}_{'s' * 40}.", f"it used pw_{'k' * 8}_{MASK}."),
    ("The server was started at https://host:8000/ by ada.", "The server was started at https://host:8000/ by ada."),
    ("port 7001, host 10.0.0.1:4999", "port 7001, host 10.0.0.1:4999"),
])
def test_what_looks_like_a_secret_is_masked_and_what_does_not_stays(text, cleaned):
    assert Redactor([]).text(text) == cleaned
    assert Redactor([]).text(cleaned) == cleaned


def test_values_under_a_key_that_names_a_secret_are_masked_in_json():
    body = {"options": {"clients": {"ann": "x1"}, "log": {"verbose": "all", "db-password": "p"}},
            "secret_revision": 3, "lines": ["token=abc", "fine"], "private-key": "", "clients": 4}
    assert Redactor([]).value(body) == {
        "options": {"clients": {"ann": MASK}, "log": {"verbose": "all", "db-password": MASK}}, "secret_revision": 3,
        "lines": [f"token={MASK}", "fine"], "private-key": "", "clients": 4}


def test_a_name_that_is_a_secret_is_masked_too():
    assert json.dumps(Redactor(["longsecret"]).value({"longsecret": 1}), ensure_ascii=False) == f'{{"{MASK}": 1}}'


@pytest.mark.parametrize("text", ["a" * 300_000, "a." * 150_000, "secret" * 50_000, "x://" * 80_000, "token=" * 50_000,
                                  "-----BEGIN PRIVATE KEY-----" * 5_000, "cookie " * 50_000])
def test_no_text_keeps_it_busy(text):
    began = time.monotonic()
    Redactor([f"secret number {number}" for number in range(50)]).text(text)
    assert time.monotonic() - began < 5

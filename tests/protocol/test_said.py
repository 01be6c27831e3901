"""What somebody else says: whatever it is, it can be kept, sent on and shown, and it is no larger than it may be."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import lines
from protocol.messages import Event
from protocol.said import ENTRIES_MAX, LARGEST, TEXT_MAX, legible, number, storable

# Unlike st.text() with halves of pairs of surrogates, as they come from "\ud800" in JSON and from names of files.
TEXTS = st.text(st.characters())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10**400, 10**400) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5), max_leaves=30)


@given(JSON)
def test_whatever_is_said_can_be_written_as_json_and_as_text(said):
    kept = storable(said)
    text = json.dumps(kept, allow_nan=False, ensure_ascii=False)
    assert b"\\u0000" not in text.encode()
    assert storable(json.loads(text)) == kept


@given(JSON, JSON)
def test_what_is_good_is_kept_as_it_is_whatever_stands_beside_it(one, other):
    kept = storable({"one": one, "good": ["Zürich", 4711, 0.5, True, None], "other": other})
    assert kept["good"] == ["Zürich", 4711, 0.5, True, None]


@given(JSON, st.integers(-5, 5), st.integers(6, 10))
def test_a_number_is_in_its_range_or_none(said, least, most):
    found = number(said, least, most)
    assert found is None or (least <= found <= most and math.isfinite(found) and not isinstance(found, bool))


def test_what_is_too_long_too_many_or_too_deep_is_cut():
    deep = []
    for _ in range(500):
        deep = [deep]
    kept = storable({"text": "x" * 10**6, "list": [1] * 10**6, "deep": deep, "large": LARGEST + 1, "set": {1}})
    assert kept["text"] == "x" * (TEXT_MAX - 1) + "…"
    assert len(kept["list"]) == ENTRIES_MAX
    assert (kept["large"], kept["set"]) == (None, None)
    assert len(json.dumps(kept["deep"])) < 100


@pytest.mark.parametrize(("said", "text"), [
    ("!\udcff", "!�"), ("a\0b", "a�b"), ("x" * 11, "x" * 9 + "…"), (None, ""), (["x"], ""), ("Zürich ✓", "Zürich ✓")])
def test_a_text_is_legible(said, text):
    assert legible(said, 10) == text


def test_a_message_with_what_is_no_text_is_sent_without_it():
    sent = lines.decode(lines.encode(Event(number=1, level="", text="the file !\udcff", at=1.0)).rstrip())
    assert sent.text == "the file !?"

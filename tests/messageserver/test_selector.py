"""Choosing messages by the headers of their senders: in memory and on disk alike."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messageserver.frames import Refusal
from messageserver.selector import MAX_COMPARISONS, parse
from messageserver.stomp import encode_headers

NAMES = st.sampled_from(["a", "a-b", "b", "x y", 'q"', "c:d"])
VALUES = st.sampled_from(["", "1", "yes", "it's", "a\nb:c"])


@pytest.mark.parametrize(("text", "headers", "selected"), [
    ("a = 'yes'", {"a": "yes"}, True),
    ("a = 'yes'", {"a": "yes!", "b": "yes"}, False),
    ("a = 'yes'", {}, False),
    ("a='yes'", {"ba": "yes", "a": "yes"}, True),
    ("a <> 'no'", {"a": "yes"}, True),
    ("a <> 'no'", {"a": "no"}, False),
    ("a <> 'no'", {"b": "yes"}, False),
    (" a = 'yes' and b='2' AND c <> 'x' ", {"a": "yes", "b": "2", "c": "y"}, True),
    ("a = 'yes' AND b = '2'", {"a": "yes", "b": "3"}, False),
    ("size = 5", {"size": "5"}, True),
    ("size = -1.5", {"size": "-1.5"}, True),
    ("size = 5", {"size": "5.0"}, False),
    ("content-type = 'text/plain'", {"content-type": "text/plain"}, True),
    ('"a b" = \'it\'\'s\'', {"a b": "it's"}, True),
    ('"say ""x""" = \'\'', {'say "x"': ""}, True),
    ('"and" = \'1\'', {"and": "1"}, True),
    ("order = 'AND'", {"order": "AND"}, True),
    ("in-stock = '1'", {"in-stock": "1"}, True),
    ("a = 'b:c'", {"a": "b:c"}, True)])
def test_what_is_equal_is_selected(text, headers, selected):
    assert parse(text).selects(encode_headers(headers.items())) is selected


@pytest.mark.parametrize("text", [
    "", "a", "a =", "= 'b'", "a = b", "a = 'b", "a > 5", "a LIKE 'b%'", "a IN ('b')", "a = 'b' OR c = 'd'",
    "NOT a = 'b'", "(a = 'b')", "a = 'b' c = 'd'", "a = 'b' AND", "a = 'b' ANDc = 'd'", "a IS NULL", "a = TRUE",
    "and = 'b'", "5 = 5", "a = 5x", "a = 5.", "a == 'b'", '"" = \'b\'', "a BETWEEN 1 AND 2"])
def test_anything_else_is_refused_and_what_is_understood_is_said(text):
    with pytest.raises(Refusal, match="name = 'text' or name <> 'text'"):
        parse(text)


def test_a_selector_has_so_many_comparisons_at_most():
    parse(" AND ".join(["a = 'b'"] * MAX_COMPARISONS))
    with pytest.raises(Refusal, match=f"{MAX_COMPARISONS + 1} comparisons"):
        parse(" AND ".join(["a = 'b'"] * (MAX_COMPARISONS + 1)))


@given(headers=st.dictionaries(NAMES, VALUES), wanted=st.lists(
    st.tuples(NAMES, st.sampled_from(["=", "<>"]), VALUES), min_size=1, max_size=3))
def test_the_disk_and_the_memory_agree_with_the_meaning(headers, wanted):
    quoted = [(name.replace('"', '""'), operator, value.replace("'", "''")) for name, operator, value in wanted]
    selector = parse(" AND ".join(f"\"{name}\" {operator} '{value}'" for name, operator, value in quoted))
    meant = all(name in headers and (headers[name] == value) == (operator == "=") for name, operator, value in wanted)
    lines = encode_headers(headers.items())
    where, values = selector.condition()
    db = sqlite3.connect(":memory:")
    found = db.execute(f"SELECT 1 FROM (SELECT CAST(? AS BLOB) AS headers) WHERE 1{where}", (lines, *values)).fetchall()
    db.close()
    assert selector.selects(lines) is meant
    assert bool(found) is meant

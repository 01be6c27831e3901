"""Addresses in settings."""

import pytest

from console.addresses import addresses


@pytest.mark.parametrize(("text", "found"), [
    ("", ()), (" ", ()), ("a:1", (("a", 1),)), ("a:2020, 10.0.0.2:2021,", (("a", 2020), ("10.0.0.2", 2021))),
    ("[::1]:2020", (("::1", 2020),)),
])
def test_addresses_are_separated_by_commas(text, found):
    assert addresses(text) == found


@pytest.mark.parametrize("text", ["a", "a:", ":1", "a:0", "a:65536", "a:x", "::1:2020", "a:1,b"])
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="control-a:2020,control-b:2020"):
        addresses(text)

"""Addresses in settings."""

import pytest

from console.addresses import addresses, port_of


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


@pytest.mark.parametrize(("url", "port"), [
    ("", 8001), ("https://pairwise.example.com", 443), ("http://pairwise.example.com", 80),
    ("https://[::1]:8443", 8443), ("pairwise.example.com", 8001), ("https://pairwise.example.com:none", 8001),
    ("https://[", 8001)])
def test_browsers_know_the_console_by_the_port_of_its_address(url, port):
    assert port_of(url, 8001) == port
